// outbox.js: the messages that are not known to be stored, in order of
// sending; in memory, and in a storage with one key a message, so that each
// send writes that message and not all of them.

const COUNT_LIMIT = 1_000; // messages
const OCTETS_LIMIT = 2 * 1024 * 1024; // of content: two such outboxes fit into a usual sessionStorage

export class Outbox {
  waiting = []; // entries, in order of sending
  #failed = new Map(); // msgID -> entry that only retry() sends again
  #octets = 0; // of what waits
  #storage;
  #key;
  #onNotKept;
  #kept = true; // whether the last write found room

  constructor(storage, key, onNotKept) {
    if (storage && !key) throw new TypeError('a storage needs a storageKey');
    this.#storage = storage;
    this.#key = key;
    this.#onNotKept = onNotKept;
    for (const msgID of this.#read(key, Array.isArray) ?? []) {
      const entry = this.#read(this.#keyOf(msgID), isEntry);
      if (entry) this.#put(entry);
    }
  }

  find(msgID) { return this.waiting.find((entry) => entry.msgID === msgID); }

  add(entry) {
    this.#checkRoom(entry);
    this.#put(entry);
    this.#write(() => this.#storage.setItem(this.#keyOf(entry.msgID), JSON.stringify(publicPart(entry))));
    this.#writeOrder();
  }

  /** Takes a message out for good: it is stored. */
  remove(msgID) {
    const entry = this.#takeOut(msgID);
    if (entry) this.#forget([msgID]);
    return entry;
  }

  /** Lays a message aside until retry(). */
  fail(msgID) {
    const entry = this.#takeOut(msgID);
    this.#failed.set(msgID, entry);
    const [oldest] = this.#failed.keys();
    if (this.#failed.size > COUNT_LIMIT && this.#failed.delete(oldest)) this.#forget([oldest]);
    else this.#writeOrder();
    return entry;
  }

  retry(msgID) {
    const entry = this.#failed.get(msgID);
    if (!entry) return null;
    this.#checkRoom(entry);
    this.#failed.delete(msgID);
    this.#put(entry);
    this.#writeOrder();
    return entry;
  }

  clear() {
    const all = this.#order();
    this.waiting = [];
    this.#failed.clear();
    this.#octets = 0;
    this.#forget(all);
  }

  #put(entry) {
    this.waiting.push(Object.assign(entry, UNSENT));
    this.#octets += utf8Length(entry.content);
  }

  #takeOut(msgID) {
    const at = this.waiting.findIndex((entry) => entry.msgID === msgID);
    if (at < 0) return null;
    const [entry] = this.waiting.splice(at, 1);
    this.#octets -= utf8Length(entry.content);
    return entry;
  }

  #checkRoom({ content }) {
    if (this.waiting.length >= COUNT_LIMIT || this.#octets + utf8Length(content) > OCTETS_LIMIT) throw new RangeError('OutboxFull');
  }

  #order() { return [...this.#failed.keys(), ...this.waiting.map(({ msgID }) => msgID)]; }
  #keyOf(msgID) { return `${this.#key}.${msgID}`; }
  #writeOrder() { this.#write(() => this.#storage.setItem(this.#key, JSON.stringify(this.#order()))); }

  #forget(ids) {
    this.#write(() => ids.forEach((msgID) => this.#storage.removeItem(this.#keyOf(msgID))));
    this.#writeOrder();
  }

  #read(key, fits) {
    try {
      const value = JSON.parse(this.#storage?.getItem(key) ?? 'null');
      return fits(value) ? value : null;
    } catch {
      return null; // cut off, or written by something else: no reason to fail
    }
  }

  #write(write) {
    if (!this.#storage) return;
    try {
      write();
      this.#kept = true;
    } catch (error) { // the quota: the outbox lives on in memory
      if (this.#kept) this.#onNotKept(error); // said once, not at each message
      this.#kept = false;
    }
  }
}

export const UNSENT = { sends: 0, sentAt: 0, notBefore: 0 };
export const publicPart = ({ msgID, reciverId, content, time }) => ({ msgID, reciverId, content, time });
export const utf8Length = (text) => new TextEncoder().encode(text).length;
const isEntry = (value) => typeof value?.msgID === 'string' && typeof value.content === 'string' && 'reciverId' in value;
