// iframe.html acts with the rights of the server's origin for whoever frames
// it. So it may ask for nothing but what is below /socketServer.

import assert from 'node:assert/strict';
import { after, test } from 'node:test';
import { startServer } from '../clients/harness.js';
import { closeBrowser, skip } from './harness.js';
import { openTab, serveElsewhere } from './sockjs-tab.js';

const origin = await serveElsewhere();
after(closeBrowser);

// What a foreign page tells the iframe to do; in all of them the library itself finds nothing wrong with the URL.
const ATTACKS = [
  ['/api/user/me#'], ['/api/user/me?'], ['/api/user/me'], ['/#'], ['/socketServerX/000/x'], ['/socketServer#'], ['/socketServer/x#'],
  ['/socketServer/../api/user/me'], ['/socketServer/%2e%2e/api/user/me'], ['/socketServer/.%2E/api/user/me?x'], ['/socketServer/x/../../api/user/me?'],
  ['/socketServer\\..\\api\\user\\me'], ['/socketServer/.\t./api/user/me'], ['/socketServer/..'], ['/socketServer/x/../..?'],
  ['/socketServer/000/x', '/api/user/me'], // the base URL is told too
  ['/api/user/me', '/socketServer'],
];
const KINDS = ['iframe-info-receiver', 'xhr-polling', 'eventsource', 'htmlfile'];

test('a foreign page reaches /socketServer by the iframe, and nothing else', { skip }, async (t) => {
  const server = await startServer('-cdn', `${origin}/npm`);
  t.after(() => server.stop());
  const tab = await openTab(origin);
  const asked = [];
  tab.page.on('request', (request) => {
    const { origin: to, pathname } = new URL(request.url());
    if (to === server.url && pathname !== '/socketServer/iframe.html') asked.push(pathname);
  });
  await tab.page.evaluate(async (url) => {
    const frame = document.createElement('iframe');
    frame.src = `${url}/socketServer/iframe.html#w`;
    const ready = new Promise((resolve) => { addEventListener('message', resolve, { once: true }); });
    document.body.append(frame);
    await ready;
    globalThis.tell = (...start) => frame.contentWindow.postMessage(JSON.stringify({ windowId: 'w', type: 's', data: JSON.stringify(['1.6.1', ...start]) }), url);
    // No text either: the library makes one of a list.
    globalThis.tellList = (transport, to) => frame.contentWindow.postMessage(JSON.stringify({ windowId: 'w', type: 's', data: [JSON.stringify(['1.6.1', transport, [to], to])] }), url);
  }, server.url);

  for (const kind of KINDS) {
    for (const [transUrl, baseUrl = transUrl] of ATTACKS) {
      await tab.page.evaluate(([kind, ...urls]) => globalThis.tell(kind, ...urls), [kind, server.url + transUrl, server.url + baseUrl]);
    }
    await tab.page.evaluate(([kind, url]) => globalThis.tellList(kind, url), [kind, `${server.url}/api/user/me#`]);
  }
  // Last, so that all that was told before has had its turn.
  const [answer] = await Promise.all([
    tab.page.waitForResponse((response) => new URL(response.url()).pathname === '/socketServer/000/x/xhr'),
    tab.page.evaluate((url) => globalThis.tell('xhr-polling', `${url}/socketServer/000/x?srect=a/../b`, `${url}/socketServer?srect=a/../b`), server.url),
  ]);
  assert.equal(answer.status(), 401);
  assert.deepEqual([...new Set(asked)], ['/socketServer/000/x/xhr']);
  await tab.close();
});
