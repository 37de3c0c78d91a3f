// Where one writes. Enter sends, but not the Enter that ends a composition of
// an input method.

import { h, icon } from './dom.js';
import { t } from './i18n.js';

const EMOJI = ['😀', '😂', '😊', '😍', '😎', '🤔', '😴', '😭', '😡', '🥳', '👍', '👎', '👏', '🙏', '💪', '🤝', '❤️', '🎉', '🔥', '☕', '🍜', '🌧️', '🌞', '🐼'];

export function composer(person) {
  const problem = h('p', { class: 'form-error', role: 'alert' });
  // A phone's keyboard has no Shift+Enter to tell of.
  const hint = matchMedia('(pointer: coarse)').matches ? 'message' : 'messageHint';
  const input = h('textarea', { rows: 1, tLabel: 'message', tHint: hint, onkeydown, oninput: update, enterkeyhint: 'send' });
  const send = h('button', { class: 'send', type: 'submit', tTitle: 'send', tLabel: 'send' }, icon('send'));
  const board = h('div', { class: 'emoji-board', hidden: true },
    ...EMOJI.map((one) => h('button', { type: 'button', onclick: () => insert(one) }, one)));
  const toggle = h('button', { class: 'icon-button', type: 'button', tLabel: 'emoji', tTitle: 'emoji', 'aria-expanded': 'false', onclick: () => setBoard(board.hidden) }, icon('smile'));
  const tools = h('div', { class: 'tools' }, toggle, board);
  const root = h('form', { class: 'composer', onsubmit, onkeydown: closeBoard }, tools, input, send, problem);

  function setBoard(open) {
    board.hidden = !open;
    toggle.setAttribute('aria-expanded', String(open));
    if (open) board.firstChild.focus();
  }
  addEventListener('pointerdown', ({ target }) => { if (!board.hidden && !tools.contains(target)) setBoard(false); });

  function closeBoard(event) {
    if (event.key !== 'Escape' || board.hidden) return;
    event.preventDefault(); // this Escape is spent
    setBoard(false);
    toggle.focus();
  }

  function insert(emoji) {
    input.setRangeText(emoji, input.selectionStart, input.selectionEnd, 'end');
    setBoard(false);
    input.focus();
    update();
  }

  function onkeydown(event) {
    // Safari reports the Enter that ends a composition after it has ended, as key code 229.
    if (event.key !== 'Enter' || event.shiftKey || event.isComposing || event.keyCode === 229) return;
    event.preventDefault();
    root.requestSubmit();
  }

  function onsubmit(event) {
    event.preventDefault();
    const text = input.value.trim();
    if (!text || !person.openUid) return;
    try {
      person.send(text);
      input.value = '';
      problem.textContent = '';
    } catch (error) {
      problem.textContent = t(error.message);
    }
    update();
    input.focus();
  }

  // What one has begun to write stays with whom it is for.
  const drafts = new Map(); // uid -> text
  let to = 0;
  function show(uid) {
    if (to) drafts.set(to, input.value);
    to = uid;
    input.value = drafts.get(uid) ?? '';
    problem.textContent = '';
    update();
  }
  person.addEventListener('session', () => {
    to = 0;
    drafts.clear();
    show(0);
  });

  const grows = CSS.supports('field-sizing', 'content');
  function update() {
    send.disabled = !input.value.trim();
    if (grows) return;
    input.style.height = 'auto';
    input.style.height = `${input.scrollHeight}px`;
  }
  update();

  return { root, show, focus: () => input.focus() };
}
