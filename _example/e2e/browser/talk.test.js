// Two people talk: in one page, in two browsers, over a reload.

import assert from 'node:assert/strict';
import { after, test } from 'node:test';
import { closeBrowser, openPage, seat, skip, startServer, twoPeople } from './harness.js';

after(closeBrowser);

test('two people talk side by side within two clicks, and the five steps light up', { skip }, async (t) => {
  const server = await startServer(t);
  const page = await openPage(t, server.url);
  const [a, b] = [seat(page, 'a'), seat(page, 'b')];
  await page.getByRole('button', { name: 'Just show me' }).click();
  await a.state('Hello', 'delivered');
  await b.sees('Hello');
  assert.equal(await page.getByRole('button', { name: 'Just show me' }).isVisible(), false);
  await a.say('起来聊天');
  await a.state('起来聊天', 'delivered');
  await b.sees('起来聊天');
  await page.locator('.step.lit').nth(4).waitFor();
  assert.equal(await page.locator('.step.lit').count(), 5);
  await b.say('hello 😄');
  await a.sees('hello 😄');
  await b.state('hello 😄', 'delivered');
  assert.deepEqual(await a.texts(), await b.texts());
});

test('the raw frames are shown, filtered, paused and cleared, and never hold the token', { skip }, async (t) => {
  const server = await startServer(t);
  const { page, a } = await twoPeople(t, server.url);
  await a.say('look at me');
  await a.state('look at me', 'delivered');
  const rows = page.locator('.frame:visible');
  await page.getByRole('tab', { name: 'Frames' }).click();
  await page.getByLabel('Filter').fill('/socket/chat/send');
  assert.equal(await rows.count(), 1);
  await rows.first().locator('summary').click();
  assert.match(await rows.first().locator('pre').textContent(), /^SEND\ndestination:\/socket\/chat\/send\n[^]*"content":"look at me"}␀$/);
  await page.getByLabel('Filter').fill('');
  await page.getByRole('button', { name: 'Pause' }).click();
  const before = await page.locator('.frame').count();
  await a.say('in the dark');
  await a.state('in the dark', 'delivered');
  assert.equal(await page.locator('.frame').count(), before);
  await page.getByRole('button', { name: 'Resume' }).click();
  await page.locator('.frame', { hasText: 'in the dark' }).first().waitFor();
  const tokens = await page.evaluate(() => ['a', 'b'].map((one) => JSON.parse(sessionStorage.getItem(`fiberchat.${one}.session`)).secret));
  const text = await page.locator('body').innerHTML();
  assert.match(text, /srect=••••/);
  for (const token of tokens) assert.ok(token.length > 8 && !text.includes(token), 'a token is on the page');
  await page.context().grantPermissions(['clipboard-read', 'clipboard-write']);
  await page.locator('.frames').getByRole('button', { name: 'Copy' }).click();
  await page.locator('.frames').getByRole('button', { name: 'Copied' }).waitFor();
  assert.match(await page.evaluate(() => navigator.clipboard.readText()), /out SEND\ndestination:\/socket\/chat\/send/);
  // Cleared is cleared, also what came while it was paused.
  await page.getByRole('button', { name: 'Pause' }).click();
  await a.say('never shown');
  await a.state('never shown', 'delivered');
  await page.getByRole('button', { name: 'Clear' }).click();
  await page.getByRole('button', { name: 'Resume' }).click();
  await a.say('shown again');
  await page.locator('.frame', { hasText: 'shown again' }).first().waitFor();
  assert.equal(await page.locator('.frame', { hasText: 'never shown' }).count(), 0);
});

test('two browsers: sign-up, sign-in, unread counts, last message', { skip }, async (t) => {
  const server = await startServer(t);
  const mei = seat(await openPage(t, server.url), 'a');
  const alex = seat(await openPage(t, server.url), 'a');
  await mei.signUp('mei', '梅');
  await alex.signUp('alex', 'Alex');
  await mei.root.page().evaluate(() => dispatchEvent(new Event('focus'))); // one looks at the other window again
  await mei.open('Alex');
  await mei.say('一');
  await mei.say('二');
  await mei.state('二', 'delivered');
  const contact = alex.root.locator('.contact', { hasText: '梅' });
  await contact.locator('.unread', { hasText: '2' }).waitFor();
  assert.equal(await contact.locator('.preview').textContent(), '二');
  await contact.click();
  await contact.locator('.unread').waitFor({ state: 'hidden' });
  assert.deepEqual(await alex.texts(), ['一', '二']);
  await alex.root.getByRole('button', { name: 'Sign out' }).click();
  await mei.say('三');
  await mei.state('三', 'stored');
  await alex.signIn('alex');
  await alex.root.locator('.contact .unread', { hasText: '1' }).waitFor();
  await mei.state('三', 'delivered');
});

