// Buttons that break the connection, and what came of it: told from the
// frames that went by, not from what should have happened.

import { formatFrame } from '../chat-client/chat-client.js';
import { h } from './dom.js';
import { languageChanged, t } from './i18n.js';

const LINES = 6; // of the report
const PATIENCE = 30_000; // how long an answer is waited for

export function breakItPanel(people) {
  const report = h('ol', { class: 'report' });
  const who = people.map((person) => h('button', { type: 'button', class: 'tab', 'aria-pressed': 'false', onclick: () => choose(person) }));
  const offline = button('goOffline', toggleOffline);
  const buttons = [offline, button('kill', kill), button('dropNext', dropNext), button('again', again), button('malformed', malformed)];
  const hint = h('p', { class: 'hint', t: 'breakHint' });
  const log = h('div', { class: 'log', role: 'log', 'aria-live': 'polite', tabindex: 0, tLabel: 'breakIt' }, hint, report);
  const root = h('div', { class: 'break panel' },
    h('div', { class: 'bar' },
      h('span', { id: 'break-who', t: 'breakWho' }), h('div', { class: 'tabs', role: 'group', 'aria-labelledby': 'break-who' }, ...who),
      h('ul', { class: 'break-buttons' }, ...buttons.map((one) => h('li', {}, one, h('span', { class: 'why', id: one.getAttribute('aria-describedby'), t: `why.${one.dataset.t}` }))))),
    log);

  let chosen;
  function choose(person) {
    chosen = person;
    render();
  }
  function render() {
    people.forEach((person, at) => {
      who[at].textContent = who[at].title = person.name || t(person.seat === 'a' ? 'seatA' : 'seatB');
      who[at].setAttribute('aria-pressed', String(person === chosen));
    });
    offline.dataset.t = chosen.tap.offline ? 'goOnline' : 'goOffline';
    offline.textContent = t(offline.dataset.t);
    for (const one of buttons) one.disabled = !chosen.session;
  }

  function button(key, act) {
    return h('button', { type: 'button', t: key, tTitle: `why.${key}`, 'aria-describedby': `why-${key}`, onclick: () => act(chosen) });
  }

  function tell(key, ...values) {
    hint.hidden = true;
    report.append(h('li', {}, t(`did.${key}`, ...values)));
    if (report.children.length > LINES) report.firstChild.remove();
    log.scrollTop = log.scrollHeight;
  }

  /** The next frame of a person that fits, or null when none comes or somebody else signs in. */
  function frame(person, fits, patience = PATIENCE) {
    return new Promise((resolve) => {
      const done = (detail) => {
        person.tap.removeEventListener('frame', listen);
        person.removeEventListener('session', leave);
        clearTimeout(timer);
        resolve(detail);
      };
      const listen = ({ detail }) => { if (fits(detail)) done(detail); };
      const leave = () => done(null);
      const timer = patience && setTimeout(done, patience, null);
      person.tap.addEventListener('frame', listen);
      person.addEventListener('session', leave);
    });
  }
  const to = (dir, destination) => (detail) => detail.dir === dir && detail.frame?.headers.destination === destination;

  async function toggleOffline(person) {
    if (!person.tap.offline) {
      person.setOffline(true);
      return tell('offline', person.name);
    }
    const { name } = person;
    const waiting = person.client.outbox.length;
    let fetched = 0;
    const onArrived = () => { fetched++; };
    person.addEventListener('arrived', onArrived);
    person.setOffline(false);
    // Back when init is sent, done when nothing waits and nothing has come for a moment.
    await frame(person, to('out', '/socket/chat/init'));
    let calm = false;
    while (!calm) calm = await Promise.race([frame(person, ({ dir }) => dir === 'in'), pause(700)]) === 'quiet' && !person.client?.outbox.length;
    person.removeEventListener('arrived', onArrived);
    tell('online', name, waiting, fetched);
  }

  async function kill(person) {
    if (person.connection.state !== 'online') return tell('notOnline', person.name);
    const back = frame(person, to('out', '/socket/chat/init'));
    const started = performance.now();
    tell('kill', person.name);
    person.tap.kill();
    if (await back) tell('killed', person.name, Math.round(performance.now() - started));
  }

  async function dropNext(person) {
    tell('drop', person.name);
    if (person.tap.dropNextConfirmation) return; // one waits already, and tells
    person.tap.dropNextConfirmation = true;
    const dropped = await frame(person, (detail) => detail.dropped, 0);
    if (!dropped) return;
    const { id, msgID } = JSON.parse(dropped.frame.body);
    tell('dropped', id);
    const done = await frame(person, (detail) => to('in', '/user/queue/recive/status')(detail) && detail.frame.body.includes(msgID));
    if (done) tell('recovered', id);
  }

  async function again(person) {
    if (!person.tap.lastSend) return tell('nothingSent', person.name);
    const { msgID } = JSON.parse(person.tap.lastSend.slice(person.tap.lastSend.indexOf('\n\n') + 2, -1));
    const answer = frame(person, (detail) => to('in', '/user/queue/send/status')(detail) && detail.frame.body.includes(msgID));
    if (!person.tap.inject(person.tap.lastSend)) return tell('notOnline', person.name);
    tell('again', `${msgID.slice(0, 8)}…`);
    const got = await answer;
    if (got) tell('againOk', JSON.parse(got.frame.body).code);
  }

  async function malformed(person) {
    const answer = frame(person, to('in', '/user/queue/status'));
    const sent = person.tap.inject(formatFrame('SEND', { destination: '/socket/chat/send', 'content-type': 'application/json' }, '{"msgID":"half'));
    if (!sent) return tell('notOnline', person.name);
    tell('malformed');
    const got = await answer;
    if (!got) return;
    const { code, content } = JSON.parse(got.frame.body);
    tell('malformedOk', code, content.error);
  }

  for (const person of people) {
    person.addEventListener('session', render);
    person.addEventListener('connection', render);
  }
  languageChanged.addEventListener('change', render);
  choose(people[0]);
  return root;
}

const pause = (ms) => new Promise((resolve) => setTimeout(resolve, ms, 'quiet'));
