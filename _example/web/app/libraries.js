// The official libraries, pinned, from a CDN that the server names, and the
// transports that they open. Without them the page has its own client on a
// native WebSocket.

import { openStomp } from '../chat-client/chat-client.js';

const LIBRARIES = {
  sockjs: {
    name: 'sockjs-client 1.6.1',
    path: '/sockjs-client@1.6.1/dist/sockjs.min.js',
    integrity: 'sha384-svdnwiXBL+Js+yUneJSRFy24NgGiOfDM/vkQl/vCeVrcbYD6yW8EwPr1FnxTEZsR',
  },
  stompjs: {
    name: '@stomp/stompjs 7.5.0',
    path: '/@stomp/stompjs@7.5.0/bundles/stomp.umd.min.js',
    integrity: 'sha384-kQjQD4X78U0SNVeFmVuyOn7JuHmYlQ/CaFvAm/Omtfa8/ev8Iu1Ur9grrK53Vp/z',
  },
};

/** Every transport that sockjs-client 1.6.1 has for a browser of today; '' lets it choose. */
export const TRANSPORTS = [
  ['websocket', 'WebSocket'],
  ['sockjs', 'SockJS'],
  ['sockjs:websocket', 'SockJS · websocket'],
  ['sockjs:xhr-streaming', 'SockJS · xhr-streaming'],
  ['sockjs:eventsource', 'SockJS · eventsource'],
  ['sockjs:iframe-eventsource', 'SockJS · iframe-eventsource'],
  ['sockjs:htmlfile', 'SockJS · htmlfile'],
  ['sockjs:iframe-htmlfile', 'SockJS · iframe-htmlfile'],
  ['sockjs:xhr-polling', 'SockJS · xhr-polling'],
  ['sockjs:iframe-xhr-polling', 'SockJS · iframe-xhr-polling'],
  ['sockjs:jsonp-polling', 'SockJS · jsonp-polling'],
];

const PATIENCE = 10_000; // ms; a CDN that does not answer is one that cannot be reached

const loading = new Map();

function load(key, cdn) {
  if (!loading.has(key)) {
    const { path, integrity } = LIBRARIES[key];
    loading.set(key, new Promise((resolve, reject) => {
      const script = document.createElement('script');
      Object.assign(script, { src: cdn + path, integrity, crossOrigin: 'anonymous', referrerPolicy: 'no-referrer' });
      const fail = () => {
        clearTimeout(late);
        script.remove();
        loading.delete(key);
        reject(new Error(LIBRARIES[key].name));
      };
      const late = setTimeout(fail, PATIENCE);
      script.onerror = fail;
      script.onload = () => {
        clearTimeout(late);
        resolve();
      };
      document.head.append(script);
    }));
  }
  return loading.get(key);
}

/** What is chosen, and the door it leads to. change() rejects with the library's name when it cannot be loaded. */
export class Connections {
  transport = 'websocket';
  official = false;
  #config;

  constructor(config) { this.#config = config; }

  async change({ transport = this.transport, official = this.official }) {
    const needed = [official && 'stompjs', transport !== 'websocket' && 'sockjs'].filter(Boolean);
    await Promise.all(needed.map((key) => load(key, this.#config.cdn)));
    this.transport = transport;
    this.official = official;
  }

  /** Options of ChatClient for this choice. */
  door(secret) {
    const base = new URL(`${this.#config.prefix}/`, location.href).href;
    const query = `?srect=${encodeURIComponent(secret)}`;
    const link = this.official ? openOfficialStomp : openStomp;
    const probe = `${base}socketServer/info${query}`;
    if (this.transport === 'websocket') {
      return { url: `${base.replace(/^http/, 'ws')}client${query}`, socket: (url) => new WebSocket(url, ['v12.stomp']), probe, link };
    }
    const [, only] = this.transport.split(':');
    return { url: `${base}socketServer${query}`, socket: (url) => new globalThis.SockJS(url, null, only ? { transports: [only] } : {}), probe, link };
  }
}

/** @stomp/stompjs in the place of openStomp: see Link in chat-client.d.ts. */
function openOfficialStomp(openSocket, { onConnected, onMessage, onClosed }) {
  const socket = openSocket();
  let reason;
  const stomp = new globalThis.StompJs.Client({
    webSocketFactory: () => socket,
    reconnectDelay: 0, // chat-client.js knows when to come back
    heartbeatOutgoing: 0,
    heartbeatIncoming: 10_000,
    onConnect: ({ headers }) => onConnected(headers),
    onStompError: ({ headers, body }) => { reason = { message: headers.message, body }; },
    onWebSocketClose: (event) => onClosed(reason ?? { message: event?.reason || 'lost', code: event?.code }),
  });
  stomp.activate();
  return {
    subscribe: (id, destination) => stomp.subscribe(destination, (message) => onMessage(destination, message.body), { id }),
    send: (destination, body) => stomp.publish({ destination, body, headers: { 'content-type': 'application/json' } }),
    close() {
      stomp.onWebSocketClose = stomp.onConnect = () => {};
      stomp.deactivate({ force: true });
    },
  };
}