test('sign-in tells what is wrong', { skip }, async (t) => {
  const server = await startServer(t);
  const page = await openPage(t, server.url, { expected: [/status of 401/, /status of 409/] });
  const a = seat(page, 'a');
  await a.root.getByLabel('User name').fill('nobody');
  await a.root.getByLabel('Password', { exact: true }).fill('whatever!');
  await a.root.locator('button[type=submit]').click();
  await a.root.getByText('Name or password is wrong.').waitFor();
  await a.signUp('taken');
  const b = seat(page, 'b');
  await b.root.getByRole('button', { name: 'Sign up' }).first().click();
  await b.root.getByLabel('User name').fill('taken');
  await b.root.getByLabel('Password', { exact: true }).fill('correct horse');
  await b.root.getByLabel('Password again').fill('correct horses');
  await b.root.locator('button[type=submit]').click();
  await b.root.getByText('The two passwords differ.').waitFor();
  await b.root.getByLabel('Password again').fill('correct horse');
  await b.root.locator('button[type=submit]').click();
  await b.root.getByText('This name is taken.').waitFor();
});

test('what a person typed is text, and its addresses are links', { skip }, async (t) => {
  const server = await startServer(t);
  const { page, a, b } = await twoPeople(t, server.url);
  const nasty = '<img src=x onerror="document.title=1"> & <script>document.title=2</script> javascript:alert(1)';
  await a.say(nasty);
  await b.sees('javascript:alert(1)');
  assert.deepEqual(await b.texts(), [nasty]);
  assert.equal(await page.locator('.bubble img, .bubble script, .bubble a').count(), 0);
  await a.say('see https://example.org/a?b=1&c=<x>. 再见https://例子.cn/路。（看https://a.cn/1）【https://a.cn/2】“https://a.cn/3”，https://a.cn/4、https://a.cn/5？ (https://a.cn/6_(x)) https://a.cn/7_(y), [https://a.cn/8]… https://a.cn/9！');
  await b.sees('see https');
  const links = b.root.locator('.bubble a');
  assert.deepEqual(await links.allTextContents(), ['https://example.org/a?b=1&c=', 'https://例子.cn/路', ...['1', '2', '3', '4', '5', '6_(x)', '7_(y)', '8', '9'].map((one) => `https://a.cn/${one}`)]);
  assert.equal(await links.first().getAttribute('rel'), 'noopener noreferrer nofollow');
  const long = '很长的文字🙂'.repeat(2_500);
  await a.say(long);
  await a.state('很长的文字', 'delivered');
  assert.equal((await b.texts()).at(-1), long);
  assert.equal(await page.evaluate(() => document.documentElement.scrollWidth <= innerWidth), true);
  await a.input.fill('x'.repeat(50_000));
  await a.input.press('Enter');
  await a.root.getByText('A message holds up to 48 KiB of text.').waitFor();
});

test('a reload keeps the sessions and brings the history', { skip }, async (t) => {
  const server = await startServer(t);
  const { page, a, b } = await twoPeople(t, server.url);
  for (let i = 1; i <= 70; i++) await a.say(`line ${i}.`);
  await a.state('line 70.', 'delivered');
  await page.reload();
  await b.sees('line 70.');
  assert.equal((await b.texts()).length, 50);
  await b.root.locator('.messages').evaluate((list) => { list.scrollTop = 0; });
  await b.sees('line 1.');
  assert.deepEqual(await b.texts(), Array.from({ length: 70 }, (_, i) => `line ${i + 1}.`));
  await b.root.getByText('This is where it begins').waitFor();
});

test('the other side moves to a window of its own, and comes back', { skip }, async (t) => {
  const server = await startServer(t);
  const { page, a, b } = await twoPeople(t, server.url);
  const [other] = await Promise.all([page.waitForEvent('popup'), b.root.getByRole('button', { name: 'Open in a window of its own' }).click()]);
  await b.root.waitFor({ state: 'hidden' });
  const moved = seat(other, 'b');
  await moved.online();
  await moved.input.waitFor();
  await a.say('are you there?');
  await moved.sees('are you there?');
  await moved.say('yes');
  await a.sees('yes');
  await other.close();
  await page.getByRole('button', { name: 'Side by side' }).click();
  await b.online();
  await a.say('back again');
  await b.sees('back again');
  await b.sees('are you there?');
  assert.deepEqual(await b.texts(), ['are you there?', 'yes', 'back again']); // what the other window did is here too
  assert.deepEqual(await a.texts(), await b.texts());
});

test('below a prefix, with and without the slash', { skip }, async (t) => {
  const server = await startServer(t, '-prefix', '/Mimi');
  assert.match(server.url, /\/Mimi\/$/);
  const { page, a, b } = await twoPeople(t, server.url.slice(0, -1));
  assert.equal(page.url(), server.url);
  await a.say('below');
  await a.state('below', 'delivered');
  await b.sees('below');
});
