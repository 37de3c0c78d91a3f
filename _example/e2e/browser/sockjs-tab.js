// A tab at an origin of its own, and the client libraries in it behind the
// face of ../clients/libraries.js: so ../clients/suite.js runs with what is in
// Chromium as it does with what is in node.

import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import http from 'node:http';
import { after } from 'node:test';
import { Ended, within } from '../clients/harness.js';
import { openBrowser } from './harness.js';

const file = (path) => readFileSync(new URL(path, import.meta.url));
const sockjs = file('../node_modules/sockjs-client/dist/sockjs.min.js');

const pages = {
  '/': [`<!DOCTYPE html>
    <title>somebody else's site</title>
    <link rel="icon" href="data:,">
    <script src="npm/sockjs-client@1.6.1/dist/sockjs.min.js"></script>
    <script src="stomp2.js"></script>
    <script src="stomp7.js"></script>
    <script src="page.js"></script>
    <body></body>`, 'text/html'],
  '/stomp2.js': [file('../node_modules/stompjs/lib/stomp.min.js')],
  '/stomp7.js': [file('../node_modules/@stomp/stompjs/bundles/stomp.umd.min.js')],
  '/page.js': [file('sockjs-page.js')],
  // What the iframes of /socketServer load, with its hash, by the server's flag -cdn.
  '/npm/sockjs-client@1.6.1/dist/sockjs.min.js': [sockjs],
  '/changed/sockjs-client@1.6.1/dist/sockjs.min.js': [Buffer.concat([sockjs, Buffer.from('\n')])],
};

/** Serves the pages at an origin that is not the chat server's: neither its port nor its host. */
export async function serveElsewhere() {
  const server = http.createServer((request, response) => {
    const [body, type = 'text/javascript'] = pages[request.url] ?? [];
    response.writeHead(body ? 200 : 404, { 'content-type': `${type}; charset=utf-8`, 'access-control-allow-origin': '*' });
    response.end(body);
  });
  await new Promise((resolve) => { server.listen(0, '127.0.0.1', resolve); });
  // Closed, and not only left: Node 20 can spin for ever at its end when it must
  // close what is open (nodejs/node#47748).
  after(() => { server.close(); server.closeAllConnections(); });
  return `http://localhost:${server.address().port}`;
}

/** The doors, as what the page is told; see sockjs-page.js. */
export const native = (...protocols) => (url, token) => ['native', url, token, protocols];
export const raw = () => (url, token) => ['raw', url, token];
export const sockjsBy = (transport) => (url, token) => ['sockjs', url, token, transport];

const HARMLESS = [
  // What Chromium says of a cut connection and of a 401. A missing CORS header has other words.
  /^console: (Failed to load resource: |WebSocket connection to .* failed: |WebSocket is already in CLOSING or CLOSED state)/,
  // An answer that comes after sockjs-client has closed: it cannot stop a script or a frame.
  /^page error: .*TypeError: _jp\.\w+ is not a function/,
  /^page error: TypeError: Cannot read properties of undefined \(reading '(start|message|stop)'\)\n.*\/htmlfile\?/,
];

export async function openTab(origin, { expected = [] } = {}) {
  const context = await (await openBrowser()).newContext();
  const page = await context.newPage();
  const problems = [];
  const wrong = (text) => { if (![...HARMLESS, ...expected].some((pattern) => pattern.test(text))) problems.push(text); };
  page.on('pageerror', (error) => wrong(`page error: ${error.stack}`));
  page.on('console', (line) => {
    if (line.type() === 'error') wrong(`console: ${line.text()}`);
  });

  // What goes over the wire, from the page or from an iframe of the server.
  const wire = new Set();
  const saw = (url, from = '') => {
    const [, what] = /\/socketServer\/(?:[^/?]+\/[^/?]+\/)?(\w+)(?:\?|$)/.exec(url) ?? /\/(client)(?:\?|$)/.exec(url) ?? [];
    if (what && what !== 'info') wire.add(from + what);
  };
  page.on('websocket', (socket) => saw(socket.url()));
  page.on('request', (request) => {
    let frame = request.frame();
    while (frame && !/\/socketServer\/iframe[^/]*\.html/.test(frame.url())) frame = frame.parentFrame();
    saw(request.url(), frame ? 'iframe ' : '');
  });

  const links = new Map();
  const hear = {
    opened: (link, transport) => link.opened(transport),
    connected: (link) => link.connected(),
    ended: (link, how) => link.end(how),
    message: (link, subscription, body) => link.subscriptions[subscription](body),
  };
  await page.exposeFunction('reportNews', (news) => {
    for (const [what, link, ...rest] of news) hear[what](links.get(link), ...rest);
  });
  await page.goto(`${origin}/`);

  // Orders go out in order too, and together while the page is busy.
  let orders = [];
  let obeyed;
  const order = (...one) => {
    orders.push(one);
    obeyed ??= (async () => {
      await null;
      while (orders.length) await page.evaluate((some) => globalThis.obey(some), orders.splice(0));
    })().catch((error) => wrong(String(error))).finally(() => { obeyed = undefined; });
  };

  return {
    page,
    wire: () => [...wire].sort(),

    /** connect() as in ../clients/libraries.js; its open() says where to. */
    connect: (library) => async (open) => {
      const [door, url, token, how] = open();
      assert.notEqual(new URL(url).origin, origin);
      const id = links.size;
      const link = { subscriptions: [] };
      links.set(id, link);
      link.ended = new Promise((resolve) => { link.end = resolve; });
      const connected = new Promise((resolve) => { link.connected = resolve; });
      const opened = new Promise((resolve) => { link.opened = resolve; });
      order('connect', id, library, door, url, token, how);
      const early = await within(Promise.race([connected.then(() => null), link.ended]), 'CONNECTED');
      if (early) throw new Ended(`ended with ${early.code} ${early.error} before CONNECTED`);
      if (door === 'sockjs') assert.equal(await opened, how, 'SockJS took another transport');
      link.subscribe = (destination, fn) => order('subscribe', id, link.subscriptions.push(fn) - 1, destination);
      link.send = (destination, body) => order('send', id, destination, body);
      link.leave = () => order('leave', id);
      return link;
    },

    async close() {
      await obeyed;
      await context.close();
      assert.deepEqual(problems, []);
    },
  };
}
