// A page in a background tab: Chromium lets its timers run once a minute, so
// its heart-beats stay out, but answers the server's WebSocket pings.
//
// FIBERCHAT_HIDDEN is how long it stays there, 90s by default: long enough for
// 20 s of silence, after which a server that does not ask gives the page up.
//
//	FIBERCHAT_HIDDEN=4m node --test hidden/*.test.js

import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import http from 'node:http';
import { tmpdir } from 'node:os';
import path from 'node:path';
import readline from 'node:readline';
import { setTimeout as pause } from 'node:timers/promises';
import { test } from 'node:test';
import WebSocket from 'ws';
import { sitDown } from '../clients/chatter.js';
import { native } from '../clients/doors.js';
import { signUp, within } from '../clients/harness.js';
import { stompjs7 } from '../clients/libraries.js';
import { CHROMIUM, skip, startServer } from '../browser/harness.js';

const [, count, unit] = /^(\d+)([sm])$/.exec(process.env.FIBERCHAT_HIDDEN ?? '90s');
const HIDDEN = Number(count) * (unit === 'm' ? 60_000 : 1_000);

const bundle = (file) => readFileSync(new URL(`../node_modules/${file}`, import.meta.url), 'utf8');

/** One client a door; what happens to it stands in log. */
const script = (server, doors) => `
const clients = ${JSON.stringify(doors)}.map(({ uid, secret, sockjs }) => {
  const log = [];
  const query = '?srect=' + encodeURIComponent(secret);
  const client = new StompJs.Client({
    webSocketFactory: () => (sockjs
      ? new SockJS('${server}/socketServer' + query, null, { transports: ['websocket'] })
      : new WebSocket('${server.replace('http', 'ws')}/client' + query, ['v12.stomp'])),
    onConnect() {
      log.push('connected');
      client.subscribe('/user/' + uid + '/recive', (frame) => {
        log.push(JSON.parse(frame.body).content);
        frame.ack();
      }, { ack: 'client-individual' });
    },
    onStompError: (frame) => log.push(frame.headers.message),
    onWebSocketClose: ({ code }) => log.push('closed with ' + code),
  });
  client.activate();
  return { log };
});`;

/**
 * A Chromium with tabs. playwright has every page believe that it is in front,
 * so this speaks to Chromium itself.
 */
async function openTabs(t, url) {
  const profile = mkdtempSync(path.join(tmpdir(), 'fiberchat-hidden-'));
  const child = spawn(CHROMIUM, [
    '--headless=new', '--no-sandbox', '--disable-gpu', '--no-first-run', '--disable-background-networking', '--disable-component-update', '--disable-sync',
    '--remote-debugging-port=0', `--user-data-dir=${profile}`,
    // Chromium's own grace is five minutes.
    '--enable-features=IntensiveWakeUpThrottling:grace_period_seconds/0', url,
  ], { stdio: ['ignore', 'ignore', 'pipe'] });
  const ended = once(child, 'exit');
  let close = () => child.kill('SIGKILL');
  t.after(async () => {
    await close();
    await within(ended, 'Chromium to end');
    rmSync(profile, { recursive: true, force: true, maxRetries: 10 }); // its helpers may end after it
  });
  const lines = readline.createInterface(child.stderr);
  const address = await within(new Promise((resolve) => {
    lines.on('line', (line) => { if (line.startsWith('DevTools listening on ')) resolve(line.split(' ').at(-1)); });
  }), 'Chromium', 60_000); // its first start reads 300 MB
  const socket = new WebSocket(address);
  await once(socket, 'open');
  const answers = new Map();
  socket.on('message', (data) => {
    const { id, result, error } = JSON.parse(data);
    answers.get(id)?.(error ? Promise.reject(new Error(error.message)) : result);
  });
  let serial = 0;
  const call = (method, params = {}, sessionId = undefined) => within(new Promise((resolve) => {
    answers.set(++serial, resolve);
    socket.send(JSON.stringify({ id: serial, method, params, sessionId }));
  }), method);
  close = () => socket.send('{"id":0,"method":"Browser.close"}');
  const { targetInfos } = await call('Target.getTargets');
  const { targetId } = targetInfos.find(({ type }) => type === 'page');
  const { sessionId } = await call('Target.attachToTarget', { targetId, flatten: true });
  return {
    run: async (expression) => (await call('Runtime.evaluate', { expression, returnByValue: true }, sessionId)).result.value,
    coverPage: () => call('Target.createTarget', { url: 'about:blank' }), // a tab in front
    showPage: () => call('Target.activateTarget', { targetId }),
  };
}

async function until(what, condition) {
  const begun = Date.now();
  for (let value; ; await pause(100)) {
    value = await condition();
    if (value) return value;
    assert.ok(Date.now() - begun < 30_000, `waited for ${what}`);
  }
}

test(`a tab in the background for ${count}${unit} stays connected`, { skip }, async (t) => {
  const server = await startServer(t);
  const url = server.url.replace(/\/$/, '');
  const [ada, bob, eve] = await Promise.all(['a', 'b', 'e'].map((name) => signUp({ url }, name)));
  const a = await sitDown(ada, { connect: stompjs7(), door: native('v12.stomp'), url });
  t.after(() => a.leave());
  const html = `<!doctype html><title>page</title><script>${bundle('@stomp/stompjs/bundles/stomp.umd.min.js')}</script>
    <script>${bundle('sockjs-client/dist/sockjs.min.js')}</script>
    <script>${script(url, [{ ...bob, sockjs: false }, { ...eve, sockjs: true }])}</script>`;
  const site = http.createServer((_, response) => response.setHeader('content-type', 'text/html; charset=utf-8').end(html));
  t.after(() => site.close());
  await once(site.listen(0, '127.0.0.1'), 'listening');
  const tabs = await openTabs(t, `http://127.0.0.1:${site.address().port}/`);
  const logs = () => tabs.run('clients.map(({ log }) => log)');
  await until('both to connect', async () => (await logs())?.every((log) => log.length === 1));

  await tabs.coverPage();
  await until('the page to be hidden', () => tabs.run('document.hidden'));
  await pause(HIDDEN);
  assert.equal(await tabs.run('document.hidden'), true);
  assert.deepEqual(await logs(), [['connected'], ['connected']]);
  for (const to of [bob, eve]) a.send(`to-${to.uid}`, to, 'are you there?');
  await a.delivered.take(2);
  await tabs.showPage();
  await until('the page to be shown', async () => !(await tabs.run('document.hidden')));
  assert.deepEqual(await logs(), Array(2).fill(['connected', 'are you there?']));
});
