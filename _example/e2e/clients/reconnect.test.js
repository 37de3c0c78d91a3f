// The libraries that connect again by themselves: across a cut, and across a
// restart of the server, with the same subscriptions and nothing lost.

import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import { RxStomp } from '@stomp/rx-stomp';
import { Client } from '@stomp/stompjs';
import { sitDown } from './chatter.js';
import { native, sockjs } from './doors.js';
import { Inbox, signUp, startProxy, startServer } from './harness.js';
import { stompjs7 } from './libraries.js';

let server;
before(async () => { server = await startServer('-rate', '0'); });
after(() => server?.stop());

const listeners = {
  '@stomp/stompjs 7'(open, person, inbox) {
    const client = new Client({
      webSocketFactory: open,
      reconnectDelay: 50,
      onConnect() {
        client.publish({ destination: '/socket/chat/init' });
        client.subscribe(`/user/${person.uid}/recive`, (frame) => {
          inbox.put(JSON.parse(frame.body));
          client.publish({ destination: '/socket/chat/recive', body: JSON.stringify({ msgID: JSON.parse(frame.body).chatID }) });
        });
      },
    });
    client.activate();
    return () => client.deactivate();
  },
  '@stomp/rx-stomp 2'(open, person, inbox) {
    const client = new RxStomp();
    client.configure({ webSocketFactory: open, reconnectDelay: 50 });
    client.connected$.subscribe(() => client.publish({ destination: '/socket/chat/init', body: '' }));
    client.watch(`/user/${person.uname}/recive`).subscribe((frame) => {
      inbox.put(JSON.parse(frame.body));
      client.publish({ destination: '/socket/chat/recive', body: JSON.stringify({ msgID: JSON.parse(frame.body).chatID }) });
    });
    client.activate();
    return () => client.deactivate();
  },
};

for (const [name, listen] of Object.entries(listeners)) {
  for (const [doorName, door] of [['/client', native('v12.stomp')], ['/socketServer', sockjs('xhr-streaming')]]) {
    test(`${name} at ${doorName}`, async (t) => {
      const proxy = await startProxy(server);
      t.after(() => proxy.close());
      const [ada, bob] = await Promise.all([signUp(server, 'a'), signUp(server, 'b')]);
      const inbox = new Inbox('a message');
      const seen = new Set();
      // What is sent between the cut and the confirmation may come twice.
      const next = async () => {
        for (;;) {
          const { id, chatID } = await inbox.next();
          if (!seen.has(id)) {
            seen.add(id);
            return chatID;
          }
        }
      };
      const stop = listen(() => door(proxy.url, bob.secret), bob, inbox);
      t.after(stop);
      const via = { connect: stompjs7(), door, url: server.url };
      let a = await sitDown(ada, via);
      const deliver = async (id) => {
        a.send(id, bob, 'x');
        await a.sent.next();
        assert.equal(await next(), id);
      };
      await deliver('before');
      proxy.cut();
      await deliver('after-the-cut');
      proxy.cut();
      a.send('meanwhile', bob, 'x');
      await a.sent.next();
      await server.stop();
      await server.start();
      assert.equal(await next(), 'meanwhile');
      a = await sitDown(ada, via);
      await deliver('after-the-restart');
      await a.leave();
    });
  }
}
