// chat-client.js by itself: against a server made of one object, with the
// clock in the test's hand.

import assert from 'node:assert/strict';
import { createHash } from 'node:crypto';
import { readdir, readFile } from 'node:fs/promises';
import http from 'node:http';
import { test } from 'node:test';
import { ChatClient, formatFrame, newMsgID, parseFrame, sha1Hex } from '../../web/chat-client/chat-client.js';

/** Sockets of one client, oldest first, with what was written to each. */
function fakeServer() {
  const sockets = [];
  const open = (url) => {
    const socket = {
      url,
      written: [],
      closed: false,
      send: (text) => socket.written.push(parseFrame(text)),
      close: () => { socket.closed = true; },
      // What the server does:
      accept() {
        socket.onopen();
        socket.receive('CONNECTED', { version: '1.2', 'heart-beat': '10000,10000' });
      },
      receive: (command, headers, body) => socket.onmessage?.({ data: formatFrame(command, headers, body) }),
      message: (destination, body) => socket.receive('MESSAGE', { destination, subscription: 'x', 'message-id': '1' }, JSON.stringify(body)),
      stored: (msgID) => socket.message('/user/queue/send/status', { msgID, code: 200 }),
      fail: (msgID, code, error) => socket.message('/user/queue/status', { msgID, code, content: { error } }),
      deliver: (message) => socket.message('/user/1/recive', message),
      lose: (reason = '') => socket.onclose?.({ code: 1006, reason }),
      bodies: (destination) => socket.written.filter((frame) => frame.headers.destination === destination).map((frame) => JSON.parse(frame.body)),
    };
    sockets.push(socket);
    return socket;
  };
  return { open, sockets, get last() { return sockets.at(-1); } };
}

const settle = () => new Promise(setImmediate); // promises that are ready have run

function startClient(t, options = {}) {
  t.mock.timers.enable({ apis: ['setTimeout', 'setInterval', 'Date'], now: 1_700_000_000_000 });
  t.mock.method(Math, 'random', () => 1);
  const server = fakeServer();
  const seen = { messages: [], statuses: [], states: [], failures: [], duplicates: [] };
  const client = new ChatClient({
    url: 'ws://test/client?srect=t',
    uid: 1,
    socket: server.open,
    onMessage: (message) => { seen.messages.push(message); },
    onStatus: (status) => seen.statuses.push(status),
    onState: (state) => seen.states.push(state),
    onFailure: (failure) => seen.failures.push(failure),
    onDuplicate: (message) => seen.duplicates.push(message),
    ...options,
  });
  t.after(() => client.disconnect());
  client.connect();
  return { client, server, seen, sends: (socket = server.last) => socket.bodies('/socket/chat/send'), confirmations: (socket = server.last) => socket.bodies('/socket/chat/recive') };
}

const message = (id, more = {}) => ({ id, chatID: `chat-${id}`, sender: 'b', reciver: 'a', content: `text ${id}`, time: 1, senderId: 2, reciverId: 1, ...more });
const states = (seen) => seen.statuses.map(({ state }) => state);

test('sha1Hex is SHA-1', () => {
  for (const length of [0, 1, 54, 55, 56, 57, 63, 64, 65, 119, 120, 5000]) {
    const text = '聊'.repeat(length >> 1) + 'a'.repeat(length % 7);
    assert.equal(sha1Hex(text), createHash('sha1').update(text).digest('hex'), `length ${length}`);
  }
});

test('newMsgID differs for the same text in the same millisecond', () => {
  assert.match(newMsgID('x', 5), /^[0-9a-f]{40}$/);
  assert.notEqual(newMsgID('x', 5), newMsgID('x', 5));
});

