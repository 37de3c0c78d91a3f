// One signed-in person without any looks: session, contacts, conversations, connection.
//
// Events: session, contacts, connection, open, conversation {uid, item, index,
// isNew, moved, dropped}, history {uid, added}, arrived {uid, item}, notice {key, values}.

import { ChatClient } from '../chat-client/chat-client.js';
import { api } from './api.js';
import { Conversation } from './conversation.js';
import { History } from './history.js';
import { Tap } from './tap.js';

const PREVIEWS = 24; // contacts whose last message is fetched

export class Person extends EventTarget {
  session = null; // {secret, user}
  contacts = new Map(); // uid -> {uid, uname, nname}
  unread = new Map(); // uid -> how many; 0 is left out
  openUid = 0; // whose conversation is on the screen
  attended = () => true; // whether somebody looks at the open conversation
  client = null;
  tap = new Tap();
  #conversations = new Map();
  #delivered = {}; // uid -> the highest id that they have confirmed
  #shared = new Set(); // display names that more than one person has
  #history;
  #api;
  #settings;

  constructor(seat, config, settings) {
    super();
    this.seat = seat;
    this.#api = api(config.prefix);
    this.#settings = settings;
    this.#history = new History({
      fetch: (...page) => this.#fetchHistory(...page),
      merge: (uid, message) => this.#merge(uid, message),
      changed: (uid, added) => {
        this.#emit('history', { uid, added });
        this.#emit('contacts');
      },
    });
  }

  get user() { return this.session?.user; }
  get name() { return this.user ? this.user.nname || this.user.uname : ''; }
  get connection() { return this.tap.offline ? { state: 'offline' } : this.client?.state ?? { state: 'closed' }; }
  /** The display name, with the user name where another has the same. */
  nameOf({ uname, nname }) {
    return this.#shared.has(nname) ? `${nname} @${uname}` : nname;
  }
  #key(what) { return `fiberchat.${this.seat}.${what}`; }
  get #outboxKey() { return this.#key(`outbox.${this.user.uid}`); } // outlives a token that ends
  #load(what, fallback) {
    try {
      return JSON.parse(sessionStorage.getItem(this.#key(what))) ?? fallback;
    } catch {
      return fallback; // written by something else
    }
  }
  #keep(what, value) {
    try {
      sessionStorage.setItem(this.#key(what), JSON.stringify(value));
    } catch { /* no room: it is forgotten at the next reload */ }
  }
  #emit(type, detail) { this.dispatchEvent(new CustomEvent(type, { detail })); }

  async signUp({ uname, nname, passwd, rpasswd }) {
    await this.#api.signUp({ uname, nname, passwd, rpasswd });
    await this.signIn({ uname, passwd });
  }

  async signIn({ uname, passwd }) {
    const { secret, user } = await this.#api.signIn(uname, passwd);
    this.#keep('session', { secret, user });
    this.#begin({ secret, user });
  }

  /** Goes on with the session of this tab, if there is one. */
  restore() {
    const kept = this.#load('session', null);
    if (kept?.secret && kept.user?.uid) this.#begin(kept);
  }

  /** Gives up what is unsent: the caller has asked. */
  async signOut() {
    const { secret } = this.session;
    this.client.clearOutbox();
    this.#end();
    await this.#api.signOut(secret).catch(() => {}); // signed out here in any case
  }

  #begin(session) {
    this.session = session;
    this.tap.reset(session.secret);
    this.unread = new Map(Object.entries(this.#load('unread', {})).map(([uid, count]) => [Number(uid), count]));
    this.#delivered = this.#load('delivered', {});
    this.#emit('session');
    this.#makeClient();
    this.refreshContacts();
  }

  #end() {
    this.client?.disconnect();
    this.client = null;
    this.session = null;
    this.contacts.clear();
    this.unread.clear();
    this.#conversations.clear();
    this.openUid = 0;
    for (const what of ['session', 'unread', 'delivered', 'open']) sessionStorage.removeItem(this.#key(what));
    this.#emit('session');
  }

  // The door is asked for at each connection: transport and library may have been changed.
  #makeClient() {
    const door = () => this.#settings.door(this.session.secret);
    this.client = new ChatClient({
      url: () => door().url,
      probe: () => this.tap.pass(door().probe),
      uid: this.user.uid,
      socket: (address) => this.tap.open(address, door().socket),
      link: (open, handlers) => door().link(open, handlers),
      storage: sessionStorage,
      storageKey: this.#outboxKey,
      onMessage: (message) => this.#incoming(message),
      onStatus: (status) => this.#status(status),
      onState: (state) => this.#connection(state),
      onFailure: ({ content: { error } }) => error === 'NotKept' && this.#emit('notice', { key: 'notKept', values: [] }),
    });
    for (const entry of this.client.outbox) this.#status({ ...entry, state: 'sending' });
    this.client.connect();
  }

  /** Goes through the door that is chosen now. */
  reconnect() {
    if (this.connection.state === 'closed') return;
    this.client.disconnect();
    this.client.connect();
  }

  disconnect() { this.client?.disconnect(); }

  setOffline(offline) {
    this.tap.setOffline(offline);
    if (!offline) this.client?.reconnect();
    this.#emit('connection');
  }

  #connection(state) {
    if (state.state === 'refused' && state.reason !== 'replaced') {
      this.#end();
      this.#emit('notice', { key: 'noSession', values: [] });
    }
    if (state.state === 'online') this.#catchUp();
    else for (const conversation of this.#conversations.values()) conversation.freeze();
    this.#emit('connection');
  }

  /** What passed by while there was no line: sent from another window, or confirmed there. */
  #catchUp() {
    const missing = [...this.#conversations].filter(([, one]) => (one.paged || one.before) && !one.whole);
    missing.sort(([uid]) => (uid === this.openUid ? -1 : 0));
    return this.#history.newestOf(missing);
  }

  /** One looks at the page again: another window may have written meanwhile. */
  lookAgain() {
    if (!this.session) return;
    this.refreshContacts();
    this.markRead();
    if (this.openUid) this.#history.newest(this.openUid, this.conversation(this.openUid));
  }

  conversation(uid) {
    if (!this.#conversations.has(uid)) this.#conversations.set(uid, new Conversation());
    return this.#conversations.get(uid);
  }

  open(uid) {
    this.openUid = uid;
    if (uid) {
      this.markRead();
      if (!this.conversation(uid).paged) this.loadEarlier(uid);
    }
    this.#keep('open', uid);
    this.#emit('contacts');
    this.#emit('open');
  }

  /** The open conversation is on the screen, and somebody looks at it. */
  markRead() {
    if (!this.unread.get(this.openUid) || !this.attended()) return;
    this.#setUnread(this.openUid, 0);
    this.#emit('contacts');
  }

  send(content) { this.client.send(this.openUid, content); }
  retry(item) {
    try {
      this.client.retry(item.chatID);
    } catch (error) {
      this.#emit('notice', { key: error.message, values: [] });
    }
  }

  #incoming(message) {
    const { id, chatID, senderId, sender, content, time } = message;
    if (!this.contacts.has(senderId)) {
      this.contacts.set(senderId, { uid: senderId, uname: sender, nname: sender });
      this.refreshContacts();
    }
    const put = this.conversation(senderId).put({ id, chatID, senderId, content, time });
    // Not only when it is new here: the history may have been quicker.
    if (senderId !== this.openUid || !this.attended()) this.#setUnread(senderId, (this.unread.get(senderId) ?? 0) + 1);
    this.#emit('conversation', { uid: senderId, ...put });
    this.#emit('arrived', { uid: senderId, item: put.item });
    this.#emit('contacts');
  }

  #status({ msgID, reciverId, state, failure, content, time, id }) {
    const conversation = this.conversation(reciverId);
    const known = conversation.find(this.user.uid, msgID);
    if (state === 'stored' && known?.state === 'delivered') return; // two sockets: the order is not certain
    if (state === 'delivered' && id > (this.#delivered[reciverId] ?? 0)) {
      this.#delivered[reciverId] = id;
      this.#keep('delivered', this.#delivered);
    }
    const put = state === 'delivered'
      ? conversation.update(this.user.uid, msgID, { state, id })
      : conversation.put({ chatID: msgID, senderId: this.user.uid, content, time, state, failure });
    if (!put) return; // delivered, but from before this page was opened
    this.#emit('conversation', { uid: reciverId, ...put });
    this.#emit('contacts');
  }

  async refreshContacts() {
    const { session } = this;
    try {
      const users = await this.#api.users(session.secret);
      if (session !== this.session) return;
      for (const { uid, uname, nname } of users) {
        if (uid !== this.user.uid) this.contacts.set(uid, { uid, uname, nname: nname || uname });
      }
      const known = new Set();
      this.#shared.clear();
      for (const name of [this.name, ...[...this.contacts.values()].map((one) => one.nname)]) (known.has(name) ? this.#shared : known).add(name);
      this.#emit('contacts');
      const open = Number(this.#load('open', 0));
      if (!this.openUid && this.contacts.has(open)) this.open(open);
      await this.#preview();
    } catch (error) {
      if (error.status === 401 && session === this.session) this.#connection({ state: 'refused', reason: error.error });
    }
  }

  // The last message of each contact.
  #preview() {
    const todo = [...this.contacts.keys()].map((uid) => [uid, this.conversation(uid)]).filter(([, one]) => !one.before && !one.complete);
    return this.#history.newestOf(todo.slice(0, PREVIEWS), 1);
  }

  /** Fetches the page of history before what is known. */
  loadEarlier(uid) { return this.#history.earlier(uid, this.conversation(uid)); }

  async #fetchHistory(uid, before, limit) {
    const { session } = this;
    if (!session) return null;
    const page = await this.#api.history(session.secret, uid, before, limit).catch(() => null);
    return session === this.session ? page : null;
  }

  #merge(uid, { id, chatID, senderId, content, time }) {
    const conversation = this.conversation(uid);
    const mine = senderId === this.user.uid;
    // The history does not tell what was confirmed; up to the last that was, it is taken for so.
    const delivered = conversation.find(senderId, chatID)?.state === 'delivered' || id <= (this.#delivered[uid] ?? 0);
    return conversation.put({ id, chatID, senderId, content, time, ...(mine && { state: delivered ? 'delivered' : 'stored' }) }).isNew;
  }

  #setUnread(uid, count) {
    if (count) this.unread.set(uid, count);
    else this.unread.delete(uid);
    this.#keep('unread', Object.fromEntries(this.unread));
  }
}
