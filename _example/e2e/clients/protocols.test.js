// ws, which ends a connection where it offered sub-protocols and got none.

import assert from 'node:assert/strict';
import { once } from 'node:events';
import { after, before, test } from 'node:test';
import { framed, native, raw } from './doors.js';
import { Inbox, signUp, startServer, within } from './harness.js';

let server;
before(async () => { server = await startServer(); });
after(() => server?.stop());

for (const [name, door] of Object.entries({ '/client': native, '/socketServer/websocket': raw, '/socketServer/{server}/{session}/websocket': framed })) {
  for (const [offered, chosen] of [
    [['v10.stomp', 'v11.stomp', 'v12.stomp'], 'v12.stomp'],
    [['v12.stomp', 'v10.stomp'], 'v12.stomp'],
    [['mqtt', 'v11.stomp', 'v10.stomp'], 'v11.stomp'],
    [['v10.stomp'], 'v10.stomp'],
    [[], ''],
  ]) {
    test(`${name}, offered ${offered.join() || 'nothing'}`, async () => {
      const { secret } = await signUp(server);
      const socket = door(...offered)(server.url, secret);
      const inbox = new Inbox('a WebSocket message');
      socket.on('message', (data) => inbox.put(data.toString()));
      socket.on('close', (code) => inbox.end(`closed with ${code}`));
      const failed = new Promise((_, reject) => { socket.on('error', reject); });
      await within(Promise.race([once(socket, 'open'), failed]), 'the upgrade');
      assert.equal(socket.protocol, chosen);
      // And STOMP goes on from there, in a version of its own.
      const wrap = door === framed ? (frame) => JSON.stringify([frame]) : (frame) => frame;
      const unwrap = door === framed ? (text) => JSON.parse(text.slice(1))[0] : (text) => text;
      if (door === framed) assert.equal(await inbox.next(), 'o');
      socket.send(wrap('CONNECT\naccept-version:1.1\nhost:x\n\n\0'));
      assert.match(unwrap(await inbox.next()), /^CONNECTED\n(.*\n)*version:1\.1\n/);
      socket.close();
      await within(once(socket, 'close'), 'the end');
    });
  }
}
