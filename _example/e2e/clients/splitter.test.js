// Frames cut at every octet, as networks and clients cut them: raw WebSockets,
// so that nothing between puts the pieces together again.

import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import { native } from './doors.js';
import { Inbox, signUp, startServer, within } from './harness.js';

let server;
before(async () => { server = await startServer('-rate', '0'); });
after(() => server?.stop());

const frame = (command, headers, body = '') =>
  Buffer.from(`${command}\n${Object.entries(headers).map(([k, v]) => `${k}:${v}\n`).join('')}\n${body}\0`);

const connect = (version) => frame('CONNECT', { 'accept-version': version, host: 'h', 'heart-beat': '0,0' });
const send = (msgID, to, headers = {}) =>
  frame('SEND', { destination: '/socket/chat/send', ...headers }, JSON.stringify({ msgID, reciverId: to.uid, content: '聊😀' }));

/** A WebSocket with an inbox of parsed frames; each message must be one whole frame. */
async function dial(person) {
  const socket = native()(server.url, person.secret);
  const inbox = new Inbox(`a frame for ${person.uname}`);
  socket.on('message', (data, isBinary) => {
    assert.equal(isBinary, false);
    const text = data.toString();
    if (text === '\n') return;
    const [, command, headers, body] = /^([A-Z]+)\n((?:[^\n]+\n)*)\n([^\0]*)\0$/s.exec(text) ?? assert.fail(`not one frame: ${JSON.stringify(text)}`);
    inbox.put({ command, headers: Object.fromEntries(headers.trim().split('\n').map((line) => line.split(/:(.*)/s))), body });
  });
  socket.on('close', (code) => inbox.end(`closed with ${code}`));
  await within(new Promise((resolve) => { socket.on('open', resolve); }), 'the upgrade');
  return { socket, inbox };
}

async function receiver(person) {
  const { socket, inbox } = await dial(person);
  socket.send(connect('1.2'));
  assert.equal((await inbox.next()).command, 'CONNECTED');
  socket.send(frame('SUBSCRIBE', { id: 1, destination: `/user/${person.uid}/recive`, receipt: 'r' }));
  assert.equal((await inbox.next()).command, 'RECEIPT');
  return { socket, inbox };
}

const pair = () => Promise.all([signUp(server, 'a'), signUp(server, 'b')]);

for (const binary of [true, false]) {
  test(`a SEND cut at every octet, in ${binary ? 'binary' : 'text'} messages`, async () => {
    const [ada, bob] = await pair();
    const to = await receiver(bob);
    const from = await dial(ada);
    from.socket.send(connect('1.2'));
    const length = send('m000', bob).length;
    const ids = [];
    for (let at = 0; at <= length; at++) {
      const id = `m${String(at).padStart(3, '0')}`;
      const whole = send(id, bob);
      from.socket.send(whole.subarray(0, at), { binary }); // also an empty message, at both ends
      from.socket.send(whole.subarray(at), { binary });
      ids.push(id);
    }
    const got = await to.inbox.take(ids.length);
    assert.deepEqual(got.map((f) => JSON.parse(f.body).chatID), ids);
    assert.ok(got.every((f) => JSON.parse(f.body).content === '聊😀'));
    for (const { socket } of [from, to]) socket.terminate();
  });
}

test('every octet a message of its own, from CONNECT to DISCONNECT', async () => {
  const [ada, bob] = await pair();
  const to = await receiver(bob);
  const from = await dial(ada);
  const all = Buffer.concat([
    Buffer.from('\n\r\n'),
    connect('1.0,1.1,1.2'),
    frame('SUBSCRIBE', { id: 's', destination: '/user/queue/send/status' }),
    frame('SUBSCRIBE', { id: 't', destination: `/user/${ada.uid}/recive` }),
    Buffer.from('\n'),
    send('m1', bob, { receipt: 'r1' }),
    send('m2', bob, { receipt: 'r2' }),
    Buffer.from('SEND\r\ndestination:/socket/chat/init\r\nreceipt:r3\r\n\r\n\0\r\n'),
    frame('DISCONNECT', { receipt: 'bye' }),
  ]);
  for (const octet of all) from.socket.send(Buffer.of(octet));
  assert.deepEqual((await to.inbox.take(2)).map((f) => JSON.parse(f.body).chatID), ['m1', 'm2']);
  const got = await from.inbox.take(7);
  assert.equal(got[0].command, 'CONNECTED');
  assert.equal(got[0].headers.version, '1.2');
  assert.deepEqual(got.filter((f) => f.command === 'MESSAGE').map((f) => JSON.parse(f.body).msgID), ['m1', 'm2']);
  assert.deepEqual(got.filter((f) => f.command === 'RECEIPT').map((f) => f.headers['receipt-id']).sort(), ['bye', 'r1', 'r2', 'r3']);
  assert.equal(got.at(-1).headers['receipt-id'], 'bye');
  to.socket.terminate();
  from.socket.terminate();
});

test('everything in one message', async () => {
  const [ada, bob] = await pair();
  const to = await receiver(bob);
  const from = await dial(ada);
  const ids = Array.from({ length: 100 }, (_, i) => `m${i}`);
  from.socket.send(Buffer.concat([connect('1.1'), ...ids.map((id) => send(id, bob))]));
  assert.deepEqual((await to.inbox.take(100)).map((f) => JSON.parse(f.body).chatID), ids);
  for (const { socket } of [from, to]) socket.terminate();
});

for (const [name, octets, error] of [
  ['a frame without end', Buffer.from(`SEND\ndestination:/socket/chat/send\n\n${'x'.repeat(310_000)}`), 'frame-too-large'],
  ['a content-length beyond the limit', frame('SEND', { destination: '/socket/chat/send', 'content-length': 4_000_000_000 }), 'frame-too-large'],
  ['a content-length that is wrong', frame('SEND', { destination: '/socket/chat/send', 'content-length': 3 }, 'four'), 'bad-frame'],
  ['a header without colon', frame('SEND\nnothing', {}), 'bad-frame'],
  ['invalid UTF-8 in a header', Buffer.from([...frame('SEND', { x: 'y' }).subarray(0, 7), 0xff, 0x0a, 0x0a, 0]), 'bad-frame'],
]) {
  test(`${name} is answered by ERROR ${error} and a close, in one piece and in many`, async () => {
    const [ada] = await pair();
    for (const step of [octets.length, Math.max(1, Math.floor(octets.length / 50))]) {
      const { socket, inbox } = await dial(ada);
      const closed = new Promise((resolve) => { socket.on('close', resolve); });
      socket.send(connect('1.2'));
      assert.equal((await inbox.next()).command, 'CONNECTED');
      for (let at = 0; at < octets.length; at += step) socket.send(octets.subarray(at, at + step), { binary: true }, () => {});
      const { command, headers } = await inbox.next();
      assert.deepEqual([command, headers.message], ['ERROR', error]);
      assert.equal(await within(closed, 'the close'), error === 'frame-too-large' ? 1009 : 1002);
    }
  });
}
