// Every way in: our client and the official libraries, over WebSocket, SockJS
// and each of its fallbacks. The libraries come from the npm packages in the
// place of the CDN, so that the browser checks the pinned hashes.

import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { after, test } from 'node:test';
import { closeBrowser, fromPackages, openPage, skip, startServer, twoPeople } from './harness.js';

after(closeBrowser);

const TRANSPORTS = ['websocket', 'sockjs', 'sockjs:websocket', 'sockjs:xhr-streaming', 'sockjs:eventsource', 'sockjs:iframe-eventsource',
  'sockjs:htmlfile', 'sockjs:iframe-htmlfile', 'sockjs:xhr-polling', 'sockjs:iframe-xhr-polling', 'sockjs:jsonp-polling'];
// The part of the address that only this transport asks for.
const ADDRESS = { websocket: /\/websocket\?/, eventsource: /\/eventsource\?/, htmlfile: /\/htmlfile\?/, 'xhr-streaming': /\/xhr_streaming\?/, 'xhr-polling': /\/xhr\?/, 'jsonp-polling': /\/jsonp\?/ };

test('the picker offers every transport of this list', () => {
  const source = readFileSync(new URL('../../web/app/libraries.js', import.meta.url), 'utf8');
  assert.deepEqual([...source.matchAll(/^ {2}\['([^']+)', '/gm)].map(([, name]) => name), TRANSPORTS);
});

async function choose(page, transport, official) {
  await page.getByRole('switch', { name: 'Official libraries' }).setChecked(official);
  await page.locator('#transport:enabled').waitFor();
  await page.getByLabel('Transport').selectOption(transport);
  await page.locator('#transport:enabled').waitFor();
}

async function talk(a, b, what) {
  for (const one of [a, b]) await one.online();
  const text = `${what}, 起来聊天 \u2028 🙂 "\\`;
  await a.say(text);
  await a.state(`${what},`, 'delivered');
  await b.sees(`${what},`);
  await b.say(`${what} back`);
  await a.sees(`${what} back`);
  assert.deepEqual((await b.texts()).slice(-2), [text, `${what} back`]);
}

for (const official of [false, true]) {
  test(official ? '@stomp/stompjs over every transport' : 'chat-client.js over every transport', { skip }, async (t) => {
    const server = await startServer(t);
    const { page, a, b } = await twoPeople(t, server.url);
    let requests = [];
    page.on('request', (request) => requests.push(request.url()));
    page.on('websocket', (socket) => requests.push(socket.url()));
    for (const transport of TRANSPORTS) {
      await t.test(transport, async () => {
        requests = [];
        await choose(page, transport, official);
        await talk(a, b, transport);
        const [, only = ''] = transport.split(':');
        const address = ADDRESS[only.replace('iframe-', '')];
        if (address) assert.ok(requests.some((url) => address.test(url)), `no request of ${only}: ${requests.join('\n')}`);
        if (only.startsWith('iframe-')) assert.ok(requests.some((url) => /\/socketServer\/iframe[^/]*\.html/.test(url)), 'no iframe was asked for');
      });
    }
    assert.deepEqual(await page.evaluate(() => [typeof globalThis.StompJs, typeof globalThis.SockJS]), [official ? 'object' : 'undefined', 'function']);
  });
}

test('the choice holds over a killed socket, and can be taken back', { skip }, async (t) => {
  const server = await startServer(t);
  const { page, a, b } = await twoPeople(t, server.url);
  await choose(page, 'sockjs:xhr-streaming', true);
  await talk(a, b, 'streaming');
  await page.locator('.break-buttons').getByRole('button', { name: 'Kill the socket' }).click();
  await page.locator('.report li', { hasText: 'was back after' }).waitFor();
  await a.say('after the kill');
  await b.sees('after the kill');
  await page.getByRole('switch', { name: 'Official libraries' }).uncheck();
  await page.getByLabel('Transport').selectOption('websocket');
  await a.online();
  await a.say('native again');
  await b.sees('native again');
});

for (const [name, cdn] of [
  ['cannot be reached', (route) => route.abort()],
  ['serves something else', (route) => route.fulfill({ body: 'globalThis.evil = 1', contentType: 'text/javascript', headers: { 'access-control-allow-origin': '*' } })],
]) {
  test(`a CDN that ${name}: the page says so and stays on its own client`, { skip }, async (t) => {
    const server = await startServer(t);
    const { page, a, b } = await twoPeople(t, server.url, { cdn, expected: [/net::ERR_FAILED/, /integrity/] });
    await page.getByRole('switch', { name: 'Official libraries' }).click();
    await page.getByText('@stomp/stompjs 7.5.0 could not be loaded from https://cdn.jsdelivr.net/npm.').waitFor();
    assert.equal(await page.getByRole('switch').isChecked(), false);
    await page.getByLabel('Transport').selectOption('sockjs:xhr-polling');
    await page.getByText('sockjs-client 1.6.1 could not be loaded').waitFor();
    assert.equal(await page.getByLabel('Transport').inputValue(), 'websocket');
    assert.equal(await page.evaluate(() => globalThis.evil), undefined);
    await a.say('all the same');
    await b.sees('all the same');
    assert.equal(await page.locator('.frame.note', { hasText: 'socket closed' }).count(), 0);
  });
}

test('a CDN that does not answer is given up, and nothing is locked meanwhile', { skip }, async (t) => {
  const server = await startServer(t);
  const { page, a, b } = await twoPeople(t, server.url, { cdn: () => {} });
  await page.getByRole('switch', { name: 'Official libraries' }).click();
  await page.getByText('Loading …').waitFor();
  await a.say('meanwhile');
  await b.sees('meanwhile');
  await page.getByText('@stomp/stompjs 7.5.0 could not be loaded from https://cdn.jsdelivr.net/npm.').waitFor();
  assert.equal(await page.getByText('Loading …').isVisible(), false);
  assert.equal(await page.getByRole('switch').isChecked(), false);
  assert.equal(await page.locator('#transport').isEnabled(), true);
});

test('the libraries come from where -cdn says, and from nowhere else', { skip }, async (t) => {
  const server = await startServer(t, '-cdn', 'https://mirror.example/npm/');
  const page = await openPage(t, server.url);
  const asked = [];
  await page.context().route('https://mirror.example/**', (route) => {
    asked.push(route.request().url());
    return fromPackages(route);
  });
  await page.getByRole('switch').check();
  await page.locator('#transport:enabled').waitFor();
  assert.deepEqual(asked, ['https://mirror.example/npm/@stomp/stompjs@7.5.0/bundles/stomp.umd.min.js']);
  const { headers } = await page.evaluate(async () => ({ headers: Object.fromEntries((await fetch('.')).headers) }));
  assert.match(headers['content-security-policy'], /script-src 'self' https:\/\/mirror\.example\/npm\/sockjs-client@1\.6\.1\/ https:\/\/mirror\.example\/npm\/@stomp\/stompjs@7\.5\.0\/;/);
});