test('frames are written and read as STOMP 1.2 has them', () => {
  assert.equal(formatFrame('SEND', { destination: '/a:b\n\\' }, 'x'), 'SEND\ndestination:/a\\cb\\n\\\\\n\nx\0');
  assert.equal(formatFrame('CONNECT', { host: 'a:1' }), 'CONNECT\nhost:a:1\n\n\0');
  assert.deepEqual(parseFrame('\nMESSAGE\na:1\\c2\na:3\n\nline\n\nline\0'), { command: 'MESSAGE', headers: { a: '1:2' }, body: 'line\n\nline' });
  assert.equal(parseFrame('\n'), null);
});

test('subscribes, then calls init, then sends the outbox', (t) => {
  const { client, server, seen } = startClient(t);
  client.send(2, 'early');
  assert.equal(server.last.written.length, 0);
  server.last.accept();
  assert.deepEqual(server.last.written.map((frame) => `${frame.command} ${frame.headers.destination ?? ''}`.trim()), [
    'CONNECT', 'SUBSCRIBE /user/queue/send/status', 'SUBSCRIBE /user/queue/recive/status', 'SUBSCRIBE /user/queue/status',
    'SUBSCRIBE /user/queue/delivered', 'SUBSCRIBE /user/1/recive', 'SEND /socket/chat/init', 'SEND /socket/chat/send']);
  assert.deepEqual(seen.states.map(({ state }) => state), ['connecting', 'online']);
});

test('a message goes from sending over stored to delivered', (t) => {
  const { client, server, seen, sends } = startClient(t);
  server.last.accept();
  const { msgID } = client.send(2, '起来聊天');
  assert.deepEqual(sends(), [{ msgID, reciverId: 2, content: '起来聊天' }]);
  assert.equal(client.outbox.length, 1);
  server.last.stored(msgID);
  assert.equal(client.outbox.length, 0);
  server.last.message('/user/queue/delivered', { msgID, code: 200, content: { id: 9, reciverId: 2, time: 3 } });
  assert.deepEqual(states(seen), ['sending', 'stored', 'delivered']);
  assert.equal(seen.statuses.at(-1).id, 9);
});

test('what is not known to be stored is sent again under the same msgID, also on the next connection', (t) => {
  const { client, server, sends } = startClient(t);
  server.last.accept();
  const { msgID } = client.send(2, 'x');
  t.mock.timers.tick(10_000);
  assert.deepEqual(sends().map((one) => one.msgID), [msgID, msgID]);
  server.last.lose();
  t.mock.timers.tick(1000);
  assert.equal(server.sockets.length, 2);
  server.last.accept();
  assert.deepEqual(sends().map((one) => one.msgID), [msgID]);
  server.last.stored(msgID);
  t.mock.timers.tick(20_000);
  assert.equal(sends().length, 1);
});

test('one receiver gets one message at a time, in order; another does not wait for it', (t) => {
  const { client, server, sends } = startClient(t);
  server.last.accept();
  const [a, b, c] = [client.send(2, 'a'), client.send(2, 'b'), client.send(3, 'c')];
  assert.deepEqual(sends().map((one) => one.content), ['a', 'c']);
  server.last.fail(a.msgID, -300, 'StoreUnavailable');
  server.last.stored(c.msgID);
  assert.deepEqual(sends().map((one) => one.content), ['a', 'c']);
  t.mock.timers.tick(2000);
  server.last.stored(a.msgID);
  assert.deepEqual(sends().map((one) => one.content), ['a', 'c', 'a', 'b']);
  server.last.stored(b.msgID);
  assert.equal(client.outbox.length, 0);
});

test('RateLimited is waited out, longer each time', (t) => {
  const { client, server, seen, sends } = startClient(t);
  server.last.accept();
  const { msgID } = client.send(2, 'x');
  const waits = [];
  for (let i = 0; i < 4; i++) {
    const [count, start] = [sends().length, Date.now()];
    server.last.fail(msgID, -400, 'RateLimited');
    while (sends().length === count) {
      assert.ok(Date.now() - start < 60_000, 'never sent again');
      t.mock.timers.tick(100);
    }
    waits.push(Date.now() - start);
    server.last.receive('MESSAGE', { destination: '/user/queue/recive/status' }, '{"msgID":"keeps the line alive"}');
  }
  assert.ok(waits.every((wait, i) => i === 0 || wait > waits[i - 1]), waits.join());
  server.last.stored(msgID);
  assert.deepEqual(states(seen), ['sending', 'stored']);
});

