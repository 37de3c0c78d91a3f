// chat-client.js: the five steps of fiberchat for a browser, without dependencies.
// Copy this folder into your app; the types are in chat-client.d.ts.
//
//   const chat = new ChatClient({
//     url: () => 'wss://example.org/client?srect=' + encodeURIComponent(token),
//     uid: 1,
//     onMessage: async (message) => { await save(message); show(message); },
//     onStatus: (sent) => mark(sent.msgID, sent.state),
//     onState: (now) => banner(now.state, now.retryAt),
//   });
//   chat.connect();
//   chat.send(2, 'hello');
//
// What it promises: a message stays in the outbox, and is sent again under the
// same msgID, until the server says it is stored (step 2) or refuses it for
// good. A message is confirmed (step 4) only after onMessage has finished with
// it; onMessage sees every message once, one after the other, however often the
// network repeats it.

import { Outbox, UNSENT, publicPart, utf8Length } from './outbox.js';
import { openStomp } from './stomp.js';
import { sha1Hex } from './sha1.js';

export { formatFrame, openStomp, parseFrame } from './stomp.js';
export { sha1Hex } from './sha1.js';

const BACKOFF_FIRST = 500; // ms; doubled with each try in a row
const BACKOFF_LIMIT = 30_000;
const OPENING_LIMIT = 15_000; // from opening the socket to CONNECTED
const JUST_BEGUN = 2_000; // a try so young is not replaced by reconnect()
const ANSWER_LIMIT = 8_000; // what has no answer is sent again after this
const PATIENCE_LIMIT = 4; // times ANSWER_LIMIT, when answers keep staying out
const STABLE_AFTER = 10_000; // online for so long: the next loss starts from the first backoff
const SEEN_LIMIT = 10_000; // ids remembered to tell a repetition
const CONTENT_LIMIT = 48 * 1024; // octets of UTF-8, as on the server

/** The time that only moves forward: somebody may set the clock. */
const now = () => performance.now();

/** Tells failures that the next try may cure from those it cannot. */
const isTemporary = (failure) => failure.code === -300 || failure.content?.error === 'RateLimited';

export class ChatClient {
  #options;
  #link = null; // the open connection; null between two
  #state = { state: 'closed' };
  #wanted = false; // between connect() and disconnect()
  #tries = 0; // connections in a row that did not last
  #onlineSince = 0;
  #openedAt = 0;
  #retryTimer = 0;
  #clock = 0;
  #outbox; // its entries: {msgID, reciverId, content, time, sends, sentAt, notBefore}
  #seen = new Set(); // ids that onMessage has finished with
  #saving = new Set(); // ids that are with onMessage, or wait for it
  #saved = Promise.resolve(); // settled when onMessage has nothing to do
  #confirming = new Map(); // id -> {msgID, tries, due} of step 4 without step 5
  #initAgainAt = 0;

