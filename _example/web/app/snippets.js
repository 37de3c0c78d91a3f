// The same texts stand in _example/README.md; a test compares them.

export const SNIPPETS = [
  {
    name: 'chat-client.js',
    text: `import { ChatClient } from './chat-client/chat-client.js';

const chat = new ChatClient({
  url: \`wss://example.org/client?srect=\${encodeURIComponent(token)}\`,
  probe: \`https://example.org/socketServer/info?srect=\${encodeURIComponent(token)}\`, // asked why one is not let in
  uid: me.uid,
  onMessage: async (message) => { await save(message); show(message); }, // then it is confirmed
  onStatus: ({ msgID, state }) => mark(msgID, state), // sending, stored, delivered, failed
  onState: ({ state, retryAt }) => banner(state, retryAt),
});
chat.connect();
chat.send(2, '起来聊天');`,
  },
  {
    name: 'stompjs 7',
    text: `import { Client } from '@stomp/stompjs';

const outbox = new Map(); // msgID -> message, until it is stored or refused
const stomp = new Client({
  brokerURL: \`wss://example.org/client?srect=\${encodeURIComponent(token)}\`,
  onConnect: () => {
    stomp.subscribe(\`/user/\${me.uid}/recive\`, async ({ body }) => {
      const { id, chatID, ...message } = JSON.parse(body);
      await save(id, message); // ids repeat after a reconnect: keep each once
      stomp.publish({ destination: '/socket/chat/recive', body: JSON.stringify({ msgID: chatID, id }) });
    });
    stomp.subscribe('/user/queue/send/status', ({ body }) => outbox.delete(JSON.parse(body).msgID));
    stomp.subscribe('/user/queue/status', ({ body }) => {
      const failure = JSON.parse(body);
      if (failure.code === -300 || failure.content.error === 'RateLimited') return setTimeout(publish, 3000, failure.msgID);
      outbox.delete(failure.msgID); // refused for good
      failed(failure);
    });
    stomp.publish({ destination: '/socket/chat/init' });
    for (const msgID of outbox.keys()) publish(msgID);
  },
  onStompError: ({ headers }) => {
    if (headers.message === 'token-expired') signIn(); // gets a new token and sets stomp.brokerURL
  },
});
function publish(msgID) { // as often as it takes, under the same msgID
  if (stomp.connected && outbox.has(msgID)) stomp.publish({ destination: '/socket/chat/send', body: JSON.stringify(outbox.get(msgID)) });
}
function send(reciverId, content) {
  const msgID = crypto.randomUUID(); // 1 to 64 printable ASCII characters, no space
  outbox.set(msgID, { msgID, reciverId, content });
  publish(msgID); // or else onConnect does
}
stomp.activate();
send(2, '起来聊天');`,
  },
  {
    name: 'stompjs 2',
    text: `var outbox = {}; // msgID -> message, until it is stored or refused
var stomp;
function connect() {
  stomp = Stomp.over(new WebSocket('wss://example.org/client?srect=' + encodeURIComponent(token)));
  stomp.connect({}, function () {
    stomp.subscribe('/user/' + me.uid + '/recive', function (frame) {
      var message = JSON.parse(frame.body);
      show(message); // ids repeat after a reconnect: show each once
      stomp.send('/socket/chat/recive', {}, JSON.stringify({ msgID: message.chatID, id: message.id }));
    });
    stomp.subscribe('/user/queue/send/status', function (frame) { delete outbox[JSON.parse(frame.body).msgID]; });
    stomp.subscribe('/user/queue/status', function (frame) {
      var failure = JSON.parse(frame.body);
      if (failure.code === -300 || failure.content.error === 'RateLimited') return setTimeout(publish, 3000, failure.msgID);
      delete outbox[failure.msgID]; // refused for good
      failed(failure);
    });
    stomp.send('/socket/chat/init', {}, '');
    Object.keys(outbox).forEach(publish);
  }, function (error) { // an ERROR frame, or a text when the line is lost
    if (error.headers && error.headers.message === 'token-expired') { token = null; signIn(); } // gets a new one, then connect()
    else if (typeof error === 'string' && token) setTimeout(connect, 3000);
  });
}
function publish(msgID) { // as often as it takes, under the same msgID
  if (stomp.connected && outbox[msgID]) stomp.send('/socket/chat/send', {}, JSON.stringify(outbox[msgID]));
}
function send(reciverId, content) {
  var msgID = Date.now() + '-' + Math.random(); // 1 to 64 printable ASCII characters, no space
  outbox[msgID] = { msgID: msgID, reciverId: reciverId, content: content };
  publish(msgID); // or else the callback above does
}
connect();
send(2, '起来聊天');`,
  },
  {
    name: 'SockJS',
    text: `// The same STOMP inside; SockJS finds a way through where WebSockets are blocked.
// With Vite: define: { global: 'globalThis' } in vite.config, for sockjs-client 1.6.1 takes global for granted.
const url = \`https://example.org/socketServer?srect=\${encodeURIComponent(token)}\`;

const stomp7 = new Client({ webSocketFactory: () => new SockJS(url) /* instead of brokerURL; onConnect as there */ });
const stomp2 = Stomp.over(new SockJS(url));
const chat = new ChatClient({ url, socket: (url) => new SockJS(url), uid: me.uid, onMessage: (message) => save(message) });`,
  },
  {
    name: 'Android',
    text: `// StompProtocolAndroid 1.6 (com.github.NaikSoftware:StompProtocolAndroid)
StompClient stomp = Stomp.over(Stomp.ConnectionProvider.OKHTTP,
    "wss://example.org/client?srect=" + URLEncoder.encode(token, "UTF-8"));
stomp.topic("/user/" + uid + "/recive").subscribe(frame -> {
  JSONObject message = new JSONObject(frame.getPayload());
  save(message);
  JSONObject done = new JSONObject().put("msgID", message.getString("chatID")).put("id", message.getLong("id"));
  stomp.send("/socket/chat/recive", done.toString()).subscribe();
});
stomp.topic("/user/queue/send/status").subscribe(frame -> stored(frame.getPayload()));
stomp.topic("/user/queue/status").subscribe(frame -> failed(frame.getPayload()));
stomp.connect();
stomp.send("/socket/chat/init").subscribe();
JSONObject hello = new JSONObject().put("msgID", UUID.randomUUID().toString()).put("reciverId", 2).put("content", text);
stomp.send("/socket/chat/send", hello.toString()).subscribe();`,
  },
  {
    name: 'Swift',
    text: `// SwiftStomp
let stomp = SwiftStomp(host: URL(string: "wss://example.org/client?srect=\\(token)")!)
var outbox: [Outgoing] = [] // until it is stored
stomp.delegate = self
stomp.autoReconnect = true
stomp.connect()

func onConnect(swiftStomp: SwiftStomp, connectType: StompConnectType) {
  guard connectType == .toStomp else { return }
  for to in ["/user/\\(uid)/recive", "/user/queue/send/status", "/user/queue/status"] { swiftStomp.subscribe(to: to) }
  swiftStomp.send(body: "", to: "/socket/chat/init")
  for unsent in outbox { swiftStomp.send(body: unsent, to: "/socket/chat/send") } // under the same msgID
}
func onMessageReceived(swiftStomp: SwiftStomp, message: Any?, messageId: String, destination: String, headers: [String: String]) {
  guard let body = (message as? String)?.data(using: .utf8) else { return }
  if destination == "/user/queue/send/status", let stored = try? JSONDecoder().decode(Status.self, from: body) {
    outbox.removeAll { $0.msgID == stored.msgID }
  } else if destination.hasSuffix("/recive"), let received = try? JSONDecoder().decode(ChatMessage.self, from: body) {
    save(received)
    swiftStomp.send(body: Confirmation(msgID: received.chatID, id: received.id), to: "/socket/chat/recive")
  }
}
func send(_ text: String, to reciverId: Int) {
  let message = Outgoing(msgID: UUID().uuidString, reciverId: reciverId, content: text)
  outbox.append(message)
  if stomp.connectionStatus == .fullyConnected { stomp.send(body: message, to: "/socket/chat/send") } // else onConnect does
}`,
  },
  {
    name: 'Go',
    text: `app := fiber.New()
chats, err := fiberchat.New(app) // /client and /socketServer are open, messages in SQLite
err = app.Listen(":8080")`,
  },
];
