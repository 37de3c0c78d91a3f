// One side of the page: a person's head line, contacts and conversation.

import { composer } from './composer.js';
import { contactList } from './contacts.js';
import { avatar, h, icon, soon } from './dom.js';
import { languageChanged, t } from './i18n.js';
import { messageList } from './messages.js';
import { signInCard } from './sign-in.js';

export function seatView(person, { openWindow }) {
  const presence = h('span', { class: 'presence' });
  const name = h('h2', { tabindex: -1 });
  const connection = h('span', { class: 'connection', role: 'status' });
  const me = h('div', { class: 'me' });
  const banner = h('div', { class: 'banner', role: 'status', hidden: true });
  const contacts = contactList(person, pick);
  const messages = messageList(person);
  const writing = composer(person);
  const peer = h('h3', { class: 'peer', tabindex: -1 });
  const back = h('button', { class: 'icon-button back', type: 'button', tLabel: 'back', tTitle: 'back', onclick: () => leave() }, icon('back'));
  const nobody = h('p', { class: 'nobody', t: 'pick' });
  const talk = h('div', { class: 'talk' }, messages.root, writing.root);
  const head = h('header', { class: 'seat-head' }, me, back, peer,
    h('button', { class: 'icon-button only-wide', type: 'button', tLabel: 'openWindow', tTitle: 'openWindow', onclick: openWindow }, icon('window')),
    h('button', { class: 'icon-button', type: 'button', tLabel: 'signOut', tTitle: 'signOut', onclick: signOut }, icon('leave')));
  const body = h('div', { class: 'seat-body' }, contacts.root, talk, nobody);
  const root = h('section', { class: 'seat', id: `seat-${person.seat}`, tLabel: person.seat === 'a' ? 'seatA' : 'seatB' });

  function render() {
    const focused = root.contains(document.activeElement);
    if (!person.session) {
      const card = signInCard(person);
      root.replaceChildren(card);
      if (focused) card.querySelector('input').focus();
      return;
    }
    root.replaceChildren(head, banner, body);
    name.textContent = name.title = person.name;
    me.replaceChildren(h('span', { class: 'badge' }, avatar(person.name, person.user.uid), presence), h('div', { class: 'who' }, name, connection));
    renderConnection();
    contacts.render();
    renderTalk();
    renderBanner();
    if (focused) name.focus(); // on to the contacts when they are known
  }

  function renderConnection() {
    const { state } = person.connection;
    const text = t(state === 'online' || state === 'connecting' ? state : 'closed');
    presence.className = `presence ${state}`;
    if (connection.textContent !== text) connection.textContent = text; // read aloud at each change
  }

  function renderTalk() {
    const contact = person.contacts.get(person.openUid);
    root.dataset.pane = contact ? 'talk' : 'contacts';
    talk.hidden = peer.hidden = back.hidden = !contact;
    nobody.hidden = Boolean(contact);
    if (contact) peer.textContent = peer.title = person.nameOf(contact);
  }

  let countdown = 0;
  function renderBanner() {
    clearInterval(countdown);
    const now = person.connection;
    const show = (text, key, onclick) => {
      banner.hidden = false;
      banner.className = `banner ${now.state}`;
      banner.replaceChildren(h('span', {}, text), key ? h('button', { type: 'button', t: key, onclick }) : '');
    };
    if (now.state === 'offline') show(t('offline'), 'goOnline', () => person.setOffline(false));
    else if (!navigator.onLine && now.state !== 'online') show(t('offline'));
    else if (now.state === 'waiting') {
      show('', 'tryNow', () => person.client.reconnect());
      const text = banner.firstChild;
      const count = () => {
        const seconds = Math.ceil((now.retryAt - Date.now()) / 1000);
        text.textContent = seconds > 0 ? t('waiting', seconds) : t('waitingNow');
      };
      text.setAttribute('aria-live', 'off'); // a count read aloud each second is noise
      count();
      countdown = setInterval(count, 1000);
    } else if (now.state === 'refused') show(t('replaced'), 'comeBack', () => person.client.connect());
    else if (now.state !== 'connecting') banner.hidden = true; // while connecting it stays, so that nothing jumps
  }

  function pick(uid) {
    person.open(uid);
    writing.focus();
  }

  function leave() {
    const uid = person.openUid;
    person.open(0);
    contacts.focus(uid);
  }

  function signOut() {
    const unsent = person.client.outbox.length;
    if (!unsent || confirm(t('unsentAsk', unsent))) person.signOut();
  }

  root.addEventListener('keydown', (event) => {
    if (event.key === 'Escape' && person.openUid && !event.defaultPrevented && !event.isComposing) leave();
  });
  person.addEventListener('session', render);
  person.addEventListener('open', () => {
    renderTalk();
    writing.show(person.openUid);
    messages.show(person.openUid);
  });
  person.addEventListener('contacts', soon(() => {
    if (!person.session) return;
    contacts.render();
    renderTalk();
    if (document.activeElement === name) contacts.focus(person.openUid);
  }));
  person.addEventListener('connection', () => { if (person.session) { renderConnection(); renderBanner(); } });
  for (const type of ['online', 'offline']) {
    addEventListener(type, () => {
      if (type === 'online') person.client?.reconnect();
      if (person.session) renderBanner();
    });
  }
  languageChanged.addEventListener('change', () => {
    if (!person.session) return;
    contacts.render();
    messages.redraw();
    renderConnection();
    renderBanner();
  });
  render();
  return {
    root,
    onScreen: () => root.getClientRects().length > 0,
    focus: () => (person.openUid ? writing.focus() : root.querySelector('.contact[tabindex="0"], .sign-in input, button')?.focus()),
  };
}
