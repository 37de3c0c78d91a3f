// Buttons that break the connection, and what came of it: told from the
// frames that went by, not from what should have happened.

import { formatFrame } from '../chat-client/chat-client.js';
import { h } from './dom.js';
import { t } from './i18n.js';

const LINES = 6; // of the report
const PATIENCE = 30_000; // how long an answer is waited for

export function breakItPanel(people) {
  const report = h('ol', { class: 'report' });
  const who = people.map((person) => h('button', { type: 'button', class: 'tab', 'aria-pressed': 'false', onclick: () => choose(person) }));
  const offline = button('goOffline', toggleOffline);
  const root = h('section', { class: 'break card', 'aria-labelledby': 'break-title' },
    h('div', { class: 'card-head' }, h('h2', { id: 'break-title', t: 'breakIt' }), h('p', { t: 'breakHint' })),
    h('div', { class: 'bar' }, h('span', { id: 'break-who', t: 'breakWho' }), h('div', { class: 'tabs', role: 'group', 'aria-labelledby': 'break-who' }, ...who)),
    h('ul', { class: 'break-buttons' }, ...[offline, button('kill', kill), button('dropNext', dropNext), button('again', again), button('malformed', malformed)]
      .map((one) => h('li', {}, one, h('span', { t: `why.${one.dataset.t}` })))),
    h('div', { role: 'log', 'aria-live': 'polite' }, report));

  let chosen;
  function choose(person) {
    chosen = person;
    render();
  }
  function render() {
    people.forEach((person, at) => {
      who[at].textContent = person.name || t(person.seat === 'a' ? 'seatA' : 'seatB');
      who[at].setAttribute('aria-pressed', String(person === chosen));
    });
    offline.dataset.t = chosen.tap.offline ? 'goOnline' : 'goOffline';
    offline.textContent = t(offline.dataset.t);
    root.querySelectorAll('.break-buttons button').forEach((one) => { one.disabled = !chosen.session; });
  }

  function button(key, act) {
    return h('button', { type: 'button', t: key, onclick: () => act(chosen) });
  }

  function tell(key, ...values) {
    report.append(h('li', {}, t(`did.${key}`, ...values)));
    if (report.children.length > LINES) report.firstChild.remove();
  }

  /** The next frame of a person that fits, or null when none comes. */
  function frame(person, fits) {
    return new Promise((resolve) => {
      const done = (detail) => {
        person.tap.removeEventListener('frame', listen);
        clearTimeout(timer);
        resolve(detail);
      };
      const listen = ({ detail }) => { if (fits(detail)) done(detail); };
      const timer = setTimeout(done, PATIENCE, null);
      person.tap.addEventListener('frame', listen);
    });
  }
  const to = (dir, destination) => (detail) => detail.dir === dir && detail.frame?.headers.destination === destination;

  async function toggleOffline(person) {
    if (!person.tap.offline) {
      person.setOffline(true);
      return tell('offline', person.name);
    }
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
    tell('online', person.name, waiting, fetched);
  }

  async function kill(person) {
    if (person.connection.state !== 'online') return tell('notOnline', person.name);
    const back = frame(person, to('out', '/socket/chat/init'));
    const started = Date.now();
    tell('kill', person.name);
    person.tap.kill();
    if (await back) tell('killed', person.name, Date.now() - started);
  }

  async function dropNext(person) {
    person.tap.dropNextConfirmation = true;
    tell('drop', person.name);
    const dropped = await frame(person, (detail) => detail.dropped);
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
  choose(people[0]);
  return root;
}

const pause = (ms) => new Promise((resolve) => setTimeout(resolve, ms, 'quiet'));
