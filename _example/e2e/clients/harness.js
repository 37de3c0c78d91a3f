// What the client tests share: the example's own binary on a free port,
// people who signed up by its REST API, and a TCP proxy that can be cut.

import { execFileSync, spawn } from 'node:child_process';
import { mkdtempSync, rmSync } from 'node:fs';
import net from 'node:net';
import { tmpdir } from 'node:os';
import path from 'node:path';
import readline from 'node:readline';
import { fileURLToPath } from 'node:url';

const root = path.resolve(path.dirname(fileURLToPath(import.meta.url)), '../../..');
const folder = mkdtempSync(path.join(tmpdir(), 'fiberchat-clients-'));
const children = new Set();
process.on('exit', () => {
  for (const child of children) child.kill('SIGKILL');
  rmSync(folder, { recursive: true, force: true });
});

/** How long a test waits for an event before it fails. */
export const PATIENCE = 20_000;

/** Something did not come in time. */
export class Late extends Error {}

/** Settles like promise, or rejects with Late, naming what was awaited. */
export async function within(promise, what, patience = PATIENCE) {
  let timer;
  const late = new Promise((_, reject) => {
    timer = setTimeout(() => reject(new Late(`waited ${patience} ms for ${what}`)), patience);
  });
  try {
    return await Promise.race([promise, late]);
  } finally {
    clearTimeout(timer);
  }
}

let binary = process.env.FIBERCHAT_EXAMPLE;
function example() {
  if (!binary) {
    const made = path.join(folder, 'example');
    execFileSync('go', ['build', '-o', made, './_example'], { cwd: root, stdio: ['ignore', 'ignore', 'inherit'] });
    binary = made;
  }
  return binary;
}

/** Starts the example with a database of its own; stop() and start() again keep port and database. */
export async function startServer(...flags) {
  const db = path.join(mkdtempSync(path.join(folder, 'db-')), 'chat.db');
  const server = {
    url: '', // without a slash at the end
    async start() {
      const addr = server.url ? new URL(server.url).host : '127.0.0.1:0';
      const child = spawn(example(), ['-addr', addr, '-db', db, '-signups', '0', ...flags], { stdio: ['ignore', 'pipe', 'inherit'] });
      children.add(child);
      const ended = new Promise((resolve) => {
        child.once('exit', (code, signal) => {
          children.delete(child);
          resolve(code ?? signal);
        });
      });
      server.stop = (signal = 'SIGTERM') => {
        child.kill(signal);
        return within(ended, 'the server to end');
      };
      const url = new Promise((resolve, reject) => {
        readline.createInterface(child.stdout).on('line', (line) => {
          const found = /open (http:\S+)\/$/.exec(line);
          if (found) resolve(found[1]);
        });
        ended.then((code) => reject(new Error(`the example ended with ${code} before it listened`)));
      });
      server.url = await within(url, 'the server to listen');
    },
  };
  await server.start();
  return server;
}

/** Calls the REST API and returns its content. */
export async function rest(server, path, body, secret) {
  const response = await fetch(server.url + path, {
    method: body ? 'POST' : 'GET',
    headers: { 'content-type': 'application/json', ...(secret && { authorization: `Bearer ${secret}` }) },
    body: body && JSON.stringify(body),
  });
  const answer = await response.json();
  if (answer.code !== 200) throw new Error(`${path}: ${JSON.stringify(answer)}`);
  return answer.content;
}

let people = 0;
/** Signs somebody up: {uname, uid, secret}. Names are unique in a run. */
export async function signUp(server, name = 'user') {
  const uname = `${name}-${process.pid}-${++people}`;
  const passwd = 'correct horse';
  await rest(server, '/api/user/create', { uname, nname: name, passwd, rpasswd: passwd });
  const { secret, user } = await rest(server, '/api/user/login', { uname, passwd });
  return { uname, uid: user.uid, secret };
}

/** A connection has ended. */
export class Ended extends Error {}

/** What arrives on a subscription, in order. */
export class Inbox {
  #name;
  #items = [];
  #waiting = [];
  #ended;
  constructor(name) { this.#name = name; }
  put(item) {
    const waiting = this.#waiting.shift();
    if (waiting) waiting.resolve(item);
    else this.#items.push(item);
  }
  /** Nothing more will come: who waits, or will, gets an Ended. */
  end(why) {
    this.#ended = new Ended(why);
    for (const waiting of this.#waiting.splice(0)) waiting.reject(this.#ended);
  }
  /** What nobody has taken yet. */
  get rest() { return [...this.#items]; }
  next(patience) {
    if (this.#items.length) return Promise.resolve(this.#items.shift());
    if (this.#ended) return Promise.reject(this.#ended);
    return within(new Promise((resolve, reject) => this.#waiting.push({ resolve, reject })), this.#name, patience);
  }
  async take(n) {
    const taken = [];
    while (taken.length < n) taken.push(await this.next());
    return taken;
  }
}

/**
 * A TCP proxy in front of server. cut() resets every connection it carries;
 * cutInside(share) does so when the server writes next, after that share of it.
 */
export async function startProxy(server) {
  const { hostname, port } = new URL(server.url);
  const open = new Set();
  let share; // of what comes from the server, before the cut
  const cut = () => {
    share = undefined;
    for (const socket of open) socket.resetAndDestroy();
  };
  const proxy = net.createServer((near) => {
    const far = net.connect(Number(port), hostname);
    for (const [from, to] of [[near, far], [far, near]]) {
      open.add(from);
      from.on('data', (data) => {
        if (from === far && share !== undefined && data.length > 100) {
          const part = data.subarray(0, data.length * share);
          share = undefined;
          if (part.length) to.write(part, cut);
          else cut();
        } else if (!to.write(data)) {
          from.pause();
          to.once('drain', () => from.resume());
        }
      });
      from.on('end', () => to.end());
      from.on('error', () => to.destroy());
      from.on('close', () => { open.delete(from); to.destroy(); });
    }
  });
  await new Promise((resolve) => { proxy.listen(0, '127.0.0.1', resolve); });
  return {
    url: `http://127.0.0.1:${proxy.address().port}`,
    cut,
    cutInside: (some) => { share = some; },
    close() {
      cut();
      return new Promise((resolve) => { proxy.close(resolve); });
    },
  };
}
