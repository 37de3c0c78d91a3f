// How it looks, sounds and feels: phone, dark, two languages, keyboard, input
// method, screen reader, and what it costs.

import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { after, test } from 'node:test';
import { closeBrowser, openPage, picture, seat, skip, startServer, twoPeople } from './harness.js';

after(closeBrowser);

const PHONE = { viewport: { width: 390, height: 844 }, hasTouch: true, isMobile: true, deviceScaleFactor: 2 };
const axe = skip ? '' : readFileSync(new URL('../node_modules/axe-core/axe.min.js', import.meta.url), 'utf8');

/** No serious or critical fault by axe-core. It goes in by the debugger, past the page's CSP. */
async function accessible(page, what) {
  const session = await page.context().newCDPSession(page);
  await session.send('Runtime.evaluate', { expression: axe });
  const found = await page.evaluate(async () => (await globalThis.axe.run()).violations
    .filter(({ impact }) => impact === 'serious' || impact === 'critical')
    .map(({ id, nodes }) => `${id}: ${nodes.map(({ html, any }) => `${html} ${any[0]?.message ?? ''}`).join(' | ')}`));
  assert.deepEqual(found, [], what);
}

async function chat(page, a, b, show = async () => {}) {
  const lines = [[a, 'a', '起来聊天！我在试 fiberchat 😄'], [b, 'b', 'I killed the server twice, nothing got lost.'],
    [a, 'a', '每条消息都有自己的 msgID，重发也不会重复。\n看这里 https://example.org/docs'], [b, 'b', 'Every step of the last message lights up below ↓'], [a, 'a', '👍'], [b, 'b', '晚上见 🍜']];
  for (const [one, which, text] of lines) {
    await show(which);
    await one.say(text);
    await one.root.locator('.row.mine').last().locator('.state.delivered').waitFor({ state: 'attached' });
  }
  await page.locator('.step.lit').nth(4).waitFor();
  await page.evaluate(() => Promise.all(document.getAnimations().map((one) => one.finished.catch(() => {}))));
}

for (const colorScheme of ['light', 'dark']) {
  test(`desktop, ${colorScheme}: pictures and axe`, { skip }, async (t) => {
    const server = await startServer(t);
    const page = await openPage(t, server.url, { colorScheme, reducedMotion: 'reduce' });
    await picture(page, `desktop-${colorScheme}-sign-in`);
    await accessible(page, 'sign-in');
    await page.locator('.or button:visible').first().click();
    const [a, b] = [seat(page, 'a'), seat(page, 'b')];
    for (const one of [a, b]) { await one.input.waitFor(); await one.online(); }
    await chat(page, a, b);
    await picture(page, `desktop-${colorScheme}`);
    await picture(page, `desktop-${colorScheme}-full`, { fullPage: true });
    await accessible(page, 'conversation');
    await page.getByRole('button', { name: 'Go offline' }).click();
    await a.say('unsent');
    await a.root.locator('.composer').getByRole('button', { name: 'Emoji' }).click();
    await picture(page, `desktop-${colorScheme}-offline`);
    await accessible(page, 'offline, with the emoji board');
  });

  test(`phone, ${colorScheme}: one pane at a time, pictures and axe`, { skip }, async (t) => {
    const server = await startServer(t);
    const { page, a, b } = await twoPeople(t, server.url, { ...PHONE, colorScheme, reducedMotion: 'reduce' });
    const show = (which) => page.locator('.seat-tabs button').nth(which === 'a' ? 0 : 1).click();
    await chat(page, a, b, show);
    await show('a');
    assert.equal(await b.root.isVisible(), false);
    assert.equal(await a.root.locator('.contacts').isVisible(), false);
    await picture(page, `phone-${colorScheme}`);
    await accessible(page, 'conversation');
    await a.root.getByRole('button', { name: 'Back to contacts' }).click();
    assert.equal(await a.root.locator('.talk').isVisible(), false);
    await picture(page, `phone-${colorScheme}-contacts`);
    await accessible(page, 'contacts');
    await show('b');
    await b.say('are you still there?');
    await page.locator('.seat-tabs .unread', { hasText: '1' }).waitFor();
    await show('a');
    await a.root.locator('.contact .unread', { hasText: '1' }).waitFor();
    assert.equal(await page.evaluate(() => document.documentElement.scrollWidth), 390);
    await picture(page, `phone-${colorScheme}-full`, { fullPage: true });
  });
}

