// The five steps of the message last sent, each lit by the frame that is it.

import { h } from './dom.js';

const STEPS = [
  { frame: 'SEND /socket/chat/send', way: ['from', 'server'] },
  { frame: 'MESSAGE /user/queue/send/status', way: ['server', 'from'] },
  { frame: 'MESSAGE /user/{B}/recive', way: ['server', 'to'] },
  { frame: 'SEND /socket/chat/recive', way: ['to', 'server'] },
  { frame: 'MESSAGE /user/queue/recive/status', way: ['server', 'to'] },
];

/** The strip that lights up, and the same steps at length. */
export function stepsPanels(people) {
  let trace = null; // {msgID, uid, started} of the message followed
  const steps = STEPS.map((step, at) => {
    const way = step.way.map((who) => (who === 'server' ? h('span', { class: 'end server', t: 'server' }) : h('span', { class: `end ${who}` }, who === 'from' ? 'A' : 'B')));
    const took = h('span', { class: 'took' });
    const root = h('li', { class: 'step' },
      h('span', { class: 'number', 'aria-hidden': 'true' }, String(at + 1)),
      h('span', { class: 'step-name' }, h('b', { t: `step${at + 1}` }), took),
      h('span', { class: 'way' }, way[0], h('span', { class: 'arrow', 'aria-hidden': 'true' }), way[1]));
    return { root, way, took, kinds: step.way };
  });
  const strip = h('ol', { class: 'steps', tLabel: 'fiveSteps' }, ...steps.map((step) => step.root));
  const explained = h('div', { class: 'explained panel' }, h('p', { class: 'hint', t: 'stepsHint' }),
    h('ol', {}, ...STEPS.map(({ frame }, at) => h('li', {}, h('b', { t: `step${at + 1}` }), h('code', {}, frame), h('span', { t: `step${at + 1}Long` })))));

  function begin(person, body, at) {
    const to = people.find((one) => one.user?.uid === body.reciverId);
    trace = { msgID: body.msgID, uid: person.user.uid, started: at };
    const names = { from: person.name, to: to?.name ?? person.contacts.get(body.reciverId)?.nname ?? 'B' };
    for (const step of steps) {
      step.root.className = 'step';
      step.took.textContent = '';
      step.kinds.forEach((kind, i) => { if (kind !== 'server') step.way[i].textContent = names[kind]; });
    }
  }

  function light(number, at) {
    const step = steps[number - 1];
    if (step.root.classList.contains('lit')) return;
    step.root.className = 'step lit';
    step.took.textContent = number === 1 ? '' : `+${Math.max(0, Math.round(at - trace.started))} ms`;
  }

  function fail(number, { code, content }) {
    const step = steps[number - 1];
    if (step.root.classList.contains('lit')) return;
    step.root.className = 'step failed';
    step.took.textContent = `${code} ${content?.error ?? ''}`;
  }

  function follow(person, { dir, frame, at, dropped }) {
    if (!frame?.body || dropped || !['SEND', 'MESSAGE'].includes(frame.command)) return;
    let body;
    try { body = JSON.parse(frame.body); } catch { return; } // garbage sent on purpose
    const { destination } = frame.headers;
    if (dir === 'out' && destination === '/socket/chat/send' && body.msgID !== trace?.msgID) begin(person, body, at);
    if (!trace || (body.msgID ?? body.chatID) !== trace.msgID) return;
    const sender = person.user?.uid === trace.uid;
    if (dir === 'out' && destination === '/socket/chat/send') light(1, at);
    else if (sender && destination === '/user/queue/send/status') light(2, at);
    else if (destination === '/user/queue/status') fail(sender ? 2 : 5, body);
    else if (body.chatID && body.senderId === trace.uid) light(3, at);
    else if (dir === 'out' && destination === '/socket/chat/recive' && !sender) light(4, at);
    else if (!sender && destination === '/user/queue/recive/status') light(5, at);
    else if (destination === '/user/queue/delivered') for (const number of [3, 4, 5]) light(number, at); // the receiver is not on this page
  }

  for (const person of people) person.tap.addEventListener('frame', ({ detail }) => follow(person, detail));
  return { strip, explained };
}