  constructor(options) {
    this.#options = {
      socket: (url) => new WebSocket(url, ['v12.stomp']),
      link: openStomp,
      ...options,
    };
    this.#outbox = new Outbox(options.storage, options.storageKey, (error) => this.#complain(null, 'NotKept', error));
  }

  get state() { return this.#state; }
  /** The messages that are not known to be stored, in order of sending. */
  get outbox() { return this.#outbox.waiting.map(publicPart); }

  /** Connects, and connects again after every loss, until disconnect(). */
  connect() {
    if (this.#wanted) return;
    this.#wanted = true;
    this.#clock = setInterval(() => this.#tick(), 1000);
    this.#open();
  }

  /** Ends the connection. The outbox stays for the next connect(). */
  disconnect() {
    this.#wanted = false;
    clearInterval(this.#clock);
    clearTimeout(this.#retryTimer);
    this.#drop();
    this.#setState({ state: 'closed' });
  }

  /**
   * Connects anew at once: when the network is back, or on a click. A line that
   * looks open is replaced too: after a change of network it may be dead.
   */
  reconnect() {
    if (!this.#wanted || (this.#link && !this.#onlineSince && now() - this.#openedAt < JUST_BEGUN)) return;
    clearTimeout(this.#retryTimer);
    this.#drop();
    this.#open();
  }

  /**
   * Queues a message and returns it; onStatus tells what becomes of it.
   * Throws a RangeError when it is empty, too long, or the outbox is full.
   */
  send(reciverId, content) {
    const octets = utf8Length(content);
    if (octets === 0 || octets > CONTENT_LIMIT) throw new RangeError('TooLarge');
    const time = Date.now();
    const entry = { msgID: newMsgID(content, time), reciverId, content, time };
    this.#outbox.add(entry);
    this.#report(entry, 'sending');
    this.#flush();
    return publicPart(entry);
  }

  /** Sends a failed message again, under the same msgID. Throws as send() does when the outbox is full. */
  retry(msgID) {
    const entry = this.#outbox.retry(msgID);
    if (!entry) return false;
    this.#report(entry, 'sending');
    this.#flush();
    return true;
  }

  /** Gives up what is not known to be stored, and what has failed. */
  clearOutbox() { this.#outbox.clear(); }

  /** Lets onMessage know nothing twice: ids that the app has from elsewhere, such as its history. */
  markSeen(id) {
    this.#seen.add(id);
    if (this.#seen.size > SEEN_LIMIT) this.#seen.delete(this.#seen.values().next().value);
  }

  #open() {
    const { url, socket, link } = this.#options;
    this.#openedAt = now();
    this.#setState({ state: 'connecting' });
    let mine = null;
    const current = () => mine === this.#link;
    try {
      mine = link(() => socket(typeof url === 'function' ? url() : url), {
        onConnected: () => current() && this.#connected(),
        onMessage: (destination, body) => current() && this.#receive(destination, body),
        onClosed: (reason) => current() && this.#lost(reason),
      });
      this.#link = mine;
    } catch (error) {
      this.#lost({ message: error.message });
    }
  }

  #connected() {
    const { uid } = this.#options;
    this.#onlineSince = now();
    const link = this.#link;
    link.subscribe('sent', '/user/queue/send/status');
    link.subscribe('confirmed', '/user/queue/recive/status');
    link.subscribe('failures', '/user/queue/status');
    link.subscribe('delivered', '/user/queue/delivered');
    link.subscribe('messages', `/user/${uid}/recive`);
    this.#write('/socket/chat/init', '');
    this.#flush();
    this.#setState({ state: 'online' });
  }

  async #lost(reason = {}) {
    const opened = this.#onlineSince > 0;
    const openedAt = this.#openedAt;
    this.#drop();
    if (!this.#wanted) return;
    // Another session took this one's place: coming back would push that one out in turn.
    if (reason.message === 'replaced') return this.#stop('replaced');
    // Browsers hide the 401 of a WebSocket; the SockJS greeting tells it.
    if (!opened && this.#options.probe) {
      const refused = await probe(this.#options.probe);
      if (!this.#wanted || this.#openedAt !== openedAt) return; // reconnect() was quicker
      if (refused) return this.#stop(refused);
    }
    const wait = backoff(this.#tries++);
    this.#retryTimer = setTimeout(() => this.#open(), wait);
    this.#setState({ state: 'waiting', retryAt: Date.now() + wait, reason: reason.message });
  }

  #stop(reason) {
    this.disconnect();
    this.#setState({ state: 'refused', reason });
  }

  #drop() {
    const link = this.#link;
    this.#link = null;
    this.#onlineSince = 0;
    this.#initAgainAt = 0;
    this.#confirming.clear(); // the next init brings what is not confirmed
    for (const entry of this.#outbox.waiting) Object.assign(entry, UNSENT);
    link?.close();
  }

  /** One clock for everything that may be late. */
  #tick() {
    const at = now();
    if (!this.#onlineSince) {
      if (this.#link && at - this.#openedAt > OPENING_LIMIT) this.#lost({ message: 'timeout' });
      return;
    }
    if (this.#link.isSilent?.(at)) return this.#lost({ message: 'silent' });
    if (at - this.#onlineSince > STABLE_AFTER) this.#tries = 0;
    for (const [id, { msgID, due }] of this.#confirming) if (at >= due) this.#confirm(msgID, id);
    if (this.#initAgainAt && at > this.#initAgainAt) {
      this.#initAgainAt = 0;
      this.#write('/socket/chat/init', '');
    }
    this.#flush();
  }

  /**
   * Sends the oldest message of each receiver that is due. One at a time and
   * receiver: whatever fails and is sent again, the order stays.
   */
  #flush() {
    if (!this.#onlineSince) return;
    const at = now();
    const busy = new Set();
    for (const entry of [...this.#outbox.waiting]) {
      if (busy.has(entry.reciverId)) continue;
      busy.add(entry.reciverId);
      const patience = ANSWER_LIMIT * Math.min(entry.sends, PATIENCE_LIMIT);
      if (at < entry.notBefore || (entry.sentAt && at - entry.sentAt < patience)) continue;
      entry.sends++;
      entry.sentAt = at;
      const { msgID, reciverId, content } = entry;
      this.#write('/socket/chat/send', JSON.stringify({ msgID, reciverId, content }));
    }
  }

  #write(destination, body) {
    try {
      this.#link.send(destination, body);
    } catch { /* the link is going down, and onClosed follows: everything is sent again */ }
  }

  #receive(destination, text) {
    const body = JSON.parse(text);
    switch (destination) {
      case '/user/queue/send/status': return this.#stored(body.msgID);
      case '/user/queue/recive/status': return this.#confirmed(body.msgID);
      case '/user/queue/status': return this.#failure(body);
      case '/user/queue/delivered':
        return this.#call('onStatus', { msgID: body.msgID, state: 'delivered', ...body.content });
      default: return this.#incoming(body);
    }
  }

  #stored(msgID) {
    const entry = this.#outbox.remove(msgID);
    this.#flush();
    if (entry) this.#report(entry, 'stored');
  }

  #failure(failure) {
    const { msgID } = failure;
    const entry = failure.content?.error === 'MessageNotFound' ? null : this.#outbox.find(msgID);
    const confirmation = [...this.#confirming.values()].find((one) => one.msgID === msgID);
    const at = now();
    if (entry && isTemporary(failure)) {
      const wait = backoff(entry.sends - 1);
      entry.sentAt = 0;
      entry.notBefore = at + wait;
      setTimeout(() => this.#flush(), wait + 1);
    } else if (entry) {
      this.#outbox.fail(msgID);
      this.#flush();
      this.#report(entry, 'failed', failure);
    } else if (confirmation && isTemporary(failure)) {
      confirmation.due = at + backoff(confirmation.tries);
    } else if (msgID === null && isTemporary(failure)) {
      this.#initAgainAt = at + ANSWER_LIMIT; // init alone has no msgID
    } else {
      this.#confirmed(msgID);
      this.#call('onFailure', failure);
    }
  }

  #incoming(message) {
    if (this.#saving.has(message.id)) return; // its confirmation is on the way
    if (this.#seen.has(message.id)) {
      this.#confirm(message.chatID, message.id);
      this.#call('onDuplicate', message);
      return;
    }
    this.#saving.add(message.id);
    this.#saved = this.#saved.then(() => this.#save(message)); // never rejects
  }

  async #save(message) {
    try {
      if (!this.#wanted) return; // not handed on and not confirmed: the next init brings it
      await this.#options.onMessage(message);
    } catch (error) {
      // Not kept, so not confirmed: ask for it again.
      this.#initAgainAt = now() + ANSWER_LIMIT;
      this.#complain(message.chatID, 'NotSaved', error);
      return;
    } finally {
      this.#saving.delete(message.id);
    }
    this.markSeen(message.id);
    this.#confirm(message.chatID, message.id);
  }

  #confirm(msgID, id) {
    if (!this.#onlineSince) return;
    const tries = (this.#confirming.get(id)?.tries ?? 0) + 1;
    this.#confirming.set(id, { msgID, tries, due: now() + ANSWER_LIMIT });
    this.#write('/socket/chat/recive', JSON.stringify({ msgID, id }));
  }

  #confirmed(msgID) {
    for (const [id, waiting] of this.#confirming) {
      if (waiting.msgID === msgID) return void this.#confirming.delete(id);
    }
  }

  #report(entry, state, failure) { this.#call('onStatus', { ...publicPart(entry), state, failure }); }

  #complain(msgID, error, { message }) { this.#call('onFailure', { msgID, code: 0, content: { error, message } }); }

  #setState(state) {
    this.#state = state;
    this.#call('onState', state);
  }

  /** The app's callback. What it throws is the app's, and stops nothing here. */
  #call(name, value) {
    try {
      this.#options[name]?.(value);
    } catch (error) {
      (globalThis.reportError ?? console.error)(error);
    }
  }
}

const backoff = (tries) => Math.min(BACKOFF_LIMIT, BACKOFF_FIRST * 2 ** tries) * (0.5 + Math.random() / 2);

/** Asks the SockJS greeting why a connection was refused; null: it was not. */
async function probe(url) {
  try {
    const answer = await fetch(typeof url === 'function' ? url() : url, { cache: 'no-store', signal: AbortSignal.timeout(OPENING_LIMIT) });
    if (answer.status !== 401) return null;
    return (await answer.json()).content?.error ?? 'Unauthorized';
  } catch {
    return null; // no network says nothing about the token
  }
}

/** SHA-1 of content, milliseconds and chance, so that a double click is two messages. */
export function newMsgID(content, time = Date.now()) {
  return sha1Hex(content + time + crypto.getRandomValues(new Uint32Array(2)).join('-'));
}
