// The page without a mouse, and for who hears it instead of seeing it.

import assert from 'node:assert/strict';
import { after, test } from 'node:test';
import { closeBrowser, openPage, seat, skip, startServer, twoPeople } from './harness.js';

after(closeBrowser);

const focused = (locator) => locator.evaluate((one) => one === document.activeElement);

test('everything by keyboard', { skip }, async (t) => {
  const server = await startServer(t);
  const page = await openPage(t, server.url, { expected: [/status of 401/] });
  const [a, b] = [seat(page, 'a'), seat(page, 'b')];
  await b.signUp('bo');
  await page.reload(); // the focus is at the top again
  await b.online();
  await page.keyboard.press('Tab');
  await page.keyboard.press('Enter'); // the skip link
  await page.keyboard.press('Tab');
  await page.keyboard.press('Tab'); // sign in as nobody, to see where that leads
  await page.keyboard.type('nobody');
  await page.keyboard.press('Tab');
  await page.keyboard.type('whatever!');
  await page.keyboard.press('Enter');
  await a.root.getByText('Name or password is wrong.').waitFor();
  assert.equal(await focused(a.root.getByLabel('Password', { exact: true })), true);
  await page.keyboard.press('Shift+Tab');
  await page.keyboard.press('Shift+Tab');
  await page.keyboard.press('Enter'); // sign up
  for (const text of ['ann', 'Ann', 'correct horse', 'correct horse']) {
    await page.keyboard.press('Tab');
    await page.keyboard.press('ControlOrMeta+A');
    await page.keyboard.type(text);
  }
  await page.keyboard.press('Enter');
  await a.online();
  await a.root.locator('.contact:focus').waitFor(); // one is led to the contacts
  await page.keyboard.press('Enter');
  await page.keyboard.type('no mouse'); // the composer has the focus
  await page.keyboard.press('Enter');
  await a.state('no mouse', 'delivered');
  await page.keyboard.press('Escape');
  assert.equal(await focused(a.root.locator('.contact').first()), true);
  await b.root.locator('.contact .unread').waitFor();
});

test('Tab stops at one contact, the arrows walk them', { skip }, async (t) => {
  const server = await startServer(t);
  const page = await openPage(t, server.url);
  const [a, b] = [seat(page, 'a'), seat(page, 'b')];
  for (const name of ['ann', 'bo', 'cy']) {
    await b.signUp(name);
    await b.root.getByRole('button', { name: 'Sign out' }).click();
  }
  await a.signUp('dee');
  const stops = a.root.locator('.contact[tabindex="0"]');
  await a.root.locator('.contact:focus', { hasText: 'cy' }).waitFor();
  for (const [key, name] of [['ArrowDown', 'bo'], ['End', 'ann'], ['ArrowUp', 'bo'], ['Home', 'cy']]) {
    await page.keyboard.press(key);
    assert.equal(await focused(a.root.locator('.contact', { hasText: name })), true, key);
    assert.equal(await stops.count(), 1);
  }
});

test('the skip link leads to who is on the screen', { skip }, async (t) => {
  const server = await startServer(t);
  const { page, b } = await twoPeople(t, server.url);
  await page.goto(`${server.url}?only=b`);
  await b.online();
  await page.keyboard.press('Tab');
  await page.keyboard.press('Enter');
  assert.equal(await focused(b.input), true);
});

test('the emoji board closes with a click elsewhere and with Escape', { skip }, async (t) => {
  const server = await startServer(t);
  const { page, a } = await twoPeople(t, server.url);
  const emoji = a.root.getByRole('button', { name: 'Emoji' });
  const board = a.root.locator('.emoji-board');
  await emoji.click();
  await board.waitFor();
  await a.root.locator('.messages').click({ position: { x: 5, y: 5 } });
  await board.waitFor({ state: 'hidden' });
  await emoji.click();
  await page.keyboard.press('Escape');
  await board.waitFor({ state: 'hidden' });
  assert.equal(await focused(emoji), true);
  await emoji.click();
  await page.keyboard.press('Enter');
  assert.equal(await a.input.inputValue(), '😀');
});

test('a message that arrives is announced, and what becomes of the connection', { skip }, async (t) => {
  const server = await startServer(t);
  const { page, a, b } = await twoPeople(t, server.url);
  await a.say('can you hear me?');
  await b.root.locator('[aria-live=polite]', { hasText: /says: can you hear me\?$/ }).waitFor({ state: 'attached' });
  const status = a.root.locator('.seat-head').getByRole('status');
  assert.equal(await status.textContent(), 'Online');
  await page.getByRole('button', { name: 'Go offline' }).click();
  await status.filter({ hasText: 'Not connected' }).waitFor();
});

test('password managers know the fields', { skip }, async (t) => {
  const server = await startServer(t);
  const page = await openPage(t, server.url);
  const { root } = seat(page, 'a');
  const kinds = () => root.locator('input').evaluateAll((all) => all.filter((one) => one.checkVisibility()).map((one) => one.autocomplete));
  assert.deepEqual(await kinds(), ['username', 'current-password']);
  await root.getByRole('button', { name: 'Sign up' }).first().click();
  assert.deepEqual(await kinds(), ['username', 'nickname', 'new-password', 'new-password']);
});
