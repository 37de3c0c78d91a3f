// The libraries of the field in a page of another origin, at both doors and
// over every transport that sockjs-client has in Chromium.

import assert from 'node:assert/strict';
import { after, before, describe, test } from 'node:test';
import { signUp, startServer } from '../clients/harness.js';
import { suite } from '../clients/suite.js';
import { closeBrowser, openBrowser, skip } from './harness.js';
import { native, openTab, raw, serveElsewhere, sockjsBy } from './sockjs-tab.js';

const origin = await serveElsewhere();
after(closeBrowser);

// Chromium repeats a poll or xhr_send on another connection when its own broke
// before the answer came, and sockjs-client is not told.
const repeats = { repeats: true };

// What must have gone over the wire, and nothing else.
const DOORS = {
  // sockjs-client learns of a cut stream only when it next sends.
  'iframe-htmlfile': [sockjsBy('iframe-htmlfile'), ['iframe htmlfile', 'iframe xhr_send']],
  '/client': [native('v12.stomp', 'v11.stomp', 'v10.stomp'), ['client']],
  '/socketServer/websocket': [raw(), ['websocket']],
  websocket: [sockjsBy('websocket'), ['websocket']],
  'xhr-streaming': [sockjsBy('xhr-streaming'), ['xhr_send', 'xhr_streaming']],
  eventsource: [sockjsBy('eventsource'), ['eventsource', 'xhr_send']],
  'iframe-eventsource': [sockjsBy('iframe-eventsource'), ['iframe eventsource', 'iframe xhr_send']],
  'xhr-polling': [sockjsBy('xhr-polling'), ['xhr', 'xhr_send'], repeats],
  'iframe-xhr-polling': [sockjsBy('iframe-xhr-polling'), ['iframe xhr', 'iframe xhr_send'], repeats],
  'jsonp-polling': [sockjsBy('jsonp-polling'), ['jsonp', 'jsonp_send'], repeats],
};

describe('from another origin', { skip, concurrency: 4 }, () => {
  before(openBrowser); // once, before several tabs want it

  for (const [name, [door, wire, options]] of Object.entries(DOORS)) {
    describe(name, { concurrency: 1 }, () => {
      let tab;
      before(async () => { tab = await openTab(origin); });
      after(() => tab?.close());
      for (const [title, library] of [['stompjs 2.3.3', 'stompjs2'], ['@stomp/stompjs 7', 'stompjs7']]) {
        suite(`${title} by ${name}, in Chromium`, (open) => tab.connect(library)(open), door, { flags: ['-cdn', `${origin}/npm`], brief: true, ...options });
      }
      test('nothing else was on the wire', () => assert.deepEqual(tab.wire(), wire));
    });
  }
});

test('an iframe does not run a library with another hash', { skip }, async (t) => {
  for (const [cdn, runs] of [['npm', true], ['changed', false]]) {
    const server = await startServer('-cdn', `${origin}/${cdn}`);
    t.after(() => server.stop());
    const tab = await openTab(origin, { expected: runs ? [] : [/integrity/, /SockJS is not defined/] });
    const { secret } = await signUp(server);
    const blocked = runs ? null : tab.page.waitForEvent('console', (line) => /integrity/.test(line.text()));
    const connecting = tab.connect('stompjs7')(() => sockjsBy('iframe-xhr-polling')(server.url, secret));
    if (runs) (await connecting).leave();
    else await Promise.all([blocked, assert.rejects(connecting, /before CONNECTED/)]);
    await tab.close();
  }
});
