// The same texts stand in _example/README.md; a test compares them.

export const SNIPPETS = [
  {
    name: 'chat-client.js',
    text: `import { ChatClient } from './chat-client/chat-client.js';

const chat = new ChatClient({
  url: \`wss://example.org/client?srect=\${encodeURIComponent(token)}\`,
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

const stomp = new Client({
  brokerURL: \`wss://example.org/client?srect=\${encodeURIComponent(token)}\`,
  onConnect: () => {
    stomp.subscribe(\`/user/\${me.uid}/recive\`, async ({ body }) => {
      const { id, chatID, ...message } = JSON.parse(body);
      await save(id, message); // ids repeat after a reconnect: keep each once
      stomp.publish({ destination: '/socket/chat/recive', body: JSON.stringify({ msgID: chatID, id }) });
    });
    stomp.subscribe('/user/queue/send/status', ({ body }) => stored(JSON.parse(body).msgID));
    stomp.subscribe('/user/queue/status', ({ body }) => failed(JSON.parse(body)));
    stomp.publish({ destination: '/socket/chat/init' });
    for (const unsent of outbox) publish(unsent); // under the same msgID, until stored
  },
});
stomp.activate();
const publish = (message) => stomp.publish({ destination: '/socket/chat/send', body: JSON.stringify(message) });
publish({ msgID: sha1('起来聊天' + Date.now()), reciverId: 2, content: '起来聊天' });`,
  },
  {
    name: 'stompjs 2',
    text: `var stomp = Stomp.over(new WebSocket('wss://example.org/client?srect=' + encodeURIComponent(token)));
stomp.connect({}, function () {
  stomp.subscribe('/user/' + me.uid + '/recive', function (frame) {
    var message = JSON.parse(frame.body);
    show(message);
    stomp.send('/socket/chat/recive', {}, JSON.stringify({ msgID: message.chatID, id: message.id }));
  });
  stomp.subscribe('/user/queue/send/status', function (frame) { stored(JSON.parse(frame.body).msgID); });
  stomp.subscribe('/user/queue/status', function (frame) { failed(JSON.parse(frame.body)); });
  stomp.send('/socket/chat/init', {}, '');
});
stomp.send('/socket/chat/send', {}, JSON.stringify({ msgID: sha1(text + Date.now()), reciverId: 2, content: text }));`,
  },
  {
    name: 'SockJS',
    text: `// The same STOMP inside; SockJS finds a way through where WebSockets are blocked.
const url = \`https://example.org/socketServer?srect=\${encodeURIComponent(token)}\`;

const stomp7 = new Client({ webSocketFactory: () => new SockJS(url), onConnect });
const stomp2 = Stomp.over(new SockJS(url));
const chat = new ChatClient({ url, socket: (url) => new SockJS(url), uid: me.uid, onMessage });`,
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
JSONObject hello = new JSONObject().put("msgID", sha1(text + System.currentTimeMillis())).put("reciverId", 2).put("content", text);
stomp.send("/socket/chat/send", hello.toString()).subscribe();`,
  },
  {
    name: 'Swift',
    text: `// SwiftStomp
let stomp = SwiftStomp(host: URL(string: "wss://example.org/client?srect=\\(token)")!)
stomp.delegate = self
stomp.autoReconnect = true
stomp.connect()

func onConnect(swiftStomp: SwiftStomp, connectType: StompConnectType) {
  guard connectType == .toStomp else { return }
  for to in ["/user/\\(uid)/recive", "/user/queue/send/status", "/user/queue/status"] { swiftStomp.subscribe(to: to) }
  swiftStomp.send(body: "", to: "/socket/chat/init")
}
func onMessageReceived(swiftStomp: SwiftStomp, message: Any?, messageId: String, destination: String, headers: [String: String]) {
  guard destination.hasSuffix("/recive"), let body = (message as? String)?.data(using: .utf8),
        let received = try? JSONDecoder().decode(ChatMessage.self, from: body) else { return }
  save(received)
  swiftStomp.send(body: ["msgID": received.chatID], to: "/socket/chat/recive")
}
stomp.send(body: Outgoing(msgID: sha1(text + millis), reciverId: 2, content: text), to: "/socket/chat/send")`,
  },
  {
    name: 'Go',
    text: `app := fiber.New()
chats, err := fiberchat.New(app) // /client and /socketServer are open, messages in SQLite
err = app.Listen(":8080")`,
  },
];
