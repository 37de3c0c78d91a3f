// One conversation in memory: messages in order, each once.

const LIMIT = 10_000; // messages; earlier ones are dropped and come again from the history

export class Conversation {
  items = []; // {key, id?, chatID, senderId, content, time, state?, failure?}
  complete = false; // nothing earlier on the server
  before = 0; // where the history goes on: what init brought may be older, with gaps
  loading = null; // the promise of a request for earlier messages
  #byKey = new Map();

  /**
   * Adds a message or completes the one of the same sender and chatID.
   * Returns the item, whether it is new, where it stands, and whether the
   * oldest had to go for it.
   */
  put({ chatID, senderId, ...rest }) {
    const known = this.find(senderId, chatID, rest);
    if (known) return known;
    const key = `${senderId}:${chatID}`;
    const item = { key, chatID, senderId, ...rest };
    let index = this.items.length;
    while (index > 0 && comesAfter(this.items[index - 1], item)) index--;
    this.items.splice(index, 0, item);
    this.#byKey.set(key, item);
    const dropped = this.items.length > LIMIT;
    if (dropped) {
      const [oldest] = this.items.splice(0, 1);
      this.#byKey.delete(oldest.key);
      this.complete = false;
      this.before = this.items.find((one) => one.id)?.id ?? 0;
      index--;
    }
    return { item, isNew: true, index, dropped };
  }

  /** Completes a message that is known; null when it is not. */
  find(senderId, chatID, more) {
    const item = this.#byKey.get(`${senderId}:${chatID}`);
    return item ? { item: Object.assign(item, more), isNew: false, index: -1 } : null;
  }

  get last() { return this.items.at(-1); }
}

// A message that is only in the outbox has no id: its clock has to do.
function comesAfter(item, other) {
  return item.id && other.id ? item.id > other.id : item.time > other.time;
}
