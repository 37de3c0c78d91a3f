// One signed-in person at a connection, with an inbox for each subscription.

import { Inbox, within } from './harness.js';

/** Connects person by a library and a door, and subscribes to everything. init comes first where asked. */
export async function sitDown(person, { connect, door, url }, { init = false, receiveOn = person.uid } = {}) {
  const link = await connect(() => door(url, person.secret));
  const me = { ...person, link };
  if (init) link.send('/socket/chat/init', null);
  for (const [name, destination] of Object.entries({
    received: `/user/${receiveOn}/recive`,
    sent: '/user/queue/send/status',
    confirmed: '/user/queue/recive/status',
    failed: '/user/queue/status',
    delivered: '/user/queue/delivered',
  })) {
    const inbox = new Inbox(`${person.uname} to get something on ${destination}`);
    me[name] = inbox;
    link.subscribe(destination, (body) => inbox.put(JSON.parse(body)));
    link.ended.then(({ code, error }) => inbox.end(`the connection ended with ${code} ${error}`));
  }
  me.init = () => link.send('/socket/chat/init', null);
  me.send = (msgID, to, content) => link.send('/socket/chat/send', JSON.stringify({ msgID, reciverId: to.uid, content }));
  me.confirm = ({ chatID, id }) => link.send('/socket/chat/recive', JSON.stringify({ msgID: chatID, id }));
  me.leave = async () => {
    link.leave();
    await within(link.ended, 'the connection to end');
  };
  // Frames are processed in order: the notice tells that the subscriptions are done.
  link.send('/socket/chat/send', '{}');
  await me.failed.next();
  return me;
}