test('speaks the browser\'s language, and the other one by the switch', { skip }, async (t) => {
  const server = await startServer(t);
  const { page, a, b } = await twoPeople(t, server.url, { locale: 'zh-CN', reducedMotion: 'reduce' });
  assert.equal(await page.title(), 'fiberchat：两个人，五个步骤');
  await a.say('你好');
  await a.root.locator('.state.delivered', { hasText: '已送达' }).waitFor();
  await picture(page, 'desktop-zh', { fullPage: true });
  await accessible(page, 'zh');
  await page.getByRole('button', { name: 'English' }).click();
  await b.root.getByRole('button', { name: 'Send' }).waitFor();
  assert.equal(await page.locator('html').getAttribute('lang'), 'en');
  await a.root.locator('.state.delivered', { hasText: 'Delivered' }).waitFor();
  await page.reload();
  await page.getByText('The five steps').waitFor(); // the choice is remembered
});

test('both languages have the same texts', async () => {
  const [en, zh] = await Promise.all(['en', 'zh'].map(async (one) => {
    const source = readFileSync(new URL(`../../web/app/strings-${one}.js`, import.meta.url), 'utf8');
    return (await import(`data:text/javascript,${encodeURIComponent(source)}`)).default;
  }));
  assert.deepEqual(Object.keys(zh), Object.keys(en));
  const holes = (text) => [...text.matchAll(/\{\d\}/g)].map(([hole]) => hole).sort().join();
  for (const key of Object.keys(en)) assert.equal(holes(zh[key]), holes(en[key]), key);
});

test('the Enter of an input method does not send', { skip }, async (t) => {
  const server = await startServer(t);
  const { page, a, b } = await twoPeople(t, server.url);
  await a.input.focus();
  const keyboard = await page.context().newCDPSession(page);
  await keyboard.send('Input.imeSetComposition', { text: 'nihao', selectionStart: 5, selectionEnd: 5 });
  const enter = (windowsVirtualKeyCode) => keyboard.send('Input.dispatchKeyEvent', { type: 'rawKeyDown', key: 'Enter', code: 'Enter', windowsVirtualKeyCode });
  await enter(13); // while composing
  assert.equal(await a.rows.count(), 0);
  await keyboard.send('Input.insertText', { text: '你好' });
  await enter(229); // Safari: the composition is over, but the key code still says input method
  assert.equal(await a.rows.count(), 0);
  await a.input.press('Shift+Enter');
  await page.keyboard.type('再一行');
  const text = await a.input.inputValue();
  assert.match(text, /你好[^]*\n再一行$/);
  await a.input.press('Enter');
  await b.sees('再一行');
  assert.equal((await b.texts())[0], text.trim());
});

test('everything by keyboard', { skip }, async (t) => {
  const server = await startServer(t);
  const page = await openPage(t, server.url);
  const [a, b] = [seat(page, 'a'), seat(page, 'b')];
  await b.signUp('bo');
  await page.keyboard.press('Escape');
  await page.locator('body').evaluate((body) => { body.tabIndex = -1; body.focus(); });
  await page.keyboard.press('Tab');
  await page.keyboard.press('Enter'); // the skip link
  await page.keyboard.press('Tab'); // from the first tab to the second: sign up
  await page.keyboard.press('Enter');
  for (const text of ['ann', 'Ann', 'correct horse', 'correct horse']) {
    await page.keyboard.press('Tab');
    await page.keyboard.type(text);
  }
  await page.keyboard.press('Enter');
  await a.online();
  await a.root.locator('.contact').first().focus();
  await page.keyboard.press('Enter');
  await page.keyboard.type('no mouse'); // the composer has the focus
  await page.keyboard.press('Enter');
  await a.state('no mouse', 'delivered');
  await page.keyboard.press('Escape');
  assert.equal(await a.root.locator('.contact').first().evaluate((one) => one === document.activeElement), true);
  await b.root.locator('.contact .unread').waitFor();
});

