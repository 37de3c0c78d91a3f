// The ways into the server. Each is a function of (url of the server, token)
// that opens a socket, which looks like a WebSocket.

import { createRequire } from 'node:module';
import WebSocket from 'ws';

const require = createRequire(import.meta.url);
const SockJS = require('sockjs-client');

const query = (token) => (token === undefined ? '' : `?srect=${encodeURIComponent(token)}`);

/** Swallows the error event, which comes beside close and would end the process when nobody listens. */
function quiet(socket) {
  socket.addEventListener('error', () => {});
  return socket;
}

export const native = (...protocols) => (url, token) =>
  quiet(new WebSocket(`${url.replace(/^http/, 'ws')}/client${query(token)}`, protocols));

/** The WebSocket of /socketServer for those without sockjs-client. */
export const raw = (...protocols) => (url, token) =>
  quiet(new WebSocket(`${url.replace(/^http/, 'ws')}/socketServer/websocket${query(token)}`, protocols));

/** The WebSocket that sockjs-client opens, which never offers a sub-protocol; others that speak SockJS do. */
export const framed = (...protocols) => (url, token) => {
  const session = Math.random().toString(36).slice(2, 10).padEnd(8, '0');
  return quiet(new WebSocket(`${url.replace(/^http/, 'ws')}/socketServer/000/${session}/websocket${query(token)}`, protocols));
};

export const sockjs = (transport) => (url, token) =>
  quiet(new SockJS(`${url}/socketServer${query(token)}`, null, { transports: [transport] }));
