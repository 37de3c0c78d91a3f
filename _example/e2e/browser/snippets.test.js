// The snippets of "How do I do this in my app?": what stands there runs.

import assert from 'node:assert/strict';
import { readdir, readFile } from 'node:fs/promises';
import { createRequire } from 'node:module';
import { test } from 'node:test';
import { Client } from '@stomp/stompjs';
import WebSocket from 'ws';
import { ChatClient } from '../../web/chat-client/chat-client.js';
import { skip, startServer } from './harness.js';

const require = createRequire(import.meta.url);
const web = new URL('../../web/', import.meta.url);

async function snippets() {
  const source = await readFile(new URL('app/snippets.js', web), 'utf8');
  return (await import(`data:text/javascript,${encodeURIComponent(source)}`)).SNIPPETS;
}

async function rest(url, path, body) {
  const answer = await fetch(url + path, { method: 'POST', headers: { 'content-type': 'application/json' }, body: JSON.stringify(body) });
  return (await answer.json()).content;
}

/** Values that arrive, and a promise of the next. */
function arrivals() {
  const [values, waiting] = [[], []];
  return {
    put: (value) => (waiting.shift() ?? ((one) => values.push(one)))(value),
    next: () => (values.length ? Promise.resolve(values.shift()) : new Promise((resolve) => waiting.push(resolve))),
  };
}

/** Runs a snippet as the person me; its hooks are the names that it leaves to the app. */
function run(text, server, me, hooks) {
  const given = { token: me.secret, me: me.user, ChatClient, Client, Stomp: require('stompjs'), SockJS: require('sockjs-client'), WebSocket,
    ...hooks };
  const code = text.replace(/^import .*$/gm, '').replaceAll('wss://example.org/', server.url.replace('http', 'ws')).replaceAll('https://example.org/', server.url);
  return Function(...Object.keys(given), `${code}\nreturn { send: typeof send === 'function' && send, left: () => outbox.size ?? Object.keys(outbox).length, stop: () => (typeof chat === 'object' ? chat.disconnect() : stomp.deactivate?.() ?? stomp.disconnect()) };`)(...Object.values(given));
}

for (const name of ['chat-client.js', 'stompjs 7', 'stompjs 2']) {
  test(`${name}: sent before the connection stands, stored once, received and confirmed`, { skip: skip && !process.env.FIBERCHAT_EXAMPLE, timeout: 60_000 }, async (t) => {
    const [{ text }] = (await snippets()).filter((one) => one.name === name);
    globalThis.WebSocket = WebSocket; // the libraries look for the browser's
    const ends = [() => { delete globalThis.WebSocket; }];
    t.after(() => ends.reverse().forEach((end) => end())); // before the server's end, which they would take for a lost line
    const server = await startServer(t);
    const passwd = 'correct horse';
    const people = [];
    for (const uname of ['ann', 'bo']) {
      await rest(server.url, 'api/user/create', { uname, nname: uname, passwd, rpasswd: passwd });
      people.push(await rest(server.url, 'api/user/login', { uname, passwd }));
    }
    const [ann, bo] = people; // the snippets write to the user with the id 2
    assert.equal(bo.user.uid, 2);
    const shown = arrivals();
    const delivered = arrivals();
    const hooks = { save: async () => {}, show: () => {}, banner: () => {}, mark: () => {}, signIn: () => assert.fail('the token has not ended') };
    const refused = arrivals();
    const receiver = new ChatClient({ url: `${server.url.replace('http', 'ws')}client?srect=${bo.secret}`, uid: 2, onMessage: shown.put, onStatus: (status) => status.state === 'delivered' && delivered.put(status) });
    receiver.connect();
    ends.push(() => receiver.disconnect());
    const saved = arrivals();
    const one = run(text, server, ann, { ...hooks, save: async (...values) => saved.put(values.at(-1)), show: (message) => saved.put(message), failed: refused.put });
    ends.push(one.stop);
    assert.equal((await shown.next()).content, '起来聊天');
    const { msgID } = receiver.send(1, 'and back');
    assert.equal((await saved.next()).content, 'and back');
    assert.equal((await delivered.next()).msgID, msgID);
    if (one.send) { // chat-client has tests of its own
      one.send(1, 'to myself');
      assert.equal((await refused.next()).content.error, 'ToSelf');
      assert.equal(one.left(), 0, 'a refused message is not sent again');
    }
  });
}

test('the snippets of the page stand in the README word for word', async () => {
  const readme = await readFile(new URL('../../README.md', import.meta.url), 'utf8');
  for (const { name, text } of await snippets()) assert.ok(readme.includes(`\n${text}\n\`\`\``), name);
});

test('no file of the page is over 400 lines', async () => {
  for (const file of await readdir(web, { recursive: true })) {
    if (!/\.(js|css|html|ts)$/.test(file)) continue;
    const lines = (await readFile(new URL(file, web), 'utf8')).split('\n').length;
    assert.ok(lines <= 400, `${file} has ${lines}`);
  }
});
