// What the web client of the original protocol does, step by step, with the
// library and the doors that its document shows.

import assert from 'node:assert/strict';
import { createHash } from 'node:crypto';
import { createRequire } from 'node:module';
import { after, before, test } from 'node:test';
import { native, sockjs } from './doors.js';
import { Inbox, rest, signUp, startServer, within } from './harness.js';

const Stomp = createRequire(import.meta.url)('stompjs');

let server;
before(async () => { server = await startServer('-prefix', '/Mimi'); });
after(() => server?.stop());

/** The page's own start: connect, subscribe to five things, ask for what was missed. */
async function openPage(door, { uname, uid, secret }) {
  const socket = door(server.url, secret);
  const stomp = Stomp.over(socket);
  stomp.debug = null;
  await within(new Promise((resolve, reject) => { stomp.connect({}, resolve, reject); }), 'CONNECTED');
  const page = { stomp, socket, received: new Inbox('message'), sent: new Inbox('send status'), confirmed: new Inbox('recive status'), exceptions: new Inbox('exception') };
  const into = (inbox) => (message) => inbox.put(JSON.parse(message.body));
  stomp.subscribe(`/user/${uname}/notice`, () => assert.fail('a notice'));
  stomp.subscribe('/user/queue/rcv/status', () => assert.fail('a notice status'));
  stomp.subscribe(`/user/${uid}/recive`, into(page.received));
  stomp.subscribe('/user/queue/status', into(page.exceptions));
  stomp.subscribe('/user/queue/send/status', into(page.sent));
  stomp.subscribe('/user/queue/recive/status', into(page.confirmed));
  stomp.send('/socket/chat/init', {}, null);
  return page;
}

/** Its msgID is a hash of "[object Object]" and the time: every user's in a millisecond is the same. */
function sendMsg(page, reciverId, content, now = Date.now()) {
  const data = { reciverId, content };
  data.msgID = createHash('sha1').update(data + now).digest('hex');
  page.stomp.send('/socket/chat/send', {}, JSON.stringify(data));
  return data.msgID;
}

for (const [name, door] of [['native', native()], ['SockJS', sockjs('websocket')], ['SockJS, polling', sockjs('xhr-polling')]]) {
  test(name, async () => {
    const [ada, bob] = await Promise.all([signUp(server, 'wususu'), signUp(server, 'liaojiekx')]);
    const a = await openPage(door, ada);
    const missed = [sendMsg(a, bob.uid, '起来聊天', 1), sendMsg(a, bob.uid, '在吗', 2)];
    assert.deepEqual((await a.sent.take(2)).map((s) => s.msgID), missed);

    const b = await openPage(door, bob);
    for (const chatID of missed) {
      const chatMsg = await b.received.next();
      assert.equal(chatMsg.chatID, chatID);
      b.stomp.send('/socket/chat/recive', {}, JSON.stringify({ msgID: chatMsg.chatID }));
      assert.deepEqual(await b.confirmed.next(), { msgID: chatID, code: 200, status: '成功', content: '(=ↀωↀ=)' });
    }

    // Both write in the same millisecond, under the same serial.
    const now = Date.now();
    assert.equal(sendMsg(a, bob.uid, 'ping', now), sendMsg(b, ada.uid, 'pong', now));
    for (const [page, content] of [[a, 'pong'], [b, 'ping']]) {
      assert.equal((await page.sent.next()).code, 200);
      const got = await page.received.next();
      assert.equal(got.content, content);
      page.stomp.send('/socket/chat/recive', {}, JSON.stringify({ msgID: got.chatID }));
      assert.equal((await page.confirmed.next()).code, 200);
    }

    // A notice that nobody sent: told so, and kept connected.
    a.stomp.send('/socket/ntc/rcv', {}, JSON.stringify({ ntcType: 'Cmmnt', id: 419 }));
    const { msgID, code } = await a.exceptions.next();
    assert.deepEqual([msgID, code], ['419', -404]);
    sendMsg(a, String(bob.uid), 'bye');
    assert.equal((await a.sent.next()).code, 200);

    const history = await rest(server, `/api/chat/history?with=${bob.uid}`, null, ada.secret);
    assert.deepEqual(history.map((m) => m.content).sort(), ['bye', 'ping', 'pong', '在吗', '起来聊天']);
    for (const page of [a, b]) {
      const closed = new Promise((resolve) => { page.socket.addEventListener('close', resolve); });
      page.stomp.disconnect();
      await within(closed, 'the connection to end');
    }
  });
}
