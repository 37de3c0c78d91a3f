// A look into the socket, and a hand on it: frames are shown, and can be
// dropped or the line cut, without the client knowing about it.
//
// Event frame: {dir: 'in'|'out'|'note', text, frame, at, dropped, values}.

import { parseFrame } from '../chat-client/chat-client.js';

export class Tap extends EventTarget {
  secret = ''; // masked wherever it turns up
  offline = false;
  dropNextConfirmation = false;
  lastSend = ''; // the raw frame of the last /socket/chat/send
  #socket = null;
  #write = null;

  /** Another person: nothing of the one before is left. */
  reset(secret) {
    this.secret = secret;
    this.offline = this.dropNextConfirmation = false;
    this.lastSend = '';
  }

  /** The address, for who wants to go there. Throws when the line is cut. */
  pass(address) {
    if (this.offline) throw new Error('offline');
    return address;
  }

  /** Opens a socket by the given factory and listens in. Throws when the line is cut. */
  open(address, factory) {
    this.pass(address);
    this.#note('opening', [this.#mask(address)]);
    const socket = factory(address);
    this.#socket = socket;
    this.#write = socket.send.bind(socket);
    socket.send = (data) => this.#out(data);
    socket.addEventListener('open', () => this.#note('opened'));
    socket.addEventListener('close', () => this.#note('closed'));
    socket.addEventListener('message', ({ data }) => this.#emit('in', data));
    return socket;
  }

  /** Cuts the line, now and for every further socket, or restores it. */
  setOffline(offline) {
    this.offline = offline;
    if (offline) this.kill();
  }

  kill() { this.#socket?.close(); }

  /** Writes a frame that the client knows nothing of. False when there is no open socket. */
  inject(text) {
    if (this.#socket?.readyState !== 1) return false;
    this.#emit('out', text);
    this.#write(text);
    return true;
  }

  #out(data) {
    const frame = parseFrame(data);
    const destination = frame?.headers.destination;
    if (destination === '/socket/chat/send') this.lastSend = data;
    if (destination === '/socket/chat/recive' && this.dropNextConfirmation) {
      this.dropNextConfirmation = false;
      this.#emit('out', data, { dropped: true });
      return;
    }
    this.#emit('out', data);
    this.#write(data);
  }

  #note(key, values = []) {
    this.dispatchEvent(new CustomEvent('frame', { detail: { dir: 'note', text: key, values, at: Date.now() } }));
  }

  #emit(dir, data, more) {
    const text = this.#mask(data);
    this.dispatchEvent(new CustomEvent('frame', { detail: { dir, text, frame: parseFrame(text), at: Date.now(), ...more } }));
  }

  #mask(text) {
    return text.replaceAll(this.secret, '••••').replaceAll(encodeURIComponent(this.secret), '••••');
  }
}
