// Who sits where: what belongs to one person, and what does not follow to the next.

import assert from 'node:assert/strict';
import { after, test } from 'node:test';
import { closeBrowser, openPage, seat, skip, startServer, twoPeople } from './harness.js';

after(closeBrowser);

const breakIt = (page, name) => page.locator('.break-buttons').getByRole('button', { name }).click();
const report = (page, text) => page.locator('.report li', { hasText: text }).first().waitFor();

test('a draft stays with whom it is for, and goes when one signs out', { skip }, async (t) => {
  const server = await startServer(t);
  const page = await openPage(t, server.url);
  const [a, b] = [seat(page, 'a'), seat(page, 'b')];
  await a.signUp('ann', 'Ann');
  await b.signUp('bo', 'Bo');
  await b.root.getByRole('button', { name: 'Sign out' }).click();
  await b.signUp('cy', 'Cy');
  await a.open('Bo');
  await a.input.fill('only for Bo');
  await a.open('Cy');
  assert.equal(await a.input.inputValue(), '');
  await a.input.fill('only for Cy');
  await a.open('Bo');
  assert.equal(await a.input.inputValue(), 'only for Bo');
  await a.root.getByRole('button', { name: 'Sign out' }).click();
  await a.signUp('dee', 'Dee');
  for (const name of ['Bo', 'Cy']) {
    await a.open(name);
    assert.equal(await a.input.inputValue(), '');
  }
});

test('nothing broken follows to the next user', { skip }, async (t) => {
  const server = await startServer(t);
  const { page, a, b } = await twoPeople(t, server.url);
  await a.say('mine');
  await a.state('mine', 'delivered');
  await breakIt(page, 'Drop the next confirmation');
  await breakIt(page, 'Go offline');
  await a.root.getByRole('button', { name: 'Sign out' }).click();
  await a.signUp('next'); // comes online
  await breakIt(page, 'Send the last msgID again');
  await report(page, 'next has not sent anything yet');
  await b.root.locator('.contact', { hasText: 'next' }).click();
  await b.say('welcome');
  await b.state('welcome', 'delivered');
  assert.equal(await page.locator('.report li', { hasText: 'thrown away' }).count(), 0);
});

test('dropping asked for twice is one drop and one report', { skip }, async (t) => {
  const server = await startServer(t);
  const { page, a, b } = await twoPeople(t, server.url);
  await page.locator('.break .tabs button').nth(1).click();
  await breakIt(page, 'Drop the next confirmation');
  await breakIt(page, 'Drop the next confirmation');
  await a.say('confirm me');
  await b.sees('confirm me');
  await report(page, 'confirmed at the second try');
  assert.equal(await page.locator('.report li', { hasText: 'thrown away' }).count(), 1);
  assert.equal(await page.locator('.report li', { hasText: 'at the second try' }).count(), 1);
});

test('who signs out with something unsent is asked', { skip }, async (t) => {
  const server = await startServer(t);
  const { page, a } = await twoPeople(t, server.url);
  await breakIt(page, 'Go offline');
  await a.say('unsent');
  await a.state('unsent', 'sending');
  const answer = async (what) => {
    const [dialog] = await Promise.all([page.waitForEvent('dialog'), a.root.getByRole('button', { name: 'Sign out' }).click({ noWaitAfter: true, timeout: 5_000 }).catch(() => {}), page.waitForEvent('dialog').then((one) => one[what]())]);
    assert.match(dialog.message(), /^Not sent yet: 1\./);
  };
  await answer('dismiss');
  await a.row('unsent').waitFor();
  await answer('accept');
  await a.root.getByLabel('User name').waitFor();
  assert.deepEqual(await page.evaluate(() => Object.keys(sessionStorage).filter((key) => /^fiberchat\.a\.outbox\.\d+\./.test(key))), []);
});

