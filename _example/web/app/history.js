// What the server keeps of the conversations: fetched in pages, merged with
// what came by itself. A page may be shorter than was asked for, because it is
// large; an empty one alone is the end.

const PAGE = 50; // messages at a time
const REQUESTS = 4; // conversations asked for at the same time

export class History {
  #fetch;
  #merge;
  #changed;

  /**
   * fetch(uid, before, limit) promises messages, newest first, or null when
   * there is no answer; merge(uid, message) says whether it is new;
   * changed(uid, added) follows each request.
   */
  constructor({ fetch, merge, changed }) {
    this.#fetch = fetch;
    this.#merge = merge;
    this.#changed = changed;
  }

  /** The page before what is known, or the newest one when nothing is. */
  earlier(uid, conversation) {
    conversation.loading ??= inTurn(conversation, () => this.#earlier(uid, conversation)).then((added) => {
      conversation.loading = null;
      this.#changed(uid, added);
    });
    return conversation.loading;
  }

  /** The newest messages, down to what is known. limit 1 is a look at the last one. */
  newest(uid, conversation, limit = PAGE) {
    return inTurn(conversation, () => this.#newest(uid, conversation, limit)).then((added) => this.#changed(uid, added));
  }

  /** newest() for many, a few at a time. */
  async newestOf(conversations, limit) {
    const todo = [...conversations];
    const worker = async () => {
      for (let next = todo.shift(); next; next = todo.shift()) await this.newest(...next, limit);
    };
    await Promise.all(Array.from({ length: REQUESTS }, worker));
  }

  async #earlier(uid, conversation) {
    if (!conversation.before && !conversation.complete) return this.#newest(uid, conversation, PAGE);
    let added = 0;
    // A page that was cut short, or of what init has brought already, adds less
    // than was asked for: on to the one before it.
    while (added < PAGE && !conversation.complete) {
      const page = await this.#page(uid, conversation, conversation.before, PAGE);
      if (!page) break; // asked again at the next scroll
      added += this.#mergeAll(uid, page);
      conversation.paged = true;
      conversation.complete = page.length === 0;
      conversation.before = page.at(-1)?.id ?? conversation.before;
    }
    return added;
  }

  async #newest(uid, conversation, limit) {
    conversation.freeze();
    const known = conversation.top;
    let added = 0;
    let first = 0;
    let before = 0;
    let page;
    do {
      page = await this.#page(uid, conversation, before, limit);
      if (!page) return added; // not whole still: asked again with the next connection
      added += this.#mergeAll(uid, page);
      first ||= page[0]?.id ?? 0;
      before = page.at(-1)?.id ?? 0;
    } while (known && before > known);
    conversation.whole = true;
    conversation.top = Math.max(known, first);
    if (known) return added;
    conversation.before = before;
    conversation.complete = page.length === 0;
    conversation.paged = conversation.complete || limit === PAGE;
    return added;
  }

  async #page(uid, conversation, before, limit) {
    const page = await this.#fetch(uid, before, limit);
    conversation.failed = !page;
    return page;
  }

  #mergeAll(uid, page) { return page.filter((message) => this.#merge(uid, message)).length; }
}

/** One request a conversation at a time. work never rejects. */
function inTurn(conversation, work) {
  conversation.turn = conversation.turn.then(work);
  return conversation.turn;
}
