// The raw frames of both sides, newest last. Bounded: the oldest rows go.

import { copyText, h, soon } from './dom.js';
import { languageChanged, t } from './i18n.js';

const KEPT = 400; // rows

export function framesPanel(people) {
  const list = h('ol', { class: 'frame-rows', tabindex: 0, tLabel: 'frames' });
  const empty = h('p', { class: 'empty', t: 'noFrames' });
  const filter = h('input', { type: 'search', tHint: 'filter', tLabel: 'filter', oninput: refilter });
  const beats = h('input', { type: 'checkbox', onchange: refilter });
  const pause = h('button', { type: 'button', class: 'quiet', t: 'pause', onclick: togglePause });
  const copy = h('button', { type: 'button', class: 'quiet', t: 'copy', onclick: () => copyText(allText(), copy) });
  const clear = h('button', { type: 'button', class: 'quiet', t: 'clear', onclick: clearAll });
  const root = h('div', { class: 'frames panel' },
    h('div', { class: 'bar' }, filter, h('label', { class: 'check' }, beats, h('span', { t: 'beats' })), pause, copy, clear, h('span', { class: 'hint', t: 'framesHint' })),
    list, empty);

  let waiting = []; // frames that are not rows yet
  let paused = false;
  const addSoon = soon(add);

  function togglePause() {
    paused = !paused;
    pause.dataset.t = paused ? 'resume' : 'pause';
    pause.textContent = t(pause.dataset.t);
    addSoon();
  }

  function clearAll() {
    waiting = [];
    list.replaceChildren();
    empty.hidden = false;
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
    const name = person.name || person.seat; // as it was then
    const command = h('b', {});
    const rest = h('span', { class: 'rest' }, [frame?.headers.destination, frame?.body].filter(Boolean).join('  '));
    const time = timeOf(at);
    const line = [
      h('span', { class: `side side-${person.seat}` }, name),
      h('span', { class: 'way', tTitle: `way.${dir}` }, { in: '↓', out: '↑', note: '·' }[dir]),
      command, rest, h('time', {}, time)];
    const row = h('li', { class: `frame ${dir}${frame ? '' : ' bare'}${dropped ? ' dropped' : ''}` },
      frame
        ? h('details', {}, h('summary', {}, ...line), h('pre', {}, text.replaceAll('\0', '␀')))
        : h('div', { class: 'summary' }, ...line));
    row.relabel = () => {
      command.textContent = frame ? frame.command : dir === 'note' ? t(`note.${text}`, ...values) : '♥';
      if (dropped) rest.textContent = t('note.dropped');
      row.frameText = `${time} ${name} ${dir} ${dir === 'note' ? command.textContent : text.replaceAll('\0', '^@')}`;
    };
    row.relabel();
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
  languageChanged.addEventListener('change', () => {
    for (const row of list.children) row.relabel();
    refilter();
  });
  // Rows that came while the panel was hidden could not be scrolled to.
  new ResizeObserver(() => { list.scrollTop = list.scrollHeight; }).observe(list);
  return root;
}

/** The clock on the wall, with milliseconds. */
function timeOf(at) {
  const pad = (number, digits = 2) => String(number).padStart(digits, '0');
  const when = new Date(at);
  return `${pad(when.getHours())}:${pad(when.getMinutes())}:${pad(when.getSeconds())}.${pad(when.getMilliseconds(), 3)}`;
}
