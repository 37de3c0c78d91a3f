// One conversation in memory: messages in order, each once.

const LIMIT = 10_000; // messages; earlier ones are dropped and come again from the history

export class Conversation {
  items = []; // {key, id?, after?, chatID, senderId, content, time, state?, failure?}
  #byKey = new Map();

  // What is known of the server's history; kept by history.js.
  before = 0; // where it goes on: what init brought may be older, with gaps
  complete = false; // nothing earlier on the server
  paged = false; // a whole page is here, not only the last message
  failed = false; // the last request got no answer
  whole = false; // nothing is missing after before
  top = 0; // while not whole: nothing is missing up to this id
  loading = null; // the promise of a request for earlier messages
  turn = Promise.resolve(); // the requests that are under way

  /**
   * Adds a message or completes the one of the same sender and chatID.
   * Returns the item, whether it is new, whether it went to another place,
   * where it stands, and whether the oldest had to go for it.
   */
  put({ chatID, senderId, ...rest }) {
    const known = this.update(senderId, chatID, rest);
    if (known) return known;
    const key = `${senderId}:${chatID}`;
    const item = { key, chatID, senderId, ...rest };
    this.#place(item);
    let index = this.#insert(item);
    this.#byKey.set(key, item);
    const dropped = this.items.length > LIMIT;
    if (dropped) {
      const [oldest] = this.items.splice(0, 1);
      this.#byKey.delete(oldest.key);
      this.complete = false;
      this.before = this.items.find((one) => one.id)?.id ?? 0;
      index--;
    }
    return { item, isNew: true, moved: false, index, dropped };
  }

  /** Completes a message that is known; null when it is not. */
  update(senderId, chatID, more) {
    const item = this.find(senderId, chatID);
    if (!item) return null;
    const before = rank(item);
    Object.assign(item, more);
    this.#place(item);
    const at = this.items.indexOf(item);
    if (rank(item) === before) return { item, isNew: false, moved: false, index: at };
    this.items.splice(at, 1);
    const index = this.#insert(item);
    return { item, isNew: false, moved: index !== at, index };
  }

  find(senderId, chatID) { return this.#byKey.get(`${senderId}:${chatID}`); }

  get last() { return this.items.at(-1); }

  /** From here on messages may pass by unseen: remembers up to where none has. */
  freeze() {
    if (!this.whole) return;
    this.whole = false;
    // An own message whose id is not known yet is to be fetched again, for its id.
    this.top = this.items.find((one) => !one.id && one.state === 'stored')?.after ?? this.#highest();
  }

  #highest() { return this.items.findLast((one) => one.id)?.id ?? 0; }

  #insert(item) {
    let index = this.items.length;
    while (index > 0 && rank(this.items[index - 1]) > rank(item)) index--;
    this.items.splice(index, 0, item);
    return index;
  }

  // What was stored or refused without telling its id comes after all that was here then.
  #place(item) {
    if (item.state === 'sending') delete item.after;
    else if (!item.id) item.after ??= this.#highest();
  }
}

// The server's serial makes the order, no clock does; what is not sent yet comes last.
const rank = (item) => item.id ?? (item.state === 'sending' ? Infinity : item.after + 0.5);
