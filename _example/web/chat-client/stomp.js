// stomp.js: STOMP 1.2, as much of it as a client of this server needs.

const SILENCE_LIMIT = 25_000; // the server beats every 10 s

/**
 * Opens one STOMP connection over a WebSocket or anything shaped like it.
 * An adapter of another STOMP library takes its place through the link option.
 */
export function openStomp(openSocket, { onConnected, onMessage, onClosed }) {
  const socket = openSocket();
  let heard = performance.now(); // not the clock, which somebody may set
  let reason;
  let closed = false;
  const end = () => {
    if (closed) return;
    closed = true;
    onClosed(reason);
  };
  const write = (command, headers, body) => {
    // On a socket that is closing nothing goes out, and browsers complain:
    // the outbox sends it again.
    if (socket.readyState > 1) return;
    socket.send(formatFrame(command, headers, body));
  };
  socket.onopen = () => {
    // No beats of ours: the browser answers the server's pings itself, also
    // in a background tab whose timers are slowed down.
    write('CONNECT', { 'accept-version': '1.2', host: globalThis.location?.hostname || 'localhost', 'heart-beat': '0,10000' });
  };
  socket.onmessage = ({ data }) => {
    heard = performance.now();
    const frame = parseFrame(data); // the server sends whole frames
    if (!frame || closed) return;
    if (frame.command === 'CONNECTED') onConnected(frame.headers);
    else if (frame.command === 'MESSAGE') onMessage(frame.headers.destination, frame.body);
    else if (frame.command === 'ERROR') reason = { message: frame.headers.message, body: frame.body };
  };
  socket.onclose = (event) => {
    reason ??= { message: event?.reason || 'lost', code: event?.code };
    end();
  };
  return {
    subscribe: (id, destination) => write('SUBSCRIBE', { id, destination }),
    send: (destination, body) => write('SEND', { destination, 'content-type': 'application/json' }, body),
    isSilent: (now) => now - heard > SILENCE_LIMIT,
    close() {
      closed = true;
      socket.onclose = socket.onmessage = socket.onopen = null;
      socket.close();
    },
  };
}

const ESCAPES = { '\\': '\\\\', '\r': '\\r', '\n': '\\n', ':': '\\c' };
const UNESCAPES = { '\\\\': '\\', '\\r': '\r', '\\n': '\n', '\\c': ':' };
const escapeHeader = (text) => String(text).replace(/[\\\r\n:]/g, (char) => ESCAPES[char]);
const unescapeHeader = (text) => text.replace(/\\[\\rnc]/g, (pair) => UNESCAPES[pair]);

/** One frame as text. CONNECT is never escaped, as STOMP wants it. */
export function formatFrame(command, headers, body = '') {
  const escape = command === 'CONNECT' ? String : escapeHeader;
  const lines = Object.entries(headers).map(([name, value]) => `${escape(name)}:${escape(value)}\n`);
  return `${command}\n${lines.join('')}\n${body}\0`;
}

/** The frame in text, or null for a heart-beat. The first of repeated headers wins. */
export function parseFrame(text) {
  const start = text.search(/[^\r\n]/);
  const split = text.indexOf('\n\n', start);
  if (start < 0 || split < 0) return null;
  const [command, ...lines] = text.slice(start, split).split('\n');
  const unescape = command === 'CONNECTED' ? String : unescapeHeader;
  const headers = {};
  for (const line of lines) {
    const colon = line.indexOf(':');
    const name = unescape(line.slice(0, colon));
    if (!Object.hasOwn(headers, name)) headers[name] = unescape(line.slice(colon + 1));
  }
  const end = text.lastIndexOf('\0');
  return { command, headers, body: text.slice(split + 2, end < 0 ? undefined : end) };
}
