// Every client library at /client.

import assert from 'node:assert/strict';
import { test } from 'node:test';
import WebSocket from 'ws';
import { native } from './doors.js';
import { startServer, within } from './harness.js';
import { rxStomp, stompjs2, stompjs7, webstomp1 } from './libraries.js';
import { suite } from './suite.js';

suite('stompjs 2.3.3', stompjs2, native());
suite('webstomp-client 1.2.6', webstomp1, native('v10.stomp', 'v11.stomp', 'v12.stomp'));
suite('@stomp/stompjs 7', stompjs7(), native('v12.stomp', 'v11.stomp', 'v10.stomp'));
suite('@stomp/stompjs 7, binary', stompjs7({ forceBinaryWSFrames: true }), native('v12.stomp'));
suite('@stomp/stompjs 7, split', stompjs7({ splitLargeFrames: true }), native('v12.stomp'));
suite('@stomp/rx-stomp 2', rxStomp, native('v12.stomp'));

test('an upgrade with a wrong token is answered 401, and why', async (t) => {
  const server = await startServer();
  t.after(() => server.stop());
  for (const query of ['', '?srect=', '?srect=wrong']) {
    const socket = new WebSocket(`${server.url.replace('http', 'ws')}/client${query}`);
    const response = await within(new Promise((resolve, reject) => {
      socket.on('unexpected-response', (_, res) => resolve(res));
      socket.on('open', () => reject(new Error('upgraded')));
    }), 'the answer');
    const body = JSON.parse(Buffer.concat(await response.toArray()).toString());
    assert.deepEqual([response.statusCode, body.code, body.content], [401, -200, { error: 'Unauthorized' }]);
  }
});
