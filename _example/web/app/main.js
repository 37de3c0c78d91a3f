// Puts the page together: two people, the protocol made visible, the switches.

import { dock } from './dock.js';
import { h, icon, soon, translateAll } from './dom.js';
import { howToPanel } from './how-to.js';
import { currentLanguage, languageChanged, setLanguage, t } from './i18n.js';
import { Connections, TRANSPORTS } from './libraries.js';
import { Person } from './person.js';
import { seatView } from './seat.js';

const config = {
  cdn: document.querySelector('meta[name="fiberchat-cdn"]').content,
  prefix: location.pathname.replace(/\/[^/]*$/, ''),
};
const connections = new Connections(config);
const people = ['a', 'b'].map((seat) => new Person(seat, config, connections));
const app = document.getElementById('app');

const notice = h('div', { class: 'notice', role: 'alert', hidden: true });
function say(text) {
  notice.hidden = false;
  notice.replaceChildren(h('span', {}, text), h('button', { type: 'button', t: 'dismiss', onclick: () => { notice.hidden = true; } }));
}

// --- who sits where ---

/** New people on the free seats, who have each other's conversation open; the first says hello. */
async function tryIt() {
  const chance = () => Math.random().toString(36).slice(2, 6);
  const names = {
    a: [['mei', '梅'], ['lan', '小兰'], ['wei', '阿伟'], ['jun', '君君']],
    b: [['alex', 'Alex'], ['noor', 'Noor'], ['ines', 'Inés'], ['sam', 'Sam']],
  };
  const free = people.filter((person) => !person.session);
  await Promise.all(free.map((person) => {
    const [uname, nname] = names[person.seat][Math.floor(Math.random() * 4)];
    const passwd = crypto.getRandomValues(new Uint32Array(3)).join('-');
    return person.signUp({ uname: `${uname}-${chance()}`, nname, passwd, rpasswd: passwd });
  }));
  await Promise.all(people.map((person) => person.refreshContacts()));
  const [a, b] = people;
  if (!a.openUid) a.open(b.user.uid);
  if (!b.openUid) b.open(a.user.uid);
  if (free.length === people.length) a.send(t('greeting', b.name));
  views.find((view) => view.onScreen()).focus();
}

// The one door for whoever only wants to see it, as long as a seat is free.
const doorError = h('p', { class: 'form-error', role: 'alert' });
const doorButton = h('button', { type: 'button', class: 'primary', t: 'tryIt', onclick: openDoor });
const door = h('section', { class: 'door', 'aria-labelledby': 'door-title' },
  h('div', {}, h('h2', { id: 'door-title', t: 'doorTitle' }), h('p', { t: 'tryItHint' }), doorError), doorButton);
let opening = false;
async function openDoor() {
  if (opening) return;
  opening = true;
  doorError.textContent = '';
  door.setAttribute('aria-busy', 'true');
  try {
    await tryIt();
  } catch (failure) {
    doorError.textContent = t(failure.error === 'network' || failure.error === 'RateLimited' ? `error.${failure.error}` : 'error.unknown');
  }
  door.removeAttribute('aria-busy');
  opening = false;
}

const views = people.map((person, at) => seatView(person, {
  openWindow() {
    // The new window gets a copy of this tab's sessions, and this page keeps the other seat.
    if (!open(`?only=${person.seat}`, '_blank', 'popup,width=560,height=760')) return say(t('popupBlocked'));
    setOnly(people[1 - at].seat);
  },
}));

function setOnly(seat) {
  const url = new URL(location.href);
  if (seat) url.searchParams.set('only', seat);
  else url.searchParams.delete('only');
  history.replaceState(null, '', url);
  app.dataset.only = seat ?? '';
  sideBySide.hidden = !seat;
  for (const person of people) {
    if (seat && person.seat !== seat) person.disconnect();
    else person.client?.connect();
  }
  if (seat) show(seat);
}

// On a phone one seat is on the screen at a time.
const seatTabs = people.map((person) => h('button', { type: 'button', class: 'tab', onclick: () => show(person.seat) }));
function show(seat) {
  app.dataset.seat = seat;
  for (const person of people) person.markRead();
  renderUnread();
}
/** Who has something unread: on the tabs of a phone, and in the title. */
function renderUnread() {
  let all = 0;
  people.forEach((person, at) => {
    const unread = [...person.unread.values()].reduce((sum, one) => sum + one, 0);
    const hidden = app.dataset.seat !== person.seat;
    all += unread;
    seatTabs[at].replaceChildren(
      h('span', { class: 'name' }, person.name || t(person.seat === 'a' ? 'seatA' : 'seatB')),
      unread && hidden ? h('span', { class: 'unread' }, String(unread)) : '');
    seatTabs[at].setAttribute('aria-pressed', String(!hidden));
  });
  document.title = all ? `(${all}) ${t('title')}` : t('title');
}
people.forEach((person, at) => { person.attended = () => !document.hidden && views[at].onScreen(); });

