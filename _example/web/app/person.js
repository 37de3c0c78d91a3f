// One signed-in person without any looks: session, contacts, conversations, connection.
//
// Events: session, contacts, connection, conversation {uid, item, index, isNew},
// history {uid, added}, arrived {uid, item}, notice {key, values}.

import { ChatClient } from '../chat-client/chat-client.js';
import { api } from './api.js';
import { Conversation } from './conversation.js';
import { Tap } from './tap.js';

const PAGE = 50; // messages of history at a time
const PREVIEWS = 24; // contacts whose last message is fetched

export class Person extends EventTarget {
  session = null; // {secret, user}
  contacts = new Map(); // uid -> {uid, uname, nname, unread}
  openUid = 0; // whose conversation is on the screen
  client = null;
  tap = new Tap();
  #conversations = new Map();
  #api;
  #settings;

  constructor(seat, config, settings) {
    super();
    this.seat = seat;
    this.#api = api(config.prefix);
    this.#settings = settings;
  }

  get user() { return this.session?.user; }
  get name() { return this.user ? this.user.nname || this.user.uname : ''; }
  get connection() { return this.tap.offline ? { state: 'offline' } : this.client?.state ?? { state: 'closed' }; }
  #key(what) { return `fiberchat.${this.seat}.${what}`; }
  get #outboxKey() { return this.#key(`outbox.${this.user.uid}`); } // outlives a token that ends
  #emit(type, detail) { this.dispatchEvent(new CustomEvent(type, { detail })); }

  async signUp({ uname, nname, passwd, rpasswd }) {
    await this.#api.signUp({ uname, nname, passwd, rpasswd });
    await this.signIn({ uname, passwd });
  }

  async signIn({ uname, passwd }) {
    const { secret, user } = await this.#api.signIn(uname, passwd);
    sessionStorage.setItem(this.#key('session'), JSON.stringify({ secret, user }));
    this.#begin({ secret, user });
  }

  /** Goes on with the session of this tab, if there is one. */
  restore() {
    const kept = sessionStorage.getItem(this.#key('session'));
    if (kept) this.#begin(JSON.parse(kept));
  }

  async signOut() {
    const { secret } = this.session;
    const outbox = this.#outboxKey;
    this.#end();
    sessionStorage.removeItem(outbox);
    await this.#api.signOut(secret).catch(() => {}); // signed out here in any case
  }

  #begin(session) {
    this.session = session;
    this.tap.secret = session.secret;
    this.#emit('session');
    this.#makeClient();
    this.refreshContacts();
  }

  #end() {
    this.client?.disconnect();
    this.client = null;
    this.session = null;
    this.contacts.clear();
    this.#conversations.clear();
    this.openUid = 0;
    for (const what of ['session', 'unread', 'open']) sessionStorage.removeItem(this.#key(what));
    this.#emit('session');
  }

  // The door is asked for at each connection: transport and library may have been changed.
  #makeClient() {
    const door = () => this.#settings.door(this.session.secret);
    this.client = new ChatClient({
      url: () => door().url,
      probe: () => door().probe,
      uid: this.user.uid,
      socket: (address) => this.tap.open(address, door().socket),
      link: (open, handlers) => door().link(open, handlers),
      storage: sessionStorage,
      storageKey: this.#outboxKey,
      onMessage: (message) => this.#incoming(message),
      onStatus: (status) => this.#status(status),
      onState: (state) => this.#connection(state),
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
    this.#emit('connection');
  }

  conversation(uid) {
    if (!this.#conversations.has(uid)) this.#conversations.set(uid, new Conversation());
    return this.#conversations.get(uid);
  }

  open(uid) {
    this.openUid = uid;
    if (uid) {
      this.#setUnread(uid, 0);
      if (!this.conversation(uid).before) this.loadEarlier(uid);
    }
    sessionStorage.setItem(this.#key('open'), uid);
    this.#emit('contacts');
    this.#emit('open');
  }

  send(content) { this.client.send(this.openUid, content); }
  retry(item) { this.client.retry(item.chatID); }

  #incoming(message) {
    const { id, chatID, senderId, sender, content, time } = message;
    if (!this.contacts.has(senderId)) {
      this.contacts.set(senderId, { uid: senderId, uname: sender, nname: sender, unread: 0 });
      this.refreshContacts();
    }
    const put = this.conversation(senderId).put({ id, chatID, senderId, content, time });
    if (senderId !== this.openUid && put.isNew) this.#setUnread(senderId, (this.contacts.get(senderId).unread ?? 0) + 1);
    this.#emit('conversation', { uid: senderId, ...put });
    if (put.isNew) this.#emit('arrived', { uid: senderId, item: put.item });
    this.#emit('contacts');
  }

  #status({ msgID, reciverId, state, failure, content, time, id }) {
    const conversation = this.conversation(reciverId);
    const known = conversation.find(this.user.uid, msgID);
    if (state === 'stored' && known?.item.state === 'delivered') return; // two sockets: the order is not certain
    const put = state === 'delivered'
      ? conversation.find(this.user.uid, msgID, { state, id })
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
      const unread = JSON.parse(sessionStorage.getItem(this.#key('unread')) ?? '{}');
      for (const { uid, uname, nname } of users) {
        if (uid !== this.user.uid) this.contacts.set(uid, { unread: unread[uid] ?? 0, ...this.contacts.get(uid), uid, uname, nname: nname || uname });
      }
      this.#emit('contacts');
      const open = Number(sessionStorage.getItem(this.#key('open')));
      if (!this.openUid && this.contacts.has(open)) this.open(open);
      await this.#preview();
    } catch (error) {
      if (error.status === 401 && session === this.session) this.#connection({ state: 'refused', reason: error.error });
    }
  }

  // The last message of each contact, four requests at a time.
  async #preview() {
    const todo = [...this.contacts.keys()].filter((uid) => !this.conversation(uid).before && !this.conversation(uid).complete).slice(0, PREVIEWS);
    const worker = async () => {
      for (let uid = todo.pop(); uid; uid = todo.pop()) await this.loadEarlier(uid, 1);
    };
    await Promise.all([worker(), worker(), worker(), worker()]);
  }

  /** Fetches the page of history before what is known. One request a conversation at a time. */
  loadEarlier(uid, limit = PAGE) {
    const conversation = this.conversation(uid);
    if (this.session) conversation.loading ??= this.#fetchEarlier(uid, conversation, limit).finally(() => { conversation.loading = null; });
    return conversation.loading;
  }

  async #fetchEarlier(uid, conversation, limit) {
    const { session } = this;
    let added = 0;
    // A page of what init has brought already adds nothing: on to the one before it.
    while (added === 0 && !conversation.complete) {
      const page = await this.#api.history(session.secret, uid, conversation.before, limit).catch(() => null);
      if (!page || session !== this.session) return; // asked again at the next scroll
      for (const { id, chatID, senderId, content, time } of page) {
        if (conversation.find(senderId, chatID, { id })) continue;
        const mine = senderId === this.user.uid && { state: 'stored' };
        conversation.put({ id, chatID, senderId, content, time, ...mine });
        added++;
      }
      conversation.complete = page.length < limit;
      conversation.before = page.at(-1)?.id ?? conversation.before;
    }
    this.#emit('history', { uid, added });
    this.#emit('contacts');
  }

  #setUnread(uid, count) {
    const contact = this.contacts.get(uid);
    if (contact) contact.unread = count;
    const unread = Object.fromEntries([...this.contacts].filter(([, one]) => one.unread).map(([id, one]) => [id, one.unread]));
    sessionStorage.setItem(this.#key('unread'), JSON.stringify(unread));
  }
}
