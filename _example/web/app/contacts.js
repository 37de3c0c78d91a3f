// The contact list: last message, time, unread count; arrow keys walk it.

import { avatar, h, icon } from './dom.js';
import { shortTime, t } from './i18n.js';

const SHOWN = 200; // rows; the search finds the rest
const SEARCH_FROM = 8; // fewer contacts need no search

export function contactList(person, onPick) {
  const list = h('ul', { class: 'contact-rows', onkeydown, onfocusin: ({ target }) => setStop(Number(target.dataset.uid)) });
  const input = h('input', { type: 'search', tHint: 'search', tLabel: 'search', oninput: render });
  const search = h('div', { class: 'search' }, icon('search'), input);
  const empty = h('p', { class: 'empty', t: 'noContacts' });
  const root = h('nav', { class: 'contacts' }, search, list, empty);
  const rows = new Map(); // uid -> row, kept so that focus and place survive a change
  let stop = 0; // the one contact that Tab stops at

  function render() {
    const wanted = input.value.trim().toLowerCase();
    const contacts = [...person.contacts.values()];
    root.setAttribute('aria-label', t('contactsOf', person.name));
    search.hidden = contacts.length < SEARCH_FROM;
    empty.hidden = contacts.length > 0;
    const last = new Map(contacts.map((one) => [one.uid, person.conversation(one.uid).last]));
    const shown = contacts
      .filter((one) => !wanted || one.nname.toLowerCase().includes(wanted) || one.uname.toLowerCase().includes(wanted))
      .sort((a, b) => (last.get(b.uid)?.time ?? 0) - (last.get(a.uid)?.time ?? 0) || b.uid - a.uid)
      .slice(0, SHOWN);
    const kept = new Set(shown.map((one) => one.uid));
    for (const [uid, row] of rows) if (!kept.has(uid)) { row.root.remove(); rows.delete(uid); }
    shown.forEach((contact, at) => {
      if (!rows.has(contact.uid)) rows.set(contact.uid, makeRow(contact));
      const row = rows.get(contact.uid);
      row.update(contact, last.get(contact.uid));
      if (list.children[at] !== row.root) list.insertBefore(row.root, list.children[at] ?? null);
    });
    if (!kept.has(stop)) stop = kept.has(person.openUid) ? person.openUid : shown[0]?.uid;
    setStop(stop);
  }

  function setStop(uid) {
    stop = uid;
    for (const [one, { button }] of rows) button.tabIndex = one === uid ? 0 : -1;
  }

  function makeRow({ uid, nname }) {
    const name = h('span', { class: 'name' });
    const time = h('time', {});
    const preview = h('span', { class: 'preview' });
    const unread = h('span', { class: 'unread' });
    const button = h('button', { class: 'contact', type: 'button', 'data-uid': uid, onclick: () => onPick(uid) },
      avatar(nname, uid),
      h('span', { class: 'line' }, name, time),
      h('span', { class: 'line' }, preview, unread));
    return {
      button,
      root: h('li', {}, button),
      update(contact, message) {
        const mine = message && message.senderId === person.user.uid;
        const count = person.unread.get(uid) ?? 0;
        name.textContent = name.title = person.nameOf(contact);
        time.textContent = message ? shortTime(message.time) : '';
        preview.textContent = message ? (mine ? `${t('you')}: ` : '') + message.content.slice(0, 80) : '';
        unread.hidden = !count;
        unread.textContent = count > 99 ? '99+' : count || '';
        unread.setAttribute('aria-label', t('unread', count));
        if (uid === person.openUid) button.setAttribute('aria-current', 'true');
        else button.removeAttribute('aria-current');
      },
    };
  }

  function onkeydown(event) {
    const buttons = [...list.querySelectorAll('button')];
    const at = buttons.indexOf(document.activeElement);
    const next = { ArrowDown: at + 1, ArrowUp: at - 1, Home: 0, End: buttons.length - 1 }[event.key];
    if (next === undefined) return;
    event.preventDefault();
    buttons[next]?.focus();
  }

  /** Goes to a contact, or to the one that Tab would stop at. */
  function focus(uid) { (rows.get(uid) ?? rows.get(stop))?.button.focus(); }

  return { root, render, focus };
}
