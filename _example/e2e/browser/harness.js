// What the browser tests share: the example's own binary on a free port, a
// Chromium, and pages that fail their test on any error in the console.

import assert from 'node:assert/strict';
import { execFileSync, spawn } from 'node:child_process';
import { existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import readline from 'node:readline';
import { fileURLToPath } from 'node:url';
import { chromium } from 'playwright-core';

const here = path.dirname(fileURLToPath(import.meta.url));
const root = path.resolve(here, '../../..');
const artifacts = path.resolve(here, '../artifacts');
export const CHROMIUM = process.env.CHROMIUM ?? '/usr/bin/chromium';

/** Why these tests cannot run here; false when they can. In CI that is a failure. */
export const skip = existsSync(CHROMIUM) || process.env.CI ? false : `no Chromium at ${CHROMIUM}: apt-get install chromium, or set CHROMIUM`;

const folder = mkdtempSync(path.join(tmpdir(), 'fiberchat-browser-'));
process.on('exit', () => rmSync(folder, { recursive: true, force: true }));

let binary;
function build() {
  if (!binary) {
    const made = path.join(folder, 'example');
    execFileSync('go', ['build', '-o', made, './_example'], { cwd: root, stdio: ['ignore', 'ignore', 'inherit'] });
    binary = made;
  }
  return binary;
}

/** Like t.after, but last come first served: pages close before their server. */
const stacks = new WeakMap();
function cleanUp(t, step) {
  if (!stacks.has(t)) {
    stacks.set(t, []);
    t.after(async () => {
      const ends = [];
      for (const one of stacks.get(t).reverse()) ends.push(...await Promise.allSettled([Promise.resolve().then(one)]));
      for (const { reason } of ends) if (reason) throw reason;
    });
  }
  stacks.get(t).push(step);
}

/** Starts the example. stop() and start() make a restart on the same port and database. */
export async function startServer(t, ...flags) {
  const exe = process.env.FIBERCHAT_EXAMPLE ?? build();
  const db = path.join(mkdtempSync(path.join(folder, 'db-')), 'chat.db');
  const server = {
    url: '',
    child: null,
    async start() {
      const addr = server.url ? new URL(server.url).host : '127.0.0.1:0';
      const child = spawn(exe, ['-addr', addr, '-db', db, '-signups', '0', ...flags], { stdio: ['ignore', 'pipe', 'inherit'] });
      server.child = child;
      for await (const line of readline.createInterface(child.stdout)) {
        const found = /http:\/\/\S+/.exec(line);
        if (!found) continue;
        server.url ||= found[0];
        return;
      }
      throw new Error('the example ended before it listened');
    },
    async stop(signal = 'SIGTERM') {
      const { child } = server;
      if (!child || child.exitCode !== null || child.signalCode !== null) return;
      const ended = new Promise((resolve) => child.once('exit', resolve));
      child.kill(signal);
      await ended;
    },
  };
  cleanUp(t, () => server.stop('SIGKILL'));
  await server.start();
  return server;
}

let browser;
export async function openBrowser() {
  browser ??= await chromium.launch({
    executablePath: CHROMIUM,
    args: ['--no-sandbox', '--disable-gpu', '--disable-quic', '--no-first-run', '--disable-background-networking', '--disable-component-update', '--disable-sync'],
  });
  return browser;
}
export const closeBrowser = () => browser?.close();

const packageFile = (url) => {
  const [, name, file] = /\/npm\/((?:@[^/]+\/)?[^/@]+)@[^/]+\/(.+)$/.exec(url);
  return path.resolve(here, '../node_modules', name, file);
};

/** How the CDN answers: with the file of the npm package, so that the browser checks its hash. */
export const fromPackages = (route) => route.fulfill({
  body: readFileSync(packageFile(route.request().url())),
  contentType: 'text/javascript',
  headers: { 'access-control-allow-origin': '*' },
});

/**
 * A page in a context of its own. expected are patterns of console errors that
 * the test brings about; any other error, and any CSP violation, fails it.
 */
export async function openPage(t, url, { cdn = fromPackages, expected = [], ...options } = {}) {
  const context = await (await openBrowser()).newContext({ viewport: { width: 1280, height: 800 }, locale: 'en-US', ...options });
  const problems = [];
  const watch = (page) => {
    page.on('pageerror', (error) => problems.push(`page error: ${error.stack}`));
    page.on('console', (line) => {
      if (line.type() === 'error' && !expected.some((pattern) => pattern.test(line.text()))) problems.push(`console: ${line.text()}`);
    });
  };
  context.on('page', watch);
  await context.exposeBinding('reportViolation', (_, text) => problems.push(`CSP: ${text}`));
  await context.addInitScript(() => {
    addEventListener('securitypolicyviolation', (event) => globalThis.reportViolation(`${event.violatedDirective} ${event.blockedURI}`));
  });
  await context.route('https://cdn.jsdelivr.net/**', cdn);
  const page = await context.newPage();
  page.setDefaultTimeout(30_000);
  cleanUp(t, async () => {
    await context.close();
    assert.deepEqual(problems, []);
  });
  await page.goto(url);
  await page.locator('#app[data-ready]').waitFor({ state: 'attached' });
  return page;
}

/** One side of the page, with what a person can do there. */
export function seat(page, which) {
  const root = page.locator(`#seat-${which}`);
  return {
    root,
    input: root.locator('.composer textarea'),
    rows: root.locator('.row'),
    row: (text) => root.locator('.row', { hasText: text }),
    async signUp(uname, nname = uname) {
      await root.getByRole('button', { name: 'Sign up' }).first().click();
      await root.getByLabel('User name').fill(uname);
      await root.getByLabel('Display name').fill(nname);
      await root.getByLabel('Password', { exact: true }).fill('correct horse');
      await root.getByLabel('Password again').fill('correct horse');
      await root.locator('button[type=submit]').click();
      await this.online();
    },
    async signIn(uname) {
      await root.getByLabel('User name').fill(uname);
      await root.getByLabel('Password', { exact: true }).fill('correct horse');
      await root.locator('button[type=submit]').click();
      await this.online();
    },
    online: () => root.locator('.presence.online').waitFor({ state: 'attached' }),
    open: (name) => root.locator('.contact', { hasText: name }).click(),
    async say(text) {
      await root.locator('.composer textarea').fill(text);
      await root.locator('.composer textarea').press('Enter');
    },
    /** Waits until the person's own message is in a state: sending, stored, delivered, failed. */
    state: (text, state) => root.locator('.row.mine', { hasText: text }).locator(`.state.${state}`).waitFor({ state: 'attached' }),
    sees: (text) => root.locator('.row.theirs', { hasText: text }).waitFor(),
    texts: () => root.locator('.bubble').allTextContents(),
  };
}

/** Both seats, signed up and looking at each other's conversation. */
export async function twoPeople(t, url, options) {
  const page = await openPage(t, url, options);
  // Not by the door 'Just show me', which says hello: tests begin with nothing said.
  await page.evaluate(async () => {
    const call = async (path, body) => {
      const answer = await fetch(`api/user/${path}`, { method: 'POST', headers: { 'content-type': 'application/json' }, body: JSON.stringify(body) });
      return (await answer.json()).content;
    };
    const sessions = await Promise.all([['a', 'mei', '梅'], ['b', 'alex', 'Alex']].map(async ([which, uname, nname]) => {
      const passwd = 'correct horse';
      await call('create', { uname, nname, passwd, rpasswd: passwd });
      const { secret, user } = await call('login', { uname, passwd });
      return [which, { secret, user }];
    }));
    sessions.forEach(([which, session], at) => {
      sessionStorage.setItem(`fiberchat.${which}.session`, JSON.stringify(session));
      sessionStorage.setItem(`fiberchat.${which}.open`, sessions[1 - at][1].user.uid);
    });
  });
  await page.reload();
  await page.locator('#app[data-ready]').waitFor({ state: 'attached' });
  const [a, b] = [seat(page, 'a'), seat(page, 'b')];
  for (const one of [a, b]) {
    await one.input.waitFor({ state: 'attached' });
    await one.online();
  }
  return { page, a, b };
}

/** A picture for the eyes; kept with the CI run, not in the repository. */
export async function picture(page, name, options) {
  mkdirSync(artifacts, { recursive: true });
  await page.screenshot({ path: path.join(artifacts, `${name}.png`), ...options });
}
