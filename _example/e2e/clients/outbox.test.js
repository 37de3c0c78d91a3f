// A client that was away for long and sends all of its outbox at once.
// sockjs-client puts what waits for one request into the next, in one piece.

import assert from 'node:assert/strict';
import { after, before, describe, test } from 'node:test';
import { sitDown } from './chatter.js';
import { sockjs } from './doors.js';
import { signUp, startServer } from './harness.js';
import { stompjs2, stompjs7 } from './libraries.js';

const MESSAGES = 2_000;
const CONTENT = '聊'.repeat(512); // 3 MiB in all

// With the limits that apps have: it takes 40 s, of which the client is held
// up most of the time, for longer than the example's ReadTimeout.
describe(`${MESSAGES} messages at once`, { concurrency: true, timeout: 180_000 }, () => {
  let server;
  before(async () => { server = await startServer(); });
  after(() => server?.stop());

  for (const [name, library, transport] of [
    ['stompjs 2.3.3', stompjs2, 'xhr-polling'],
    ['@stomp/stompjs 7', stompjs7(), 'xhr-streaming'],
  ]) {
    test(`${name} by ${transport}`, async () => {
      const [ada, bob] = await Promise.all([signUp(server, 'a'), signUp(server, 'b')]);
      const a = await sitDown(ada, { connect: library, door: sockjs(transport), url: server.url });
      const ids = Array.from({ length: MESSAGES }, (_, i) => `m${i}`);
      for (const id of ids) a.send(id, bob, CONTENT);
      const stored = await a.sent.take(MESSAGES); // over this connection: another one would be Ended
      assert.deepEqual(stored.map(({ msgID }) => msgID), ids);
      await a.leave();
    });
  }
});
