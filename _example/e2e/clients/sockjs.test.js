// sockjs-client 1.6.1 at /socketServer, by every transport that it has in node,
// and the WebSocket there that needs no sockjs-client.

import assert from 'node:assert/strict';
import { test } from 'node:test';
import { raw, sockjs } from './doors.js';
import { signUp, startServer } from './harness.js';
import { stompjs2, stompjs7 } from './libraries.js';
import { suite } from './suite.js';

for (const transport of ['websocket', 'xhr-streaming', 'eventsource', 'xhr-polling']) {
  suite(`stompjs 2.3.3 by ${transport}`, stompjs2, sockjs(transport));
  suite(`@stomp/stompjs 7 by ${transport}`, stompjs7(), sockjs(transport));
}

suite('stompjs 2.3.3 at /socketServer/websocket', stompjs2, raw());
suite('@stomp/stompjs 7 at /socketServer/websocket', stompjs7(), raw());

test('/info tells a page why a token is refused', async (t) => {
  const server = await startServer();
  t.after(() => server.stop());
  const { secret } = await signUp(server);
  const info = (token) => fetch(`${server.url}/socketServer/info?srect=${token}`, { headers: { origin: 'https://a.example' } });
  for (const token of ['', 'wrong']) {
    const refused = await info(token);
    assert.equal(refused.status, 401);
    assert.equal(refused.headers.get('access-control-allow-origin'), 'https://a.example');
    const { code, content } = await refused.json();
    assert.deepEqual([code, content], [-200, { error: 'Unauthorized' }]);
  }
  const allowed = await info(secret);
  assert.equal(allowed.status, 200);
  assert.equal((await allowed.json()).websocket, true);
});
