// The messages of the open conversation. Only a window of them is in the
// document, so that thousands stay smooth; it slides as one scrolls.

import { avatar, h, icon, linkified, soon } from './dom.js';
import { longTime, t } from './i18n.js';

const WINDOW = 120; // rows in the document
const SLIDE = 60; // rows that come in at an edge
const EDGE = 400; // px from an edge at which they come
const AT_END = 48; // px from the end that still count as reading the newest
const SPOKEN = 3; // messages read aloud at once
const PAUSE = 5 * 60_000; // a longer one gets a line with the time

export function messageList(person) {
  const top = h('li', { class: 'edge' });
  const rows = h('ol', { class: 'rows' }, top);
  const scroller = h('div', { class: 'messages', tabindex: 0, role: 'region', tLabel: 'messages', onscroll: onScroll }, rows);
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
  function setWindow(from, to) {
    const { items } = conversation;
    first = Math.max(0, from);
    end = Math.min(items.length, Math.max(to, first));
    const anchor = following ? null : firstVisible();
    const before = anchor?.getBoundingClientRect().top;
    const wanted = new Set(items.slice(first, end));
    for (const [item, row] of shown) if (!wanted.has(item)) { row.remove(); shown.delete(item); }
    let place = top;
    for (let at = first; at < end; at++) {
      let row = shown.get(items[at]);
      const late = at === 0 || items[at].time - items[at - 1].time > PAUSE;
      if (!row) {
        row = makeRow(items[at]);
        shown.set(items[at], row);
      }
      row.firstChild.hidden = !late;
      if (place.nextSibling !== row) place.after(row);
      place = row;
    }
    top.textContent = first > 0 ? '' : t(conversation.complete ? (items.length ? 'beginning' : 'noMessages') : 'earlier');
    if (following) scroller.scrollTop = scroller.scrollHeight;
    else if (anchor?.isConnected) scroller.scrollTop += anchor.getBoundingClientRect().top - before;
    showNewer();
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
    if (scrollTop < EDGE && first > 0) setWindow(first - SLIDE, first - SLIDE + WINDOW);
    else if (below < EDGE && end < conversation.items.length) setWindow(end + SLIDE - WINDOW, end + SLIDE);
    else if (scrollTop < EDGE && !conversation.complete) person.loadEarlier(person.openUid);
    showNewer();
  }

  function showNewer() {
    newer.hidden = following || !scroller.clientHeight;
    newer.firstChild.textContent = unseen ? t('newer', unseen) : '';
  }

  function makeRow(item) {
    const mine = item.senderId === person.user.uid;
    const name = mine ? person.name : person.contacts.get(item.senderId)?.nname ?? '';
    const time = h('time', { class: 'pause', hidden: true }, longTime(item.time));
    const bubble = h('div', { class: 'bubble', dir: 'auto' }, linkified(item.content));
    const row = h('li', { class: mine ? 'row mine' : 'row theirs', 'data-msgid': item.chatID }, time,
      avatar(name, item.senderId),
      h('div', { class: 'said' }, h('span', { class: 'visually-hidden' }, `${mine ? t('you') : name}, ${longTime(item.time)}:`), bubble, mine ? h('span', { class: 'state' }) : null));
    if (mine) showState(row, item);
    return row;
  }

  function showState(row, item) {
    const mark = row.querySelector('.state');
    const text = t(`state.${item.state}`);
    mark.className = `state ${item.state}`;
    if (item.state !== 'failed') return mark.replaceChildren(h('span', { class: 'tick', 'aria-hidden': 'true' }), h('span', {}, text));
    const error = item.failure?.content?.error ?? '';
    mark.replaceChildren(h('span', {}, `${text} (${error}) `), h('button', { type: 'button', t: 'retry', onclick: () => person.retry(item) }));
  }

  const redrawSoon = soon(() => {
    if (!conversation) return;
    if (following) toEnd();
    else setWindow(first, end);
  });

  person.addEventListener('conversation', ({ detail: { uid, item, isNew, index, dropped } }) => {
    if (uid !== person.openUid || !conversation) return;
    const mine = item.senderId === person.user.uid;
    if (!isNew) {
      if (mine && shown.has(item)) showState(shown.get(item), item);
      return;
    }
    // What comes before the window, or goes there, moves it by one.
    if (index < first) first++;
    if (index < end) end++;
    if (dropped) [first, end] = [Math.max(0, first - 1), end - 1];
    if (mine && index === conversation.items.length - 1) following = true;
    if (!following) unseen++;
    redrawSoon();
  });

  person.addEventListener('history', ({ detail: { uid, added } }) => {
    if (uid !== person.openUid || !conversation) return;
    if (following) toEnd();
    else setWindow(first + added - (first === 0 ? SLIDE : 0), end + added);
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

  new ResizeObserver(() => { if (following) scroller.scrollTop = scroller.scrollHeight; }).observe(scroller);

  return { root, show, redraw: () => show(person.openUid) };
}