test('what the server refuses for good is failed until retry, under the same msgID', (t) => {
  const { client, server, seen, sends } = startClient(t);
  server.last.accept();
  const { msgID } = client.send(77, 'x');
  server.last.fail(msgID, -404, 'ReceiverNotFound');
  assert.deepEqual(states(seen), ['sending', 'failed']);
  assert.equal(seen.statuses[1].failure.content.error, 'ReceiverNotFound');
  t.mock.timers.tick(20_000);
  assert.equal(sends().length, 1);
  assert.equal(client.retry(msgID), true);
  assert.equal(client.retry(msgID), false);
  assert.deepEqual(sends().map((one) => one.msgID), [msgID, msgID]);
});

test('a message is failed after twelve sends without an answer', (t) => {
  const { client, server, seen, sends } = startClient(t);
  server.last.accept();
  client.send(2, 'x');
  for (let i = 0; i < 130; i++) {
    t.mock.timers.tick(1000);
    server.last.onmessage({ data: '\n' });
  }
  assert.equal(sends().length, 12);
  assert.equal(seen.statuses.at(-1).failure.content.error, 'NoAnswer');
});

test('confirms after onMessage has finished, not before', async (t) => {
  let finish;
  const { server, confirmations } = startClient(t, { onMessage: () => new Promise((resolve) => { finish = resolve; }) });
  server.last.accept();
  server.last.deliver(message(5));
  server.last.deliver(message(5)); // repeated meanwhile
  await settle();
  assert.deepEqual(confirmations(), []);
  finish();
  await settle();
  assert.deepEqual(confirmations(), [{ msgID: 'chat-5', id: 5 }]);
});

test('a message that could not be kept is not confirmed, and asked for again', async (t) => {
  let fail = true;
  const kept = [];
  const { server, seen, confirmations } = startClient(t, { onMessage: (one) => { if (fail) throw new Error('disk full'); kept.push(one.id); } });
  server.last.accept();
  server.last.deliver(message(5));
  await settle();
  assert.deepEqual(confirmations(), []);
  assert.equal(seen.failures[0].content.error, 'NotSaved');
  const inits = () => server.last.written.filter((frame) => frame.headers.destination === '/socket/chat/init').length;
  assert.equal(inits(), 1);
  t.mock.timers.tick(10_000);
  assert.equal(inits(), 2);
  fail = false;
  server.last.deliver(message(5));
  await settle();
  assert.deepEqual([kept, confirmations()], [[5], [{ msgID: 'chat-5', id: 5 }]]);
});

test('a repetition is confirmed again and not handed on', async (t) => {
  const { client, server, seen, confirmations } = startClient(t);
  server.last.accept();
  server.last.deliver(message(5));
  await settle();
  server.last.lose();
  t.mock.timers.tick(1000);
  server.last.accept();
  server.last.deliver(message(5));
  client.markSeen(6);
  server.last.deliver(message(6));
  await settle();
  assert.deepEqual(seen.messages.map(({ id }) => id), [5]);
  assert.deepEqual(seen.duplicates.map(({ id }) => id), [5, 6]);
  assert.deepEqual(confirmations().map(({ id }) => id), [5, 6]);
});

test('a confirmation without step 5 is sent again; two senders with one chatID are told apart', async (t) => {
  const { server, confirmations } = startClient(t);
  server.last.accept();
  server.last.deliver(message(5, { chatID: 'same' }));
  server.last.deliver(message(6, { chatID: 'same', senderId: 3 }));
  await settle();
  server.last.message('/user/queue/recive/status', { msgID: 'same', code: 200 });
  t.mock.timers.tick(10_000);
  assert.deepEqual(confirmations().map(({ id }) => id), [5, 6, 6]);
  server.last.message('/user/queue/recive/status', { msgID: 'same', code: 200 });
  t.mock.timers.tick(10_000);
  assert.equal(confirmations().length, 3);
});

