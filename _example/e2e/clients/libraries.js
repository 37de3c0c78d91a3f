// The client libraries behind one face, so that one suite runs with each:
//
//   connect(open) -> link, once CONNECTED is here; open() makes the socket
//   link.subscribe(destination, (body, frame) => {}, headers); frame has ack() and nack()
//   link.send(destination, body or null)
//   link.leave()
//   link.ended -> {code, error}: the close code, and the message header of an ERROR frame or ''

import { createRequire } from 'node:module';
import { RxStomp } from '@stomp/rx-stomp';
import { Client } from '@stomp/stompjs';
import { Ended, within } from './harness.js';

const require = createRequire(import.meta.url);
const Stomp = require('stompjs');
const webstomp = require('webstomp-client');

/** Makes connect() of a library: begin(link, open, onConnected, onError) fills the link in. */
const library = (begin) => async (open) => {
  const link = {};
  let error = '';
  let ended;
  link.ended = new Promise((resolve) => { ended = resolve; });
  const watched = () => {
    const socket = open();
    socket.addEventListener('close', ({ code }) => ended({ code, error }));
    return socket;
  };
  const connected = new Promise((resolve) => {
    begin(link, watched, resolve, (frame) => { error ||= frame?.headers?.message ?? ''; });
  });
  const early = await within(Promise.race([connected.then(() => null), link.ended]), 'CONNECTED');
  if (early) throw new Ended(`ended with ${early.code} ${early.error} before CONNECTED`);
  return link;
};

export const stompjs2 = library((link, open, onConnected, onError) => {
  const client = Stomp.over(open());
  client.debug = null;
  link.subscribe = (destination, fn, headers) => client.subscribe(destination, (frame) => fn(frame.body, frame), { ...headers });
  link.send = (destination, body) => client.send(destination, {}, body);
  link.leave = () => client.disconnect();
  client.connect({}, onConnected, onError);
});

export const webstomp1 = library((link, open, onConnected, onError) => {
  const client = webstomp.over(open(), { debug: false });
  // Its own ids are the time and one of 1,000 random numbers: two of the same
  // millisecond collide now and then, and the server refuses the second.
  let ids = 0;
  link.subscribe = (destination, fn, headers) => client.subscribe(destination, (frame) => fn(frame.body, frame), { id: `sub-${++ids}`, ...headers });
  link.send = (destination, body) => client.send(destination, body);
  link.leave = () => client.disconnect();
  client.connect({}, onConnected, onError);
});

export const stompjs7 = (options) => library((link, open, onConnect, onStompError) => {
  const client = new Client({ webSocketFactory: open, reconnectDelay: 0, onConnect, onStompError, ...options });
  link.subscribe = (destination, fn, headers) => client.subscribe(destination, (frame) => fn(frame.body, frame), { ...headers });
  link.send = (destination, body) => client.publish({ destination, body: body ?? undefined });
  link.leave = () => client.deactivate();
  client.activate();
});

export const rxStomp = library((link, open, onConnected, onError) => {
  const client = new RxStomp();
  client.configure({ webSocketFactory: open, reconnectDelay: 0 });
  client.connected$.subscribe(onConnected);
  client.stompErrors$.subscribe(onError);
  link.subscribe = (destination, fn, headers) => client.watch(destination, headers).subscribe((frame) => fn(frame.body, frame));
  link.send = (destination, body) => client.publish({ destination, body: body ?? undefined });
  link.leave = () => client.deactivate();
  client.activate();
});
