// A server made of one object, and a client of it with the clock in the test's hand.

import { ChatClient, formatFrame, parseFrame } from '../../web/chat-client/chat-client.js';

/** Sockets of one client, oldest first, with what was written to each. */
export function fakeServer() {
  const sockets = [];
  const open = (url) => {
    const socket = {
      url,
      written: [],
      closed: false,
      send: (text) => socket.written.push(parseFrame(text)),
      close: () => { socket.closed = true; },
      // What the server does:
      accept() {
        socket.onopen();
        socket.receive('CONNECTED', { version: '1.2', 'heart-beat': '10000,10000' });
      },
      receive: (command, headers, body) => socket.onmessage?.({ data: formatFrame(command, headers, body) }),
      message: (destination, body) => socket.receive('MESSAGE', { destination, subscription: 'x', 'message-id': '1' }, JSON.stringify(body)),
      stored: (msgID) => socket.message('/user/queue/send/status', { msgID, code: 200 }),
      fail: (msgID, code, error) => socket.message('/user/queue/status', { msgID, code, content: { error } }),
      deliver: (message) => socket.message('/user/1/recive', message),
      lose: (reason = '') => socket.onclose?.({ code: 1006, reason }),
      bodies: (destination) => socket.written.filter((frame) => frame.headers.destination === destination).map((frame) => JSON.parse(frame.body)),
    };
    sockets.push(socket);
    return socket;
  };
  return { open, sockets, get last() { return sockets.at(-1); } };
}

export const settle = () => new Promise(setImmediate); // promises that are ready have run

export function startClient(t, options = {}) {
  t.mock.timers.enable({ apis: ['setTimeout', 'setInterval', 'Date'], now: 1_700_000_000_000 });
  t.mock.method(Math, 'random', () => 1);
  const clock = { setBy: 0 }; // by how much somebody has set the machine's clock
  const ticked = Date.now;
  t.mock.method(performance, 'now', () => ticked());
  t.mock.method(Date, 'now', () => ticked() + clock.setBy);
  /** Time passes, and the server beats. */
  const live = (ms) => {
    for (const end = performance.now() + ms; performance.now() < end;) {
      t.mock.timers.tick(500);
      server.last.onmessage?.({ data: '\n' });
    }
  };
  const server = fakeServer();
  const seen = { messages: [], statuses: [], states: [], failures: [], duplicates: [] };
  const client = new ChatClient({
    url: 'ws://test/client?srect=t',
    uid: 1,
    socket: server.open,
    onMessage: (message) => { seen.messages.push(message); },
    onStatus: (status) => seen.statuses.push(status),
    onState: (state) => seen.states.push(state),
    onFailure: (failure) => seen.failures.push(failure),
    onDuplicate: (message) => seen.duplicates.push(message),
    ...options,
  });
  t.after(() => client.disconnect());
  client.connect();
  return { client, server, seen, clock, live, sends: (socket = server.last) => socket.bodies('/socket/chat/send'), confirmations: (socket = server.last) => socket.bodies('/socket/chat/recive') };
}
