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
    .filter(({ id, impact }) => impact === 'serious' || impact === 'critical' || id === 'landmark-unique')
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
    await page.getByRole('button', { name: 'Just show me' }).click();
    const [a, b] = [seat(page, 'a'), seat(page, 'b')];
    for (const one of [a, b]) { await one.input.waitFor(); await one.online(); }
    await b.sees('Hello');
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
    await a.root.locator('.contact').first().click();
    await a.root.locator('.contact .unread').waitFor({ state: 'hidden' });
    // Whom one does not see does not read, although the conversation is open.
    await show('b');
    await b.say('and now?');
    await page.locator('.seat-tabs .unread', { hasText: '1' }).waitFor();
    assert.match(await page.title(), /^\(1\) /);
    await show('a');
    await page.waitForFunction(() => !document.title.startsWith('('));
    assert.equal(await a.input.getAttribute('placeholder'), 'Message', 'a phone has no Shift+Enter');
    const small = await page.evaluate(() => [...document.querySelectorAll('#app button, #app select')]
      .filter((one) => one.checkVisibility() && !one.matches('.tab, .skip') && one.getBoundingClientRect().height < 43.5).map((one) => one.outerHTML));
    assert.deepEqual(small, [], 'too small for a finger');
    await page.getByRole('button', { name: 'Connection settings' }).click();
    assert.equal(await page.getByLabel('Transport').isVisible(), true);
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
  await page.getByRole('tab', { name: 'The five steps' }).waitFor(); // the choice is remembered
});

test('the language switch changes every text, and nothing else', { skip }, async (t) => {
  const server = await startServer(t);
  const page = await openPage(t, server.url, { locale: 'zh-CN', expected: [/status of 400/] });
  const [a, b] = [seat(page, 'a'), seat(page, 'b')];
  await page.locator('.break .tab', { hasText: '左边' }).waitFor();
  await a.root.getByRole('button', { name: '注册' }).click();
  for (const [uname, passwd, text] of [['a:b', 'correct horse', '用户名不能含'], ['ann', 'short', '密码至少 6 个字符']]) {
    await a.root.getByLabel('用户名').fill(uname);
    await a.root.getByLabel('密码', { exact: true }).fill(passwd);
    await a.root.getByLabel('再输一次密码').fill(passwd);
    await a.root.locator('button[type=submit]').click();
    await a.root.locator('.form-error', { hasText: text }).waitFor();
  }
  await page.getByRole('button', { name: 'English' }).click();
  await a.root.locator('.form-error', { hasText: 'at least 6 characters' }).waitFor();
  assert.deepEqual(await page.locator('.break .tabs .tab').allTextContents(), ['Left', 'Right']);
  await page.getByRole('button', { name: 'Just show me' }).click();
  for (let i = 0; i < 40; i++) await a.say(`line ${i}.`);
  await b.sees('line 39.');
  const list = b.root.locator('.messages');
  await list.evaluate((one) => { one.scrollTop = 200; });
  await page.getByRole('tab', { name: 'Frames' }).click();
  const notes = page.locator('.frame.note');
  const count = await notes.count();
  await notes.filter({ hasText: 'socket open' }).first().waitFor();
  const line = b.root.locator('.row', { hasText: /line 8\./ });
  const before = (await line.boundingBox()).y - (await list.boundingBox()).y;
  await page.getByRole('button', { name: '中文' }).click();
  await notes.filter({ hasText: '连接已打开' }).first().waitFor();
  assert.equal(await notes.count(), count);
  assert.equal(await page.locator('.frame.out .way').first().getAttribute('title'), '发出');
  assert.equal((await line.boundingBox()).y - (await list.boundingBox()).y, before);
  assert.match(await page.locator('.frame time').last().textContent(), new RegExp(`^${await page.evaluate(() => String(new Date().getHours()).padStart(2, '0'))}:`));
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
  const long = 'a long text that fills the line and wraps, 也有中文, so that a word of room less would break it elsewhere. ';
  for (let i = 0; i < 40; i++) await a.say(`line ${i}. ${long}`);
  await b.sees('line 39.');
  await a.state('line 39.', 'delivered');
  // A bubble keeps its place and its breaks while the states go by.
  await page.getByRole('button', { name: 'Go offline' }).click();
  await a.say(`measured. ${long.repeat(2)}`);
  await a.state('measured.', 'sending');
  const boxes = () => a.root.locator('.messages').evaluate((list) => [...list.querySelectorAll('.bubble')].slice(-3).map((one) => one.getBoundingClientRect().toJSON()));
  const sending = await boxes();
  await a.root.getByRole('button', { name: 'Go online' }).click();
  await a.state('measured.', 'delivered');
  await a.root.locator('.banner').waitFor({ state: 'hidden' });
  for (const [at, box] of (await boxes()).entries()) assert.deepEqual([box.width, box.height], [sending[at].width, sending[at].height]);
  for (const one of [a, b]) {
    const [bottom, end] = await one.root.locator('.messages').evaluate((list) => [[...list.querySelectorAll('.bubble')].at(-1).getBoundingClientRect().bottom, list.getBoundingClientRect().bottom]);
    assert.ok(bottom <= end, `the newest is cut off: ${bottom} of ${end}`);
  }
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
