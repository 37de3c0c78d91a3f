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
// same msgID, until the server says it is stored (step 2). A message is
// confirmed (step 4) only after onMessage has finished with it, and onMessage
// sees every message once, however often the network repeats it.

import { openStomp } from './stomp.js';
import { sha1Hex } from './sha1.js';

export { formatFrame, openStomp, parseFrame } from './stomp.js';
export { sha1Hex } from './sha1.js';

const BACKOFF_FIRST = 500; // ms; doubled with each try in a row
const BACKOFF_LIMIT = 30_000;
const OPENING_LIMIT = 15_000; // from opening the socket to CONNECTED
const ANSWER_LIMIT = 8_000; // a SEND without an answer is sent again after this
const STABLE_AFTER = 10_000; // online for so long: the next loss starts from the first backoff
const OUTBOX_LIMIT = 1_000; // messages
const SEEN_LIMIT = 10_000; // ids remembered to tell a repetition
const SENDS_LIMIT = 12; // tries of one message before it counts as failed
const CONTENT_LIMIT = 48 * 1024; // octets of UTF-8, as on the server
const FRAME_LIMIT = 63 * 1024; // the server closes at 64 KiB

const UNSENT = { sends: 0, sentAt: 0, notBefore: 0 };

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
  #outbox = []; // {msgID, reciverId, content, time, sends, sentAt, notBefore}, in order of sending
  #failed = new Map(); // msgID -> entry that only retry() sends again
  #seen = new Set(); // ids handed to onMessage
  #saving = new Set(); // ids that onMessage has not finished with
  #confirming = new Map(); // id -> {msgID, at} of step 4 without step 5
  #initAgainAt = 0;

  constructor(options) {
    this.#options = {
      socket: (url) => new WebSocket(url, ['v12.stomp']),
      link: openStomp,
      ...options,
    };
    const { storage, storageKey } = this.#options;
    const kept = storage?.getItem(storageKey);
    if (kept) this.#outbox = JSON.parse(kept).map((entry) => ({ ...entry, ...UNSENT }));
  }

  get state() { return this.#state; }
  /** The messages that are not known to be stored, in order of sending. */
  get outbox() { return this.#outbox.map(publicPart); }

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

  /** Tries at once instead of at retryAt: when the network is back, or on a click. */
  reconnect() {
    if (this.#wanted && !this.#link) {
      clearTimeout(this.#retryTimer);
      this.#open();
    }
  }

  /**
   * Queues a message and returns it; onStatus tells what becomes of it.
   * Throws a RangeError when it is empty, too long, or the outbox is full.
   */
  send(reciverId, content) {
    const octets = utf8Length(content);
    if (octets === 0 || octets > CONTENT_LIMIT || utf8Length(JSON.stringify(content)) > FRAME_LIMIT) throw new RangeError('TooLarge');
    if (this.#outbox.length >= OUTBOX_LIMIT) throw new RangeError('OutboxFull');
    const time = Date.now();
    const entry = { msgID: newMsgID(content, time), reciverId, content, time, ...UNSENT };
    this.#outbox.push(entry);
    this.#keepOutbox();
    this.#report(entry, 'sending');
    this.#flush();
    return publicPart(entry);
  }

  /** Sends a failed message again, under the same msgID. */
  retry(msgID) {
    const entry = this.#failed.get(msgID);
    if (!entry) return false;
    this.#failed.delete(msgID);
    Object.assign(entry, UNSENT);
    this.#outbox.push(entry);
    this.#keepOutbox();
    this.#report(entry, 'sending');
    this.#flush();
    return true;
  }

  /** Lets onMessage know nothing twice: ids that the app has from elsewhere, such as its history. */
  markSeen(id) {
    this.#seen.add(id);
    if (this.#seen.size > SEEN_LIMIT) this.#seen.delete(this.#seen.values().next().value);
  }

  #open() {
    const { url, socket, link } = this.#options;
    this.#openedAt = Date.now();
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
    this.#onlineSince = Date.now();
    const link = this.#link;
    link.subscribe('sent', '/user/queue/send/status');
    link.subscribe('confirmed', '/user/queue/recive/status');
    link.subscribe('failures', '/user/queue/status');
    link.subscribe('delivered', '/user/queue/delivered');
    link.subscribe('messages', `/user/${uid}/recive`);
    link.send('/socket/chat/init', '');
    this.#setState({ state: 'online' });
    this.#flush();
  }

  async #lost(reason = {}) {
    const opened = this.#state.state === 'online';
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
    this.#setState({ state: 'waiting', retryAt: Date.now() + wait, reason: reason.message });
    this.#retryTimer = setTimeout(() => this.#open(), wait);
  }

  #stop(reason) {
    this.disconnect();
    this.#setState({ state: 'refused', reason });
  }

  #drop() {
    const link = this.#link;
    this.#link = null;
    this.#onlineSince = 0;
    this.#confirming.clear(); // the next init brings what is not confirmed
    for (const entry of this.#outbox) entry.sentAt = 0;
    link?.close();
  }

  /** One clock for everything that may be late. */
  #tick() {
    const now = Date.now();
    if (!this.#onlineSince) {
      if (this.#link && now - this.#openedAt > OPENING_LIMIT) this.#lost({ message: 'timeout' });
      return;
    }
    if (this.#link.isSilent?.(now)) return this.#lost({ message: 'silent' });
    if (now - this.#onlineSince > STABLE_AFTER) this.#tries = 0;
    for (const [id, { msgID, at }] of this.#confirming) if (now - at > ANSWER_LIMIT) this.#confirm(msgID, id);
    if (this.#initAgainAt && now > this.#initAgainAt) {
      this.#initAgainAt = 0;
      this.#link.send('/socket/chat/init', '');
    }
    this.#flush();
  }

  /**
   * Sends the oldest message of each receiver that is due. One at a time and
   * receiver: whatever fails and is sent again, the order stays.
   */
  #flush() {
    if (!this.#onlineSince) return;
    const now = Date.now();
    const busy = new Set();
    for (const entry of [...this.#outbox]) {
      if (busy.has(entry.reciverId)) continue;
      busy.add(entry.reciverId);
      if (now < entry.notBefore || (entry.sentAt && now - entry.sentAt < ANSWER_LIMIT)) continue;
      if (++entry.sends > SENDS_LIMIT) {
        this.#fail(entry, { code: 0, content: { error: 'NoAnswer' } });
        continue;
      }
      entry.sentAt = now;
      const { msgID, reciverId, content } = entry;
      this.#link.send('/socket/chat/send', JSON.stringify({ msgID, reciverId, content }));
    }
  }

  #receive(destination, text) {
    const body = JSON.parse(text);
    switch (destination) {
      case '/user/queue/send/status': return this.#stored(body.msgID);
      case '/user/queue/recive/status': return this.#confirmed(body.msgID);
      case '/user/queue/status': return this.#failure(body);
      case '/user/queue/delivered':
        return this.#options.onStatus?.({ msgID: body.msgID, state: 'delivered', ...body.content });
      default: return this.#incoming(body);
    }
  }

  #stored(msgID) {
    const entry = this.#take(msgID);
    if (entry) this.#report(entry, 'stored');
    this.#flush();
  }

  #failure(failure) {
    const entry = this.#outbox.find((one) => one.msgID === failure.msgID);
    if (!entry || failure.content?.error === 'MessageNotFound') {
      this.#confirmed(failure.msgID);
      this.#options.onFailure?.(failure);
    } else if (isTemporary(failure)) {
      entry.sentAt = 0;
      entry.notBefore = Date.now() + backoff(entry.sends - 1);
      setTimeout(() => this.#flush(), entry.notBefore - Date.now() + 1);
    } else {
      this.#fail(entry, failure);
      this.#flush();
    }
  }

  #fail(entry, failure) {
    this.#take(entry.msgID);
    this.#failed.set(entry.msgID, entry);
    if (this.#failed.size > OUTBOX_LIMIT) this.#failed.delete(this.#failed.keys().next().value);
    this.#keepOutbox();
    this.#report(entry, 'failed', failure);
  }

  async #incoming(message) {
    if (this.#saving.has(message.id)) return; // its confirmation is on the way
    if (this.#seen.has(message.id)) {
      this.#options.onDuplicate?.(message);
    } else {
      this.#saving.add(message.id);
      this.markSeen(message.id);
      try {
        await this.#options.onMessage(message);
      } catch (error) {
        // Not kept, so not confirmed: ask for it again.
        this.#seen.delete(message.id);
        this.#initAgainAt = Date.now() + ANSWER_LIMIT;
        this.#options.onFailure?.({ msgID: message.chatID, code: 0, content: { error: 'NotSaved', message: error.message } });
        return;
      } finally {
        this.#saving.delete(message.id);
      }
    }
    this.#confirm(message.chatID, message.id);
  }

  #confirm(msgID, id) {
    if (!this.#onlineSince) return;
    this.#confirming.set(id, { msgID, at: Date.now() });
    this.#link.send('/socket/chat/recive', JSON.stringify({ msgID, id }));
  }

  #confirmed(msgID) {
    for (const [id, waiting] of this.#confirming) {
      if (waiting.msgID === msgID) return void this.#confirming.delete(id);
    }
  }

  #take(msgID) {
    const at = this.#outbox.findIndex((entry) => entry.msgID === msgID);
    if (at < 0) return null;
    const [entry] = this.#outbox.splice(at, 1);
    this.#keepOutbox();
    return entry;
  }

  #keepOutbox() {
    const { storage, storageKey } = this.#options;
    try {
      storage?.setItem(storageKey, JSON.stringify([...this.#failed.values(), ...this.#outbox].map(publicPart)));
    } catch (error) { // the quota: the outbox lives on in memory
      this.#options.onFailure?.({ msgID: null, code: 0, content: { error: 'NotKept', message: error.message } });
    }
  }

  #report(entry, state, failure) { this.#options.onStatus?.({ ...publicPart(entry), state, failure }); }

  #setState(state) {
    this.#state = state;
    this.#options.onState?.(state);
  }
}

const publicPart = ({ msgID, reciverId, content, time }) => ({ msgID, reciverId, content, time });
const utf8Length = (text) => new TextEncoder().encode(text).length;
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
