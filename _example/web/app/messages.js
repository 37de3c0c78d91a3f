// The messages of the open conversation. Only a window of them is in the
// document, so that thousands stay smooth; it slides as one scrolls.

import { avatar, h, icon, linkified, soon } from './dom.js';
import { dayName, longTime, t, timeOfDay } from './i18n.js';

const WINDOW = 120; // rows in the document
const SLIDE = 60; // rows that come in at an edge
const EDGE = 400; // px from an edge at which they come
const AT_END = 48; // px from the end that still count as reading the newest
const SPOKEN = 3; // messages read aloud at once
const PAUSE = 5 * 60_000; // a longer one gets a line with the time

export function messageList(person) {
  const top = h('li', { class: 'edge' });
  const rows = h('ol', { class: 'rows' }, top);
  const scroller = h('div', { class: 'messages', tabindex: 0, role: 'region', onscroll: onScroll }, rows);
  const newer = h('button', { class: 'newer', type: 'button', hidden: true, tTitle: 'toNewest', onclick: toEnd }, h('span', {}), icon('down'));
  const live = h('div', { class: 'visually-hidden', 'aria-live': 'polite' });
  const root = h('div', { class: 'message-area' }, scroller, newer, live);

  let conversation = null;
  let first = 0; // the window: items[first] up to, not with, items[end]
  let end = 0;
  let unseen = 0;
  const shown = new Map(); // item -> row
  let following = true;

  function show(uid) {
    conversation = uid ? person.conversation(uid) : null;
    scroller.setAttribute('aria-label', t('messagesOf', person.name, person.contacts.get(uid)?.nname ?? ''));
    for (const row of shown.values()) row.remove();
    shown.clear();
    toEnd();
  }

  function toEnd() {
    following = true;
    unseen = 0;
    if (!conversation) return;
    setWindow(conversation.items.length - WINDOW, conversation.items.length);
  }

  /** Puts items[from] to items[to] into the document; what is on the screen stays where it is. */
  function setWindow(from, to, fresh = false) {
    const { items } = conversation;
    first = Math.max(0, from);
    end = Math.min(items.length, Math.max(to, first));
    const anchor = following ? null : firstVisible();
    const before = anchor?.getBoundingClientRect().top;
    const wanted = new Set(items.slice(first, end));
    for (const [item, row] of shown) {
      if (!fresh && wanted.has(item) && row.time === item.time) continue;
      row.remove();
      shown.delete(item);
    }
    let place = top;
    for (let at = first; at < end; at++) {
      const row = rowOf(items[at], items[at - 1]);
      if (place.nextSibling !== row) place.after(row);
      place = row;
    }
    showTop();
    const now = anchor && shown.get(anchor.item);
    if (following) stick();
    else if (now) scroller.scrollTop += now.getBoundingClientRect().top - before;
    showNewer();
    fill();
  }

  function stick() { scroller.scrollTop = scroller.scrollHeight; }

  /** A page that does not fill the screen cannot be scrolled: the next one comes by itself. */
  function fill() {
    const { scrollHeight, clientHeight } = scroller;
    if (clientHeight && scrollHeight <= clientHeight && !conversation.complete && !conversation.failed) person.loadEarlier(person.openUid);
  }

  function showTop() {
    if (first > 0) top.replaceChildren();
    else if (conversation.complete) top.replaceChildren(t(conversation.items.length ? 'beginning' : 'noMessages'));
    else if (conversation.failed) top.replaceChildren(`${t('historyFailed')} `, h('button', { type: 'button', t: 'retry', onclick: earlier }));
    else top.replaceChildren(t('earlier'));
  }

  function earlier() {
    conversation.failed = false;
    showTop();
    person.loadEarlier(person.openUid);
  }

  function firstVisible() {
    const edge = scroller.getBoundingClientRect().top;
    for (let row = top.nextSibling; row; row = row.nextSibling) {
      if (row.getBoundingClientRect().bottom > edge) return row;
    }
    return null;
  }

  function onScroll() {
    if (!conversation) return;
    const { scrollTop, scrollHeight, clientHeight } = scroller;
    const below = scrollHeight - scrollTop - clientHeight;
    if (below >= AT_END) following = false;
    else if (end === conversation.items.length) following = true; // else: as before, newer ones may be waiting for the next picture
    if (following) unseen = 0;
    slide();
    if (scrollTop < EDGE && first === 0 && !conversation.complete) person.loadEarlier(person.openUid);
    showNewer();
  }

  function slide() {
    const { scrollTop, scrollHeight, clientHeight } = scroller;
    if (scrollTop < EDGE && first > 0) setWindow(first - SLIDE, first - SLIDE + WINDOW);
    else if (scrollHeight - scrollTop - clientHeight < EDGE && end < conversation.items.length) setWindow(end + SLIDE - WINDOW, end + SLIDE);
  }

  function showNewer() {
    newer.hidden = following || !scroller.clientHeight;
    newer.firstChild.textContent = unseen ? t('newer', unseen) : '';
  }

  /** The row of an item, new or as it was, told what comes before it. */
  function rowOf(item, previous) {
    if (!shown.has(item)) shown.set(item, makeRow(item));
    const row = shown.get(item);
    const newDay = !previous || new Date(item.time).toDateString() !== new Date(previous.time).toDateString();
    const late = newDay || item.time - previous.time > PAUSE;
    const joined = !late && previous.senderId === item.senderId;
    row.classList.toggle('joined', joined);
    row.firstChild.hidden = !late;
    if (late) row.firstChild.textContent = newDay ? `${dayName(item.time)} ${timeOfDay(item.time)}` : timeOfDay(item.time);
    showState(row, item);
    return row;
  }

  function makeRow(item) {
    const mine = item.senderId === person.user.uid;
    const name = mine ? person.name : person.contacts.get(item.senderId)?.nname ?? '';
    const bubble = h('div', { class: 'bubble', dir: 'auto' }, linkified(item.content));
    const row = h('li', { class: mine ? 'row mine' : 'row theirs', 'data-msgid': item.chatID }, h('time', { class: 'pause' }),
      avatar(name, item.senderId),
      h('div', { class: 'said' }, h('span', { class: 'visually-hidden' }, `${mine ? t('you') : name}, ${longTime(item.time)}:`), bubble, mine ? h('span', { class: 'state' }) : null));
    row.item = item;
    row.time = item.time;
    return row;
  }

  function showState(row, item) {
    if (!item.state || row.state === item.state) return;
    row.state = item.state;
    const mark = row.querySelector('.state');
    const text = t(`state.${item.state}`);
    mark.className = `state ${item.state}`;
    if (item.state !== 'failed') return mark.replaceChildren(h('span', { class: 'tick', 'aria-hidden': 'true' }), h('span', {}, text));
    const error = item.failure?.content?.error ?? '';
    mark.replaceChildren(h('span', {}, `${text} (${error}) `), h('button', { type: 'button', t: 'retry', onclick: () => person.retry(item) }));
  }

  /** The items have changed somewhere: the same part of them stays in the document. */
  function reframe() {
    if (!conversation) return;
    if (following) return toEnd();
    const places = [top.nextSibling, rows.lastChild].map((row) => conversation.items.indexOf(row?.item)).sort((a, b) => a - b);
    setWindow(places[0], Math.min(places[1] + 1, Math.max(places[0], 0) + WINDOW));
    slide();
  }
  const reframeSoon = soon(reframe);

  person.addEventListener('conversation', ({ detail: { uid, item, isNew, moved, index } }) => {
    if (uid !== person.openUid || !conversation) return;
    if (!isNew && !moved) {
      if (shown.has(item)) showState(shown.get(item), item);
      if (following) stick();
      return;
    }
    if (isNew && item.senderId === person.user.uid && index === conversation.items.length - 1) following = true;
    if (isNew && !following) unseen++;
    reframeSoon();
  });

  person.addEventListener('history', ({ detail: { uid } }) => {
    if (uid === person.openUid) reframe();
  });

  // Read aloud: the messages one by one, but only their number when many come at once.
  let arrived = [];
  const announce = soon(() => {
    live.textContent = arrived.length > SPOKEN ? t('newer', arrived.length) : arrived.join('\n');
    arrived = [];
  });
  person.addEventListener('arrived', ({ detail: { uid, item } }) => {
    arrived.push(arrived.length > SPOKEN ? '' : t('says', person.contacts.get(uid)?.nname ?? '', item.content.slice(0, 200)));
    announce();
  });

  // Whatever changes a height, the newest stays in view.
  const sizes = new ResizeObserver(() => {
    if (following) stick();
    if (conversation) fill();
  });
  sizes.observe(scroller);
  sizes.observe(rows);

  /** The same rows in another language. */
  function redraw() {
    scroller.setAttribute('aria-label', t('messagesOf', person.name, person.contacts.get(person.openUid)?.nname ?? ''));
    if (conversation) setWindow(first, end, true);
  }

  return { root, show, redraw };
}
