// What one sees of a conversation is whole and in the server's order, whoever
// else reads, writes or confirms meanwhile, and whatever the clock says.

import assert from 'node:assert/strict';
import { after, test } from 'node:test';
import { closeBrowser, openPage, seat, skip, startServer, twoPeople } from './harness.js';
import { History } from '../../web/app/history.js';

after(closeBrowser);

const lines = (count) => Array.from({ length: count }, (_, i) => `line ${i + 1}.`);

/** Two people who have said so much, and one more browser in which nobody sits. */
async function afterTalk(t, server, count, options) {
  const { page, a } = await twoPeople(t, server.url);
  for (const line of lines(count)) await a.say(line);
  await a.state(`line ${count}.`, 'delivered');
  return { page, a, fresh: await openPage(t, server.url, options) };
}

test('who signs in and picks a contact sees the conversation, up to its beginning', { skip }, async (t) => {
  const server = await startServer(t);
  const { fresh } = await afterTalk(t, server, 70);
  const b = seat(fresh, 'b');
  await b.signIn('alex');
  await b.root.locator('.preview', { hasText: 'line 70.' }).waitFor(); // the look at the last message was there first
  await b.open('梅');
  await b.sees('line 20.'); // a page before the last message
  assert.deepEqual(await b.texts(), lines(70).slice(19));
  await b.root.locator('.messages').evaluate((list) => { list.scrollTop = 0; });
  await b.sees('line 1.');
  assert.deepEqual(await b.texts(), lines(70));
});

test('a screen higher than a page of history is filled', { skip }, async (t) => {
  const server = await startServer(t);
  const { fresh } = await afterTalk(t, server, 70, { viewport: { width: 1280, height: 800 } });
  // 50 lines that need less room than there is.
  await fresh.addInitScript(() => addEventListener('DOMContentLoaded', () => {
    const sheet = new CSSStyleSheet();
    sheet.replaceSync('.row { height: 2px; overflow: hidden }');
    document.adoptedStyleSheets = [sheet];
  }));
  await fresh.reload();
  const b = seat(fresh, 'b');
  await b.signIn('alex');
  await b.open('梅');
  await b.root.locator('.row', { hasText: /^.*line 1\.$/ }).waitFor({ state: 'attached' });
  assert.deepEqual(await b.texts(), lines(70));
});

test('a history that cannot be loaded says so, and is loaded on demand', { skip }, async (t) => {
  const server = await startServer(t);
  const { fresh } = await afterTalk(t, server, 3, { expected: [/net::ERR_FAILED/] });
  await fresh.route('**/api/chat/history*', (route) => route.abort());
  const b = seat(fresh, 'b');
  await b.signIn('alex');
  await b.open('梅');
  const failed = b.root.getByText('Earlier messages could not be loaded.');
  await failed.waitFor();
  await fresh.unroute('**/api/chat/history*');
  await failed.getByRole('button', { name: 'Try again' }).click();
  await b.sees('line 3.');
  assert.deepEqual(await b.texts(), lines(3));
});

test('two tabs of one user: what one sends and confirms, the other sees after it was away, and on a look', { skip }, async (t) => {
  const server = await startServer(t);
  const { page, a, b } = await twoPeople(t, server.url);
  const second = await openPage(t, server.url);
  const a2 = seat(second, 'a');
  await a2.signIn('mei');
  await a2.open('Alex');
  await a.say('in the beginning');
  await a.state('in the beginning', 'delivered');
  await page.getByRole('button', { name: 'Go offline' }).click(); // a, in the first tab
  await a.root.getByText('You are offline.').waitFor();
  const said = ['in the beginning'];
  for (const line of lines(60)) {
    said.push(line);
    await a2.say(line);
  }
  await a2.state('line 60.', 'delivered');
  await b.say('and an answer');
  await a2.sees('and an answer');
  await b.state('and an answer', 'delivered'); // confirmed: no init brings it
  await a.root.getByRole('button', { name: 'Go online' }).click();
  await a.sees('and an answer');
  assert.deepEqual(await a.texts(), [...said, 'and an answer']);
  await a2.say('from the other tab');
  await a2.state('from the other tab', 'delivered');
  await page.evaluate(() => dispatchEvent(new Event('focus')));
  await a.row('from the other tab').waitFor();
  assert.deepEqual(await a.texts(), await b.texts());
});

for (const [name, off] of [['behind', -3_600_000], ['ahead', 3_600_000]]) {
  test(`a clock that is an hour ${name} changes no order`, { skip }, async (t) => {
    const server = await startServer(t);
    const { page, a, b } = await twoPeople(t, server.url);
    const other = await openPage(t, server.url);
    await other.addInitScript((by) => {
      const real = Date.now;
      Date.now = () => real() + by;
    }, off);
    await other.reload();
    await a.root.getByRole('button', { name: 'Sign out' }).click();
    const mei = seat(other, 'a');
    await mei.signIn('mei');
    await mei.open('Alex');
    const said = [];
    for (let i = 1; i <= 3; i++) {
      for (const [one, text, peer] of [[mei, `mei ${i}`, b], [b, `alex ${i}`, mei]]) {
        await one.say(text);
        await peer.sees(text);
        said.push(text);
      }
    }
    for (const one of [mei, b]) assert.deepEqual(await one.texts(), said);
    await other.reload();
    await mei.sees('alex 3');
    assert.deepEqual(await mei.texts(), said);
    assert.equal(await page.locator('.row').count(), 6);
  });
}

test('a reload keeps unread counts and what was delivered', { skip }, async (t) => {
  const server = await startServer(t);
  const { page, a, b } = await twoPeople(t, server.url);
  await a.say('seen');
  await a.state('seen', 'delivered');
  await b.input.press('Escape'); // back to the contacts
  await a.say('unread 1');
  await a.say('unread 2');
  await a.state('unread 2', 'delivered');
  await b.root.locator('.contact .unread', { hasText: '2' }).waitFor();
  assert.match(await page.title(), /^\(2\) /);
  await page.reload();
  await b.root.locator('.contact .unread', { hasText: '2' }).waitFor();
  await a.say('unread 3');
  await b.root.locator('.contact .unread', { hasText: '3' }).waitFor();
  for (const text of ['seen', 'unread 1', 'unread 2']) await a.state(text, 'delivered');
  await b.open('梅');
  await b.root.locator('.contact .unread').waitFor({ state: 'hidden' });
  assert.doesNotMatch(await page.title(), /^\(/);
});

test('a page that the server cuts short is not the end', async () => {
  const stored = Array.from({ length: 20 }, (_, i) => ({ id: 20 - i }));
  for (const known of [0, 5]) {
    const seen = new Set(stored.map(({ id }) => id).filter((id) => id <= known));
    const conversation = { top: known, turn: Promise.resolve(), freeze() {} };
    const history = new History({
      fetch: async (uid, before, limit) => stored.filter(({ id }) => !before || id < before).slice(0, Math.min(limit, 3)),
      merge: (uid, { id }) => !seen.has(id) && seen.add(id),
      changed() {},
    });
    await history.newest(2, conversation);
    for (let i = 0; !known && !conversation.complete && i < 20; i++) await history.earlier(2, conversation);
    assert.equal(seen.size, 20);
  }
});
