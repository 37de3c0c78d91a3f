// Where one writes. Enter sends, but not the Enter that ends a composition of
// an input method.

import { h, icon } from './dom.js';
import { t } from './i18n.js';

const EMOJI = ['😀', '😂', '😊', '😍', '😎', '🤔', '😴', '😭', '😡', '🥳', '👍', '👎', '👏', '🙏', '💪', '🤝', '❤️', '🎉', '🔥', '☕', '🍜', '🌧️', '🌞', '🐼'];

export function composer(person) {
  const problem = h('p', { class: 'form-error', role: 'alert' });
  const input = h('textarea', { rows: 2, tLabel: 'message', tHint: 'messageHint', onkeydown, oninput: update, enterkeyhint: 'send' });
  const send = h('button', { class: 'send', type: 'submit', tTitle: 'send' }, icon('send'), h('span', { t: 'send' }));
  const board = h('div', { class: 'emoji-board', hidden: true },
    ...EMOJI.map((one) => h('button', { type: 'button', onclick: () => insert(one) }, one)));
  const toggle = h('button', { class: 'icon-button', type: 'button', tLabel: 'emoji', tTitle: 'emoji', 'aria-expanded': 'false', onclick: () => setBoard(board.hidden) }, icon('smile'));
  const root = h('form', { class: 'composer', onsubmit, onkeydown: closeBoard },
    h('div', { class: 'tools' }, toggle, board), input, problem, send);

  function setBoard(open) {
    board.hidden = !open;
    toggle.setAttribute('aria-expanded', String(open));
    if (open) board.firstChild.focus();
  }

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

  function update() { send.disabled = !input.value.trim(); }
  update();

  return { root, focus: () => input.focus() };
}