test('what is broken in the storage does not stop the page', { skip }, async (t) => {
  const server = await startServer(t);
  const { page, a, b } = await twoPeople(t, server.url);
  await page.evaluate(() => {
    const { user } = JSON.parse(sessionStorage.getItem('fiberchat.a.session'));
    for (const key of [`outbox.${user.uid}`, 'unread', 'delivered']) sessionStorage.setItem(`fiberchat.a.${key}`, '{broken');
    sessionStorage.setItem('fiberchat.b.outbox.2', '{}');
  });
  await page.reload();
  await a.say('all the same');
  await b.sees('all the same');
});

test('an outbox without room in the storage says so, and is sent', { skip }, async (t) => {
  const server = await startServer(t);
  const { page, a, b } = await twoPeople(t, server.url);
  await breakIt(page, 'Go offline');
  await page.evaluate(() => {
    for (let size = 1 << 22; size >= 1; size >>= 1) {
      try {
        sessionStorage.setItem('full', (sessionStorage.getItem('full') ?? '') + 'x'.repeat(size));
      } catch { /* half as much, then */ }
    }
  });
  await a.say('no room');
  await page.getByText('The browser has no room for what is unsent.').waitFor();
  await breakIt(page, 'Go online');
  await a.state('no room', 'delivered');
  await b.sees('no room');
});

test('a window that the browser blocks changes nothing but a word', { skip }, async (t) => {
  const server = await startServer(t);
  const { page, a, b } = await twoPeople(t, server.url);
  await page.evaluate(() => { globalThis.open = () => null; });
  await b.root.getByRole('button', { name: 'Open in a window of its own' }).click();
  await page.getByText('The browser has blocked the window.').waitFor();
  await a.say('still here?');
  await b.sees('still here?');
});

test('names: the longest break nothing, the same ones are told apart', { skip }, async (t) => {
  const server = await startServer(t);
  const long = 'W'.repeat(64);
  for (const viewport of [{ width: 1280, height: 800 }, { width: 390, height: 844 }]) {
    const page = await openPage(t, server.url, { viewport });
    const show = (at) => (viewport.width < 760 ? page.locator('.seat-tabs button').nth(at).click() : null);
    const [a, b] = [seat(page, 'a'), seat(page, 'b')];
    const names = [`long-${viewport.width}`, `other-${viewport.width}`];
    await a.signUp(names[0], long);
    await show(1);
    await b.signUp(names[1], long);
    await b.open(`@${names[0]}`);
    await b.say('hi');
    await show(0);
    await a.root.locator('.contact', { hasText: `@${names[1]}` }).locator('.unread').waitFor();
    await page.locator('.step.lit').nth(4).waitFor();
    const wide = await page.evaluate(() => [...document.querySelectorAll('body *')]
      .filter((one) => one.getBoundingClientRect().right > innerWidth + 1 && one.checkVisibility() && !one.closest('.name, .peer, .end, .tab, .who, .visually-hidden'))
      .map((one) => one.className || one.tagName));
    assert.deepEqual([await page.evaluate(() => document.documentElement.scrollWidth), wide], [viewport.width, []]);
    for (const name of ['Sign out']) assert.equal(await a.root.getByRole('button', { name }).isVisible(), true);
  }
});

for (const [width, height] of [[1366, 650], [1280, 720], [390, 664], [375, 560]]) {
  test(`sign-up can be reached at ${width} by ${height}`, { skip }, async (t) => {
    const server = await startServer(t);
    const page = await openPage(t, server.url, { viewport: { width, height } });
    const a = seat(page, 'a');
    await a.root.getByRole('button', { name: 'Sign up' }).first().click();
    for (const one of [a.root.getByRole('heading'), a.root.getByLabel('User name'), a.root.getByLabel('Password again'), a.root.locator('button[type=submit]')]) {
      await one.scrollIntoViewIfNeeded();
      const seen = await one.evaluate((node) => {
        const { left, top, width: w, height: h } = node.getBoundingClientRect();
        return [1, h / 2, h - 1].every((y) => node.contains(document.elementFromPoint(left + w / 2, top + y)) || node.closest('label')?.contains(document.elementFromPoint(left + w / 2, top + y)));
      });
      assert.equal(seen, true, await one.evaluate((node) => node.outerHTML));
    }
    await a.signUp('ann');
  });
}
