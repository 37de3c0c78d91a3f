// Types of chat-client.js. Times are milliseconds since 1970.

/** A message as the server delivers it (step 3). The spelling is the wire's. */
export interface IncomingMessage {
  /** The server's serial: grows, and tells a repetition. */
  id: number;
  /** The sender's msgID. */
  chatID: string;
  sender: string;
  reciver: string;
  content: string;
  /** By the server's clock. */
  time: number;
  senderId: number;
  reciverId: number;
}

export interface OutgoingMessage {
  msgID: string;
  reciverId: number;
  content: string;
  /** When send() was called, by this machine's clock. */
  time: number;
}

/** What the server, or the client itself (code 0), says about something that failed. */
export interface Failure {
  msgID: string | null;
  /** As in the status table of the protocol; 0: NotSaved (by onMessage) or NotKept (no room in the storage: the outbox is in memory only) of this client. */
  code: number;
  status?: string;
  content: { error: string; message?: string };
}

/**
 * sending: in the outbox. stored: durable on the server (step 2). delivered:
 * the receiver has confirmed it (only msgID, id, reciverId and time are set).
 * failed: refused by the server for good (nothing else ends the resending);
 * retry(msgID) sends it again.
 */
export type SendStatus =
  | (OutgoingMessage & { state: 'sending' | 'stored'; failure?: undefined; id?: undefined })
  | (OutgoingMessage & { state: 'failed'; failure: Failure; id?: undefined })
  /** time is when the receiver confirmed. */
  | { msgID: string; state: 'delivered'; id: number; reciverId: number; time: number; content?: undefined; failure?: undefined };

export type ConnectionState =
  | { state: 'closed' | 'connecting' | 'online'; retryAt?: undefined; reason?: undefined }
  /** Between two tries. */
  | { state: 'waiting'; retryAt: number; reason?: string }
  /** Not trying any more: Unauthorized, TokenExpired, or replaced by another session. */
  | { state: 'refused'; retryAt?: undefined; reason: string };

/** What is asked of a socket: WebSocket and SockJS have it. */
export interface SocketLike {
  readonly readyState: number;
  onopen: ((event: any) => any) | null;
  onmessage: ((event: any) => any) | null;
  onclose: ((event: any) => any) | null;
  send(data: string): void;
  close(): void;
}

/** One open STOMP connection: openStomp, or an adapter of another library. */
export interface Link {
  subscribe(id: string, destination: string): void;
  send(destination: string, body: string): void;
  /** Silent: onClosed is not called. */
  close(): void;
  /** True when the server has not been heard for too long; now is performance.now(). */
  isSilent?(now: number): boolean;
}

export interface LinkHandlers {
  onConnected(headers?: Record<string, string>): void;
  onMessage(destination: string, body: string): void;
  /** message is the token of an ERROR frame, or says how the socket was lost. */
  onClosed(reason?: { message: string; code?: number; body?: string }): void;
}

export interface ChatClientOptions {
  /** Address of the door, token included: ws://host/client?srect=TOKEN. A function is asked at each connection. */
  url: string | (() => string);
  /** The signed-in user's id. */
  uid: number;
  /**
   * Called once for each message, in order of arrival; the next one waits for
   * its promise, so one that never settles stops the messages. The message is
   * confirmed when it returns or its promise resolves; after a throw or a
   * rejection it is not confirmed and comes again, then after later ones.
   */
  onMessage(message: IncomingMessage): void | Promise<void>;
  /** What this and the callbacks below throw goes to reportError and stops nothing. */
  onStatus?(status: SendStatus): void;
  onState?(state: ConnectionState): void;
  /** Failures that are not about a message of the outbox. */
  onFailure?(failure: Failure): void;
  /** A message that onMessage had before; it is confirmed again. */
  onDuplicate?(message: IncomingMessage): void;
  /** Address that answers 401 when the token is not valid: http://host/socketServer/info?srect=TOKEN. Default: not asked. */
  probe?: string | (() => string);
  /**
   * Keeps the outbox over a reload, for example sessionStorage; what had failed
   * is tried again then. Without room in it the outbox goes on in memory, and
   * onFailure is told NotKept once. Default: memory only.
   */
  storage?: Pick<Storage, 'getItem' | 'setItem' | 'removeItem'>;
  /** Required with storage: the key of the order; each message has a key that begins so. */
  storageKey?: string;
  /** Default: a native WebSocket. For SockJS: (url) => new SockJS(url). */
  socket?(url: string): SocketLike;
  /** Default: openStomp. */
  link?(openSocket: () => SocketLike, handlers: LinkHandlers): Link;
}

export class ChatClient {
  constructor(options: ChatClientOptions);
  readonly state: ConnectionState;
  /** Not known to be stored, in order of sending; at most 1,000 messages or 2 MiB of content. */
  readonly outbox: OutgoingMessage[];
  /** Connects, and connects again after every loss (0.5 s to 30 s, with jitter), until disconnect(). */
  connect(): void;
  disconnect(): void;
  /** Connects anew at once, also when the line looks open: after a change of network it may be dead. */
  reconnect(): void;
  /** Throws RangeError('TooLarge') for no content or more than 48 KiB, RangeError('OutboxFull'). */
  send(reciverId: number, content: string): OutgoingMessage;
  /** False when no message of that msgID has failed. Throws RangeError('OutboxFull'). */
  retry(msgID: string): boolean;
  /** Gives up every message that is not known to be stored, the failed ones too: when the user signs out. */
  clearOutbox(): void;
  /** Marks ids that the app has from elsewhere, such as its history. */
  markSeen(id: number): void;
}

export interface Frame {
  command: string;
  headers: Record<string, string>;
  body: string;
}

export function openStomp(openSocket: () => SocketLike, handlers: LinkHandlers): Link;
/** One STOMP frame as text, NUL included. */
export function formatFrame(command: string, headers: Record<string, string>, body?: string): string;
/** Null for a heart-beat. */
export function parseFrame(text: string): Frame | null;
/** Hex SHA-1 of content, milliseconds and 64 random bits. */
export function newMsgID(content: string, time?: number): string;
/** Hex SHA-1 of a text's UTF-8. */
export function sha1Hex(text: string): string;