// --- the switches ---

const transport = h('select', { id: 'transport', tLabel: 'transport', onchange: () => change({ transport: transport.value }) },
  ...TRANSPORTS.map(([value, name]) => h('option', { value }, name)));
const official = h('input', { type: 'checkbox', role: 'switch', onchange: () => change({ official: official.checked }) });

async function change(choice) {
  transport.disabled = official.disabled = true;
  loading.hidden = false;
  try {
    await connections.change(choice);
    for (const person of people) person.reconnect();
  } catch (error) {
    say(t('libraryFailed', error.message, config.cdn));
  }
  loading.hidden = true;
  transport.value = connections.transport;
  official.checked = connections.official;
  transport.disabled = official.disabled = false;
}

const loading = h('span', { class: 'loading', hidden: true, t: 'libraryLoading' });
const language = h('button', { type: 'button', class: 'quiet', tTitle: 'language', onclick: () => setLanguage(currentLanguage() === 'zh' ? 'en' : 'zh') });
// On a phone these two switches wait behind a button.
const settings = h('button', { type: 'button', class: 'icon-button only-phone', tLabel: 'settings', tTitle: 'settings', 'aria-expanded': 'false', 'aria-controls': 'settings', onclick: () => {
  const open = settings.getAttribute('aria-expanded') === 'false';
  settings.setAttribute('aria-expanded', String(open));
  app.toggleAttribute('data-settings', open);
} }, icon('settings'));
const sideBySide = h('button', { type: 'button', class: 'quiet', hidden: true, onclick: () => setOnly(null) }, icon('columns'), h('span', { t: 'sideBySide' }));

function renderLanguage() {
  language.textContent = currentLanguage() === 'zh' ? 'English' : '中文';
  language.lang = currentLanguage() === 'zh' ? 'en' : 'zh-CN';
}
languageChanged.addEventListener('change', () => {
  translateAll();
  renderLanguage();
  renderUnread();
});

// --- the page ---

app.replaceChildren(
  h('a', { class: 'skip', href: '#seats', t: 'skip', onclick: (event) => { event.preventDefault(); views.find((view) => view.onScreen()).focus(); } }),
  h('header', { class: 'top' },
    h('h1', {}, h('span', { class: 'mark', 'aria-hidden': 'true' }), 'fiberchat'),
    h('p', { class: 'tagline', t: 'tagline' }),
    h('div', { class: 'controls' },
      sideBySide, settings,
      h('div', { class: 'settings', id: 'settings', role: 'group', tLabel: 'settings' },
        h('span', { role: 'status' }, loading),
        h('label', { class: 'choice' }, h('span', { t: 'transport' }), transport),
        h('label', { class: 'check switch', tTitle: 'officialTitle' }, official, h('span', { t: 'official' }))),
      language)),
  notice,
  h('main', {},
    door,
    h('div', { class: 'seat-tabs tabs', role: 'group', tLabel: 'seats' }, ...seatTabs),
    h('div', { id: 'seats', class: 'seats' }, ...views.map((view) => view.root)),
    dock(people),
    howToPanel()));

for (const person of people) {
  person.addEventListener('notice', ({ detail: { key, values } }) => say(t(key, ...values)));
  for (const type of ['session', 'contacts', 'open']) person.addEventListener(type, soon(renderUnread));
  person.addEventListener('session', renderDoor);
  // Somebody signed up on the other side: a contact more.
  person.addEventListener('session', () => people.forEach((other) => other !== person && other.session && person.session && other.refreshContacts()));
}
addEventListener('focus', () => people.forEach((person) => person.lookAgain()));
document.addEventListener('visibilitychange', () => people.forEach((person) => person.markRead()));

function renderDoor() { door.hidden = people.every((person) => person.session); }

renderLanguage();
const only = new URLSearchParams(location.search).get('only');
show('a');
for (const person of people) person.restore();
if (only === 'a' || only === 'b') setOnly(only);
app.dataset.ready = '';
