// A conversation of 5,000 messages.

import assert from 'node:assert/strict';
import { on, once } from 'node:events';
import { after, test } from 'node:test';
import WebSocket from 'ws';
import { formatFrame, parseFrame } from '../../web/chat-client/chat-client.js';
import { closeBrowser, openPage, seat, skip, startServer } from './harness.js';

after(closeBrowser);

const COUNT = 5_000;
const WINDOW = 120; // rows in the document, as in messages.js

async function rest(url, path, body) {
  const answer = await fetch(url + path, { method: 'POST', headers: { 'content-type': 'application/json' }, body: JSON.stringify(body) });
  const { content, message } = await answer.json();
  assert.ok(answer.ok, message);
  return content;
}

/** Sends count messages in a pipeline and waits until all are stored. */
async function sendMany(url, secret, reciverId, count) {
  const socket = new WebSocket(`${url.replace('http', 'ws')}client?srect=${secret}`, ['v12.stomp']);
  await once(socket, 'open');
  socket.send(formatFrame('CONNECT', { 'accept-version': '1.2', host: 'test', 'heart-beat': '0,0' }));
  socket.send(formatFrame('SUBSCRIBE', { id: 's', destination: '/user/queue/send/status' }));
  let stored = 0;
  const done = new Promise((resolve, reject) => {
    socket.on('message', (data) => {
      const frame = parseFrame(String(data));
      if (frame?.command === 'MESSAGE' && ++stored === count) resolve();
    });
    socket.on('close', () => reject(new Error(`closed after ${stored}`)));
  });
  for (let i = 1; i <= count; i++) {
    const body = JSON.stringify({ msgID: `many-${i}`, reciverId, content: `message ${i}. ${'lorem 聊天 '.repeat(i % 9)}` });
    socket.send(formatFrame('SEND', { destination: '/socket/chat/send' }, body));
  }
  await done;
  socket.removeAllListeners('close').close();
}

test('5,000 unconfirmed messages come in, are confirmed, and scroll smoothly', { skip }, async (t) => {
  const server = await startServer(t, '-rate', '0');
  const passwd = 'correct horse';
  for (const uname of ['ann', 'bo']) await rest(server.url, 'api/user/create', { uname, nname: uname, passwd, rpasswd: passwd });
  const [ann, bo] = await Promise.all(['ann', 'bo'].map((uname) => rest(server.url, 'api/user/login', { uname, passwd })));
  await sendMany(server.url, ann.secret, bo.user.uid, COUNT);

  const page = await openPage(t, server.url);
  const begun = Date.now();
  const b = seat(page, 'b');
  await b.signIn('bo');
  const contact = b.root.locator('.contact', { hasText: 'ann' });
  await contact.locator('.unread', { hasText: '99+' }).waitFor();
  await contact.locator('.preview', { hasText: `message ${COUNT}.` }).waitFor();
  t.diagnostic(`init brought ${COUNT} messages in ${Date.now() - begun} ms`);
  await contact.click();
  await b.sees(`message ${COUNT}.`);
  assert.ok(await b.rows.count() <= WINDOW, 'the document holds more than the window');

  const scrolled = await b.root.locator('.messages').evaluate(async (list) => {
    const frame = () => new Promise(requestAnimationFrame);
    const times = [];
    for (let i = 0, last = await frame(); i < 300; i++) {
      list.scrollTop -= 250;
      const now = await frame();
      times.push(now - last);
      last = now;
    }
    times.sort((x, y) => x - y);
    return { median: times[150], p95: times[285], first: list.querySelector('.bubble').textContent };
  });
  t.diagnostic(`scrolling: ${scrolled.median.toFixed(1)} ms a picture, 95 % within ${scrolled.p95.toFixed(1)} ms`);
  assert.ok(Number(/message (\d+)/.exec(scrolled.first)[1]) < COUNT - WINDOW, 'the window did not slide');
  assert.ok(scrolled.median < 50, `${scrolled.median} ms a picture`);
  assert.ok(await b.rows.count() <= WINDOW);

  // Up to the very first, each once and in order.
  const order = await b.root.locator('.messages').evaluate(async (list) => {
    const frame = () => new Promise(requestAnimationFrame);
    const seen = new Set();
    while (!seen.has(1)) {
      for (const one of list.querySelectorAll('.bubble')) seen.add(Number(/message (\d+)/.exec(one.textContent)[1]));
      list.scrollTop = 0;
      await frame();
    }
    return seen.size;
  });
  assert.ok(order > 1000);
  await b.root.getByText('This is where it begins').waitFor();
  await b.root.locator('.newer').click();
  await b.sees(`message ${COUNT}.`);

  // Everything gets confirmed: in the end another session has nothing to bring.
  const again = new WebSocket(`${server.url.replace('http', 'ws')}client?srect=${bo.secret}`, ['v12.stomp']);
  await once(again, 'open');
  again.send(formatFrame('CONNECT', { 'accept-version': '1.2', host: 'test', 'heart-beat': '0,0' }));
  again.send(formatFrame('SUBSCRIBE', { id: 'm', destination: `/user/${bo.user.uid}/recive` }));
  const left = async () => {
    again.send(formatFrame('SEND', { destination: '/socket/chat/init', receipt: 'all' }));
    let count = 0;
    for await (const [data] of on(again, 'message')) {
      const frame = parseFrame(String(data));
      if (frame?.command === 'MESSAGE') count++;
      if (frame?.command === 'RECEIPT') return count;
    }
  };
  for (let before = Infinity, now; (now = await left()) > 0; before = now) assert.ok(now < before, `${now} are still not confirmed`);
  again.close();
});