test('comes back with growing pauses, and at once on reconnect()', (t) => {
  const { client, server, seen } = startClient(t);
  const pauses = [];
  for (let i = 0; i < 9; i++) {
    server.last.lose();
    const { retryAt } = seen.states.at(-1);
    pauses.push(retryAt - Date.now());
    t.mock.timers.tick(retryAt - Date.now());
  }
  assert.deepEqual(pauses, [500, 1000, 2000, 4000, 8000, 16_000, 30_000, 30_000, 30_000]);
  server.last.lose();
  const count = server.sockets.length;
  client.reconnect();
  assert.equal(server.sockets.length, count + 1);
  t.mock.timers.tick(10_000);
  assert.equal(server.sockets.length, count + 1, 'the pause was not called off');
});

test('a connection that lasts makes the next pause short again; one that does not, does not', (t) => {
  const { server, seen } = startClient(t);
  const pause = (online) => {
    server.last.accept();
    for (let left = online; left > 0; left -= 1000) {
      t.mock.timers.tick(1000);
      server.last.onmessage({ data: '\n' });
    }
    server.last.lose();
    const wait = seen.states.at(-1).retryAt - Date.now();
    t.mock.timers.tick(wait);
    return wait;
  };
  assert.deepEqual([pause(1000), pause(1000), pause(20_000), pause(1000)], [500, 1000, 500, 1000]);
});

test('a server that falls silent is left', (t) => {
  const { server, seen } = startClient(t);
  server.last.accept();
  t.mock.timers.tick(20_000);
  server.last.onmessage({ data: '\n' });
  t.mock.timers.tick(20_000);
  assert.equal(seen.states.at(-1).state, 'online');
  t.mock.timers.tick(7_000);
  assert.equal(server.sockets[0].closed, true);
  assert.equal(seen.states.some(({ state, reason }) => state === 'waiting' && reason === 'silent'), true);
});

test('a server that does not answer CONNECT is left', (t) => {
  const { server } = startClient(t);
  server.last.onopen();
  t.mock.timers.tick(20_000);
  assert.equal(server.sockets[0].closed, true);
  t.mock.timers.tick(1000);
  assert.equal(server.sockets.length, 2);
});

test('a session that was replaced does not push its successor out', (t) => {
  const { server, seen } = startClient(t);
  server.last.accept();
  server.last.receive('ERROR', { message: 'replaced' }, 'too many sessions');
  server.last.lose();
  t.mock.timers.tick(60_000);
  assert.equal(server.sockets.length, 1);
  assert.deepEqual(seen.states.at(-1), { state: 'refused', reason: 'replaced' });
});

test('a token that is refused ends the tries, and says why', async (t) => {
  const info = http.createServer((_, answer) => answer.writeHead(401, { 'content-type': 'application/json' }).end('{"code":-202,"content":{"error":"TokenExpired"}}'));
  await new Promise((resolve) => info.listen(0, '127.0.0.1', resolve));
  t.after(() => new Promise((resolve) => info.close(resolve)));
  let refused;
  const ended = new Promise((resolve) => { refused = resolve; });
  const { server } = startClient(t, {
    probe: () => `http://127.0.0.1:${info.address().port}/socketServer/info?srect=t`,
    onState: (state) => state.state === 'refused' && refused(state),
  });
  server.last.lose();
  assert.deepEqual(await ended, { state: 'refused', reason: 'TokenExpired' });
  t.mock.timers.tick(60_000);
  assert.equal(server.sockets.length, 1);
});