test('a message that arrives is announced', { skip }, async (t) => {
  const server = await startServer(t);
  const { a, b } = await twoPeople(t, server.url);
  await a.say('can you hear me?');
  await b.root.locator('[aria-live=polite]', { hasText: /says: can you hear me\?$/ }).waitFor({ state: 'attached' });
});

test('reduced motion: nothing moves by itself', { skip }, async (t) => {
  const server = await startServer(t);
  const { page, a } = await twoPeople(t, server.url, { reducedMotion: 'reduce' });
  await page.getByRole('button', { name: 'Go offline' }).click();
  await a.say('x');
  await a.state('x', 'sending');
  assert.equal(await page.evaluate(() => document.getAnimations().length), 0);
});

test('the first paint costs less than 100 KB', { skip }, async (t) => {
  const server = await startServer(t);
  const page = await openPage(t, server.url);
  const { octets, requests } = await page.evaluate(() => {
    const all = [...performance.getEntriesByType('navigation'), ...performance.getEntriesByType('resource')];
    return { octets: all.reduce((sum, one) => sum + one.transferSize, 0), requests: all.length };
  });
  t.diagnostic(`${octets} octets in ${requests} requests`);
  assert.ok(octets > 10_000 && octets < 100_000, `${octets} octets`);
});

test('every file is answered 304 when it is known', { skip }, async (t) => {
  const server = await startServer(t);
  for (const file of ['', 'app/main.js', 'css/base.css', 'icon.svg']) {
    for (const encoding of ['gzip', 'identity']) {
      const ask = (headers) => fetch(server.url + file, { headers: { 'accept-encoding': encoding, ...headers } });
      const first = await ask({});
      assert.equal(first.status, 200);
      assert.equal(first.headers.get('content-encoding'), encoding === 'gzip' ? 'gzip' : null);
      assert.equal(first.headers.get('vary'), 'Accept-Encoding');
      assert.equal((await ask({ 'if-none-match': first.headers.get('etag') })).status, 304);
    }
  }
});

test('messages that arrive move nothing that is read', { skip }, async (t) => {
  const server = await startServer(t);
  const { page, a, b } = await twoPeople(t, server.url);
  for (let i = 0; i < 40; i++) await a.say(`line ${i}.`);
  await b.sees('line 39.');
  await page.evaluate(() => {
    globalThis.shift = 0;
    new PerformanceObserver((list) => { for (const entry of list.getEntries()) globalThis.shift += entry.value; }).observe({ type: 'layout-shift' });
  });
  // At the end the newest stays in view; above it, what is read stays in its place.
  await a.say('newest');
  await b.sees('newest');
  const list = b.root.locator('.messages');
  const gap = () => list.evaluate((one) => one.scrollHeight - one.scrollTop - one.clientHeight);
  assert.ok(await gap() < 2, 'does not follow');
  await list.evaluate((one) => { one.scrollTop = 300; });
  const line = b.root.locator('.row', { hasText: /line 10\./ });
  const before = (await line.boundingBox()).y;
  await a.say('one more');
  await b.root.locator('.newer', { hasText: '1 new' }).waitFor();
  assert.equal((await line.boundingBox()).y, before);
  await b.root.locator('.newer').click();
  await b.sees('one more');
  assert.ok(await gap() < 2);
  assert.ok(await page.evaluate(() => globalThis.shift) < 0.02, `layout shift ${await page.evaluate(() => globalThis.shift)}`);
});
