// The libraries' own acknowledgements are step 4.

import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import { sitDown } from './chatter.js';
import { native, sockjs } from './doors.js';
import { signUp, startServer } from './harness.js';
import { rxStomp, stompjs2, stompjs7, webstomp1 } from './libraries.js';

let server;
before(async () => { server = await startServer('-rate', '0'); });
after(() => server?.stop());

// What is confirmed by one ack() of m3, which comes after a nack() of m1.
const modes = {
  'client-individual': ['m3'],
  client: ['m0', 'm1', 'm2', 'm3'],
};
const libraries = {
  'stompjs 2.3.3': stompjs2, // ACK by message-id, as in STOMP 1.1
  'webstomp-client 1.2.6': webstomp1,
  '@stomp/stompjs 7': stompjs7(),
  '@stomp/rx-stomp 2': rxStomp,
};
const doors = { '/client': native('v12.stomp', 'v11.stomp'), '/socketServer': sockjs('websocket') };

for (const [name, connect] of Object.entries(libraries)) {
  for (const [doorName, door] of Object.entries(doors)) {
    for (const [ack, confirmed] of Object.entries(modes)) {
      test(`${name} at ${doorName}, ack:${ack}`, async () => {
        const via = { connect, door, url: server.url };
        const [ada, bob] = await Promise.all([signUp(server, 'a'), signUp(server, 'b')]);
        const a = await sitDown(ada, via);
        let b = await sitDown(bob, via, { ack });
        const ids = Array.from({ length: 5 }, (_, i) => `m${i}`);
        for (const id of ids) a.send(id, bob, 'x');
        assert.deepEqual((await b.received.take(5)).map((m) => m.chatID), ids);
        b.frameOf.get('m1').nack();
        b.frameOf.get('m3').ack();
        assert.deepEqual((await b.confirmed.take(confirmed.length)).map((s) => s.msgID), confirmed);
        for (const id of confirmed) assert.equal((await a.delivered.next()).msgID, id);

        // Once more changes nothing: the rest comes with the next init, and is all that comes.
        b.frameOf.get('m3').ack();
        await b.leave();
        b = await sitDown(bob, via, { ack, init: true });
        a.send('last', bob, 'x');
        const rest = [...ids.filter((id) => !confirmed.includes(id)), 'last'];
        assert.deepEqual((await b.received.take(rest.length)).map((m) => m.chatID), rest);
        await a.leave();
        await b.leave();
      });
    }
  }
}
