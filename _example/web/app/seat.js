// One side of the page: a person's head line, contacts and conversation.

import { composer } from './composer.js';
import { contactList } from './contacts.js';
import { avatar, h, icon, soon } from './dom.js';
import { languageChanged, t } from './i18n.js';
import { messageList } from './messages.js';
import { signInCard } from './sign-in.js';

export function seatView(person, { tryIt, openWindow }) {
  const head = h('header', { class: 'seat-head' });
  const connection = h('span', { class: 'connection' });
  const banner = h('div', { class: 'banner', role: 'status', hidden: true });
  const contacts = contactList(person, pick);
  const messages = messageList(person);
  const writing = composer(person);
  const peer = h('h3', { class: 'peer', tabindex: -1 });
  const back = h('button', { class: 'icon-button back', type: 'button', tLabel: 'back', onclick: () => leave() }, icon('back'));
  const nobody = h('p', { class: 'nobody', t: 'pick' });
  const talk = h('div', { class: 'talk' }, h('div', { class: 'talk-head' }, back, peer), messages.root, writing.root);
  const body = h('div', { class: 'seat-body' }, contacts.root, talk, nobody);
  const root = h('section', { class: 'seat', id: `seat-${person.seat}`, tLabel: person.seat === 'a' ? 'seatA' : 'seatB' });

  function render() {
    if (!person.session) {
      root.replaceChildren(signInCard(person, tryIt));
      return;
    }
    root.replaceChildren(head, banner, body);
    head.replaceChildren(
      avatar(person.name, person.user.uid),
      h('div', { class: 'who' }, h('h2', {}, person.name), connection),
      h('button', { class: 'icon-button only-wide', type: 'button', tLabel: 'openWindow', tTitle: 'openWindow', onclick: openWindow }, icon('window')),
      h('button', { class: 'icon-button', type: 'button', tLabel: 'signOut', tTitle: 'signOut', onclick: () => person.signOut() }, icon('leave')));
    renderConnection();
    contacts.render();
    renderTalk();
    renderBanner();
  }

  function renderConnection() {
    const { state } = person.connection;
    const text = state === 'online' || state === 'connecting' ? state : 'closed';
    connection.replaceChildren(h('span', { class: `presence ${state}` }), h('span', { t: text }));
  }

  function renderTalk() {
    const contact = person.contacts.get(person.openUid);
    root.dataset.pane = contact ? 'talk' : 'contacts';
    talk.hidden = !contact;
    nobody.hidden = Boolean(contact);
    if (contact) peer.textContent = contact.nname;
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
    contacts.root.querySelector(`[data-uid="${uid}"]`)?.focus();
  }

  root.addEventListener('keydown', (event) => {
    if (event.key === 'Escape' && person.openUid && !event.defaultPrevented && !event.isComposing) leave();
  });
  person.addEventListener('session', render);
  person.addEventListener('open', () => { renderTalk(); messages.show(person.openUid); });
  person.addEventListener('contacts', soon(() => { if (person.session) { contacts.render(); renderTalk(); } }));
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
    renderBanner();
  });
  render();
  return { root, focus: () => (person.openUid ? writing.focus() : root.querySelector('button, input')?.focus()) };
}
