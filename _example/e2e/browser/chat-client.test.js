// chat-client.js by itself: against a server made of one object, with the
// clock in the test's hand.

import assert from 'node:assert/strict';
import { createHash } from 'node:crypto';
import http from 'node:http';
import { test } from 'node:test';
import { formatFrame, newMsgID, parseFrame, sha1Hex } from '../../web/chat-client/chat-client.js';
import { settle, startClient } from './fake-server.js';

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

test('a message is sent again until step 2, however long answers, storage or line stay out', (t) => {
  const { client, server, seen, live, sends } = startClient(t);
  server.last.accept();
  const { msgID } = client.send(2, 'x');
  live(3_600_000);
  assert.ok(sends().length > 100 && sends().length < 450, `${sends().length} sends in an hour without an answer`);
  for (let i = 0; i < 50; i++) {
    server.last.fail(msgID, -300, 'StoreUnavailable');
    live(31_000);
  }
  for (let i = 0; i < 50; i++) {
    server.last.lose();
    t.mock.timers.tick(31_000);
    server.last.accept();
  }
  assert.deepEqual(states(seen), ['sending']);
  assert.deepEqual(sends().map((one) => one.msgID), [msgID], 'the next connection does not begin with a wait');
  server.last.stored(msgID);
  assert.deepEqual(states(seen), ['sending', 'stored']);
});

test('a clock that is set stops nothing', (t) => {
  const { client, server, clock, live, seen, sends } = startClient(t);
  server.last.accept();
  const hour = 3_600_000;
  for (const by of [-hour, 2 * hour]) {
    client.send(2, 'x');
    const { msgID } = sends().at(-1);
    const count = sends().length;
    clock.setBy += by;
    live(10_000);
    assert.equal(sends().length, count + 1, 'not sent again after 8 s');
    server.last.stored(msgID);
  }
  assert.deepEqual(seen.states.map(({ state }) => state), ['connecting', 'online']);
});

test('a callback that throws is reported and delays nothing', (t) => {
  const reported = [];
  globalThis.reportError = (error) => reported.push(error.message);
  t.after(() => { delete globalThis.reportError; });
  const fail = () => { throw new Error('of the app'); };
  const { client, server, sends } = startClient(t, { onStatus: fail, onState: fail, onFailure: fail });
  server.last.accept();
  const { msgID } = client.send(2, 'a');
  client.send(2, 'b');
  server.last.stored(msgID);
  assert.deepEqual(sends().map((one) => one.content), ['a', 'b']);
  server.last.lose();
  t.mock.timers.tick(1000);
  server.last.accept();
  assert.deepEqual(sends().map((one) => one.content), ['b']);
  assert.ok(reported.length >= 6 && reported.every((one) => one === 'of the app'));
});

test('reconnect() replaces a line that only looks open, but not a try that has just begun', (t) => {
  const { client, server, seen } = startClient(t);
  client.reconnect();
  assert.equal(server.sockets.length, 1);
  server.last.accept();
  client.reconnect();
  assert.equal(server.sockets.length, 2);
  assert.equal(server.sockets[0].closed, true);
  server.last.accept();
  assert.deepEqual(seen.states.map(({ state }) => state), ['connecting', 'online', 'connecting', 'online']);
});

test('one message after the other: the next waits for onMessage', async (t) => {
  const begun = [];
  const finish = [];
  const { server, confirmations } = startClient(t, { onMessage: ({ id }) => new Promise((resolve) => { begun.push(id); finish.push(resolve); }) });
  server.last.accept();
  server.last.deliver(message(5));
  server.last.deliver(message(6));
  await settle();
  assert.deepEqual(begun, [5]);
  finish[0]();
  await settle();
  assert.deepEqual([begun, confirmations().map(({ id }) => id)], [[5, 6], [5]]);
  finish[1]();
  await settle();
  assert.deepEqual(confirmations().map(({ id }) => id), [5, 6]);
});

for (const [code, error] of [[-300, 'StoreUnavailable'], [-400, 'RateLimited']]) {
  test(`a confirmation and an init answered ${error} are repeated`, async (t) => {
    const { server, seen, live, confirmations } = startClient(t);
    server.last.accept();
    server.last.deliver(message(5));
    await settle();
    for (let count = 1; count < 5; count++) {
      assert.equal(confirmations().length, count);
      server.last.fail('chat-5', code, error);
      live(5_100); // the fourth wait is 4 s
    }
    server.last.message('/user/queue/recive/status', { msgID: 'chat-5', code: 200 });
    const count = confirmations().length;
    server.last.fail(null, code, error); // of the init: it has no msgID
    t.mock.timers.tick(10_000);
    assert.equal(server.last.written.filter((frame) => frame.headers.destination === '/socket/chat/init').length, 2);
    assert.equal(confirmations().length, count);
    assert.deepEqual(seen.failures, []);
  });
}

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

test('a failure that is about no message of ours is reported', (t) => {
  const { server, seen } = startClient(t);
  server.last.accept();
  server.last.fail(null, -401, 'BadJSON');
  assert.equal(seen.failures[0].content.error, 'BadJSON');
});