test('disconnect ends everything and keeps the outbox', (t) => {
  const { client, server } = startClient(t);
  server.last.accept();
  client.send(2, 'x');
  client.disconnect();
  t.mock.timers.tick(60_000);
  assert.equal(server.sockets.length, 1);
  assert.equal(server.last.closed, true);
  assert.equal(client.outbox.length, 1);
  client.connect();
  server.last.accept();
  assert.equal(server.last.bodies('/socket/chat/send').length, 1);
});

test('the outbox survives in a storage', (t) => {
  const kept = new Map();
  const storage = { getItem: (key) => kept.get(key) ?? null, setItem: (key, value) => kept.set(key, value) };
  const { client, server } = startClient(t, { storage, storageKey: 'outbox' });
  const { msgID } = client.send(2, 'x');
  client.disconnect();
  const next = new ChatClient({ url: '', uid: 1, socket: server.open, onMessage() {}, storage, storageKey: 'outbox' });
  t.after(() => next.disconnect());
  assert.equal(next.outbox[0].msgID, msgID);
  next.connect();
  server.last.accept();
  server.last.stored(msgID);
  assert.equal(kept.get('outbox'), '[]');
});

test('what had failed is tried again by the next client', (t) => {
  const kept = new Map();
  const storage = { getItem: (key) => kept.get(key) ?? null, setItem: (key, value) => kept.set(key, value) };
  const { client, server, sends } = startClient(t, { storage, storageKey: 'outbox' });
  server.last.accept();
  const { msgID } = client.send(2, 'x');
  server.last.fail(msgID, -303, 'Forbidden');
  client.disconnect();
  const next = new ChatClient({ url: '', uid: 1, socket: server.open, onMessage() {}, storage, storageKey: 'outbox' });
  t.after(() => next.disconnect());
  next.connect();
  server.last.accept();
  assert.deepEqual(sends().map((one) => one.msgID), [msgID]);
});

test('a storage without room costs nothing but the storage', (t) => {
  const storage = { getItem: () => null, setItem: () => { throw new Error('quota'); } };
  const { client, server, seen, sends } = startClient(t, { storage, storageKey: 'outbox' });
  server.last.accept();
  client.send(2, 'x');
  assert.equal(sends().length, 1);
  assert.equal(seen.failures[0].content.error, 'NotKept');
});

test('limits are checked before anything is queued', (t) => {
  const { client } = startClient(t);
  assert.throws(() => client.send(2, ''), /TooLarge/);
  assert.throws(() => client.send(2, '聊'.repeat(16 * 1024 + 1)), /TooLarge/);
  assert.throws(() => client.send(2, '"'.repeat(40 * 1024)), /TooLarge/, 'escapes count: the frame would be too large');
  client.send(2, '聊'.repeat(16 * 1024));
  for (let i = 1; i < 1000; i++) client.send(2, 'x');
  assert.throws(() => client.send(2, 'x'), /OutboxFull/);
});

test('a failure that is about no message of ours is reported', (t) => {
  const { server, seen } = startClient(t);
  server.last.accept();
  server.last.fail(null, -401, 'BadJSON');
  assert.equal(seen.failures[0].content.error, 'BadJSON');
});

test('the snippets of the page stand in the README word for word', async () => {
  const source = await readFile(new URL('../../web/app/snippets.js', import.meta.url), 'utf8');
  const { SNIPPETS } = await import(`data:text/javascript,${encodeURIComponent(source)}`);
  const readme = await readFile(new URL('../../README.md', import.meta.url), 'utf8');
  for (const { name, text } of SNIPPETS) assert.ok(readme.includes(`\n${text}\n\`\`\``), name);
});

test('no module is over 400 lines', async () => {
  const web = new URL('../../web/', import.meta.url);
  for (const file of await readdir(web, { recursive: true })) {
    if (!file.endsWith('.js')) continue;
    const lines = (await readFile(new URL(file, web), 'utf8')).split('\n').length;
    assert.ok(lines <= 400, `${file} has ${lines}`);
  }
});
