// The outbox of chat-client.js: what it keeps, where, and how much.

import assert from 'node:assert/strict';
import { test } from 'node:test';
import { ChatClient } from '../../web/chat-client/chat-client.js';
import { fakeServer, startClient } from './fake-server.js';

/** A storage with room for so many characters, and what was written to it. */
function makeStorage(room = Infinity) {
  const kept = new Map();
  const storage = {
    kept,
    written: 0,
    getItem: (key) => kept.get(key) ?? null,
    removeItem: (key) => kept.delete(key),
    setItem(key, value) {
      const others = [...kept].reduce((sum, [name, text]) => sum + (name === key ? 0 : text.length), 0);
      if (others + value.length > room) throw new Error('quota');
      storage.written += value.length;
      kept.set(key, value);
    },
  };
  return storage;
}

/** The client of the next page, over the same storage. */
function nextClient(t, storage, server = fakeServer()) {
  const client = new ChatClient({ url: '', uid: 1, socket: server.open, onMessage() {}, storage, storageKey: 'outbox' });
  t.after(() => client.disconnect());
  client.connect();
  return { client, server };
}

test('the outbox survives in a storage, in order', (t) => {
  const storage = makeStorage();
  const { client } = startClient(t, { storage, storageKey: 'outbox' });
  const sent = ['a', 'b', 'c'].map((text) => client.send(2, text));
  client.disconnect();
  const next = nextClient(t, storage);
  assert.deepEqual(next.client.outbox, sent);
  next.server.last.accept();
  for (const { msgID } of sent) next.server.last.stored(msgID);
  assert.deepEqual([...storage.kept], [['outbox', '[]']]);
});

test('what had failed is tried again by the next client', (t) => {
  const storage = makeStorage();
  const { client, server } = startClient(t, { storage, storageKey: 'outbox' });
  server.last.accept();
  const { msgID } = client.send(2, 'x');
  server.last.fail(msgID, -303, 'Forbidden');
  client.disconnect();
  const next = nextClient(t, storage);
  next.server.last.accept();
  assert.deepEqual(next.server.last.bodies('/socket/chat/send').map((one) => one.msgID), [msgID]);
});

test('a storage without room costs nothing but the storage, and is told of once', (t) => {
  const { client, server, seen, sends } = startClient(t, { storage: makeStorage(0), storageKey: 'outbox' });
  server.last.accept();
  for (const to of [2, 3, 4]) client.send(to, 'x');
  assert.equal(sends().length, 3);
  assert.deepEqual(seen.failures.map(({ content }) => content.error), ['NotKept']);
});

test('what fits into the storage is kept although something else did not', (t) => {
  const storage = makeStorage(2_000);
  const { client } = startClient(t, { storage, storageKey: 'outbox' });
  client.send(2, 'small');
  client.send(2, 'x'.repeat(5_000));
  client.send(2, 'small too');
  assert.deepEqual(nextClient(t, storage).client.outbox.map(({ content }) => content), ['small', 'small too']);
});

test('a send writes itself, not everything that waits', (t) => {
  const storage = makeStorage();
  const { client } = startClient(t, { storage, storageKey: 'outbox' });
  for (let i = 0; i < 20; i++) client.send(2, 'x'.repeat(40_000));
  assert.ok(storage.written < 25 * 40_000, `${storage.written} characters written for 20 messages of 40,000`);
});

test('what is broken in the storage is left out', (t) => {
  for (const broken of ['{', '{}', 'null', '"x"', '[{"msgID":"a"}]', '["gone"]']) {
    const storage = makeStorage();
    storage.kept.set('outbox', broken);
    assert.deepEqual(nextClient(t, storage).client.outbox, [], broken);
  }
  const storage = makeStorage();
  storage.kept.set('outbox', '["cut","good","odd"]');
  storage.kept.set('outbox.cut', '{"msgID":"cut","cont');
  storage.kept.set('outbox.good', '{"msgID":"good","reciverId":2,"content":"x","time":1}');
  storage.kept.set('outbox.odd', '{"msgID":"odd"}');
  assert.deepEqual(nextClient(t, storage).client.outbox.map(({ msgID }) => msgID), ['good']);
});

test('a storage needs a key', () => {
  assert.throws(() => new ChatClient({ url: '', uid: 1, onMessage() {}, storage: makeStorage() }), /storageKey/);
});

test('clearOutbox() gives everything up, in the storage too', (t) => {
  const storage = makeStorage();
  const { client, server, sends } = startClient(t, { storage, storageKey: 'outbox' });
  server.last.accept();
  const { msgID } = client.send(2, 'failed');
  server.last.fail(msgID, -303, 'Forbidden');
  client.send(2, 'waiting');
  client.clearOutbox();
  t.mock.timers.tick(20_000);
  assert.deepEqual([sends().length, client.outbox, client.retry(msgID)], [2, [], false]);
  assert.deepEqual([...storage.kept.keys()], ['outbox']);
});

test('limits are checked before anything is queued, at retry() too', (t) => {
  const { client, server } = startClient(t);
  assert.throws(() => client.send(2, ''), /TooLarge/);
  assert.throws(() => client.send(2, '聊'.repeat(16 * 1024 + 1)), /TooLarge/);
  server.last.accept();
  const { msgID } = client.send(77, 'refused');
  server.last.fail(msgID, -404, 'ReceiverNotFound');
  client.send(2, '"'.repeat(48 * 1024)); // however long JSON spells it
  for (let i = 1; i < 1000; i++) client.send(2, 'x');
  assert.throws(() => client.send(2, 'x'), /OutboxFull/);
  assert.throws(() => client.retry(msgID), /OutboxFull/);
  server.last.stored(client.outbox[0].msgID);
  assert.equal(client.retry(msgID), true);
});

test('the outbox holds 2 MiB', (t) => {
  const { client } = startClient(t);
  for (let i = 0; i < 64; i++) client.send(2, 'x'.repeat(32 * 1024));
  assert.throws(() => client.send(2, 'x'), /OutboxFull/);
});
