// One signed-in person at a connection, with an inbox for each subscription.

import { Inbox, within } from './harness.js';

/**
 * Connects person by a library and a door, and subscribes to everything. init
 * comes first where asked; ack is the mode of the subscription to messages,
 * whose frames are then in frameOf.
 */
export async function sitDown(person, { connect, door, url }, { init = false, receiveOn = person.uid, ack } = {}) {
  const link = await connect(() => door(url, person.secret));
  const frameOf = new Map(); // chatID -> frame
  const me = { ...person, link, frameOf };
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
    const headers = name === 'received' && ack ? { ack } : undefined;
    link.subscribe(destination, (body, frame) => {
      const item = JSON.parse(body);
      if (headers) frameOf.set(item.chatID, frame);
      inbox.put(item);
    }, headers);
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
