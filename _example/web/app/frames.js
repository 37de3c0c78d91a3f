// The raw frames of both sides, newest last. Bounded: the oldest rows go.

import { copyText, h, soon } from './dom.js';
import { languageChanged, t } from './i18n.js';

const KEPT = 400; // rows

export function framesPanel(people) {
  const list = h('ol', { class: 'frame-rows', tabindex: 0, tLabel: 'frames' });
  const empty = h('p', { class: 'empty', t: 'noFrames' });
  const filter = h('input', { type: 'search', tHint: 'filter', tLabel: 'filter', oninput: refilter });
  const beats = h('input', { type: 'checkbox', onchange: refilter });
  const pause = h('button', { type: 'button', class: 'quiet', t: 'pause', 'aria-pressed': 'false', onclick: togglePause });
  const copy = h('button', { type: 'button', class: 'quiet', t: 'copy', onclick: () => copyText(allText(), copy) });
  const clear = h('button', { type: 'button', class: 'quiet', t: 'clear', onclick: () => { list.replaceChildren(); empty.hidden = false; } });
  const root = h('section', { class: 'frames card', 'aria-labelledby': 'frames-title' },
    h('div', { class: 'card-head' }, h('h2', { id: 'frames-title', t: 'frames' }), h('p', { t: 'framesHint' })),
    h('div', { class: 'bar' }, filter, h('label', { class: 'check' }, beats, h('span', { t: 'beats' })), pause, copy, clear),
    list, empty);

  let waiting = []; // frames that are not rows yet
  let paused = false;
  const addSoon = soon(add);

  function togglePause() {
    paused = !paused;
    pause.dataset.t = paused ? 'resume' : 'pause';
    pause.textContent = t(pause.dataset.t);
    pause.setAttribute('aria-pressed', String(paused));
    addSoon();
  }

  function add() {
    if (paused || !waiting.length) return;
    const stick = list.scrollHeight - list.scrollTop - list.clientHeight < 40;
    list.append(...waiting.map(([person, detail]) => makeRow(person, detail)));
    waiting = [];
    while (list.children.length > KEPT) list.firstChild.remove();
    empty.hidden = true;
    if (stick) list.scrollTop = list.scrollHeight;
  }

  function makeRow(person, { dir, text, frame, at, dropped, values }) {
    const command = frame ? frame.command : dir === 'note' ? t(`note.${text}`, ...values) : '♥';
    const rest = frame ? [frame.headers.destination, frame.body].filter(Boolean).join('  ') : '';
    const time = new Date(at).toISOString().slice(11, 23);
    const raw = h('pre', {}, text.replaceAll('\0', '␀'));
    const row = h('li', { class: `frame ${dir}${frame ? '' : ' bare'}${dropped ? ' dropped' : ''}` },
      frame
        ? h('details', {}, h('summary', {}, ...line()), raw)
        : h('div', { class: 'summary' }, ...line()));
    function line() {
      return [
        h('span', { class: `side side-${person.seat}` }, person.name || person.seat),
        h('span', { class: 'way', tTitle: dir }, { in: '↓', out: '↑', note: '·' }[dir]),
        h('b', {}, command),
        h('span', { class: 'rest' }, dropped ? t('note.dropped') : rest),
        h('time', {}, time)];
    }
    row.frameText = `${time} ${person.name} ${dir} ${dir === 'note' ? command : text.replaceAll('\0', '^@')}`;
    row.isBeat = dir !== 'note' && !frame;
    row.hidden = !matches(row);
    return row;
  }

  function matches(row) {
    return (beats.checked || !row.isBeat) && row.frameText.toLowerCase().includes(filter.value.trim().toLowerCase());
  }
  function refilter() { for (const row of list.children) row.hidden = !matches(row); }
  function allText() { return [...list.children].filter((row) => !row.hidden).map((row) => row.frameText).join('\n'); }

  for (const person of people) {
    person.tap.addEventListener('frame', ({ detail }) => {
      waiting.push([person, detail]);
      if (waiting.length > KEPT) waiting.shift();
      addSoon();
    });
  }
  languageChanged.addEventListener('change', () => list.querySelectorAll('.note').forEach((row) => row.remove()));
  return root;
}
