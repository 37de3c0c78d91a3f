"""stomp.py in a chat: one JSON object with url, sender and receiver on the
standard input; what goes wrong ends it with a traceback.

stomp.py 8.0 speaks TCP only, so here is a transport for it over WebSocket.
"""

import json
import queue
import sys

import stomp
import websocket

PATIENCE = 20  # seconds


class WebSocketTransport(stomp.transport.BaseTransport):
    vhost = None

    def __init__(self, url):
        super().__init__()
        self.url = url
        self.current_host_and_port = ("fiberchat", 0)

    def attempt_connection(self):
        self.socket = websocket.create_connection(self.url, timeout=PATIENCE)

    def send(self, encoded_frame):
        for at in range(0, len(encoded_frame), 4096):  # as it goes over TCP: also inside a character
            self.socket.send_binary(encoded_frame[at : at + 4096])

    def receive(self):
        data = self.socket.recv()
        return data.encode() if isinstance(data, str) else data

    def disconnect_socket(self):
        self.running = False
        self.socket.shutdown()

    cleanup = disconnect_socket


CONNECTIONS = {
    "1.0": (stomp.StompConnection10, stomp.protocol.Protocol10),
    "1.1": (stomp.StompConnection11, stomp.protocol.Protocol11),
    "1.2": (stomp.StompConnection12, stomp.protocol.Protocol12),
}


class Frames(stomp.ConnectionListener):
    """Puts all that comes into one queue."""

    def __init__(self):
        self.queue = queue.Queue()

    def on_connected(self, frame):
        self.queue.put(frame)

    on_message = on_receipt = on_error = on_connected

    def on_disconnected(self):
        self.queue.put(None)

    def next(self):
        return self.queue.get(timeout=PATIENCE)


class Client:
    def __init__(self, url, version):
        connection, protocol = CONNECTIONS[version]
        self.version = version
        self.stomp = connection()
        transport = WebSocketTransport(url)
        self.stomp.transport = transport
        protocol.__init__(self.stomp, transport)
        self.frames = Frames()
        self.stomp.set_listener("", self.frames)
        self.stomp.connect(wait=True)
        assert self.frames.next().headers["version"] == version

    def subscribe(self, destination, **headers):
        self.stomp.subscribe(destination, id=destination, receipt="s", **headers)
        self.receipt("s")

    def send(self, destination, body, receipt):
        self.stomp.send(destination, json.dumps(body, ensure_ascii=False), receipt=receipt)

    def message(self, destination):
        frame = self.frames.next()
        assert frame.cmd == "MESSAGE" and frame.headers["destination"] == destination, vars(frame)
        return frame, json.loads(frame.body)

    def status(self, queue, msg_id, code=200):
        _, body = self.message("/user/queue/" + queue)
        assert (body["msgID"], body["code"]) == (msg_id, code), body

    def receipt(self, receipt):
        frame = self.frames.next()
        assert frame.cmd == "RECEIPT" and frame.headers["receipt-id"] == receipt, vars(frame)

    def answer(self, method, frame):
        """Acknowledges in the words of the version."""
        names = [frame.headers["ack"]] if self.version == "1.2" else [frame.headers["message-id"]]
        if self.version == "1.1":
            names.append(frame.headers["subscription"])
        getattr(self.stomp, method)(*names, receipt=method)

    def leave(self):
        self.stomp.disconnect(receipt="bye")
        self.receipt("bye")
        assert self.frames.next() is None


def exchange(url_of, sender, receiver, prefix, version):
    mailbox = "/user/%d/recive" % receiver["uid"]
    a = Client(url_of(sender), version)
    a.subscribe("/user/queue/send/status")
    a.subscribe("/user/queue/status")
    b = Client(url_of(receiver), version)
    b.subscribe("/user/queue/recive/status")
    b.subscribe(mailbox, ack="client-individual")

    ids = ["%s-%s-%d" % (prefix, version, i) for i in range(3)]
    content = "起来聊天😀" * 2000
    frames = []
    for msg_id in ids:
        a.send("/socket/chat/send", {"msgID": msg_id, "reciverId": receiver["uid"], "content": content}, msg_id)
        a.status("send/status", msg_id)
        a.receipt(msg_id)
        frame, body = b.message(mailbox)
        assert (body["chatID"], body["content"]) == (msg_id, content), body["chatID"]
        frames.append(frame)
    b.answer("ack", frames[1])
    b.status("recive/status", ids[1])
    b.receipt("ack")
    if version != "1.0":  # which has no NACK
        b.answer("nack", frames[2])
        b.receipt("nack")
    b.leave()

    b = Client(url_of(receiver), version)
    b.subscribe("/user/queue/recive/status")
    b.subscribe(mailbox, ack="client-individual")
    b.stomp.send("/socket/chat/init", "", receipt="init")
    for msg_id in [ids[0], ids[2]]:
        frame, body = b.message(mailbox)
        assert body["chatID"] == msg_id, body["chatID"]
        frames.append(frame)
    b.receipt("init")
    for frame in frames[-2:]:
        b.answer("ack", frame)
        b.status("recive/status", json.loads(frame.body)["chatID"])
        b.receipt("ack")
    b.leave()

    # A receipt that cannot come is answered all the same.
    a.send("/socket/chat/send", {"msgID": "nobody", "reciverId": 999999, "content": "x"}, "r")
    a.status("status", "nobody", -404)
    refused = a.frames.next()
    assert refused.cmd == "ERROR", vars(refused)
    assert (refused.headers["message"], refused.headers["receipt-id"]) == ("refused", "r"), vars(refused)
    assert a.frames.next() is None


def main():
    task = json.load(sys.stdin)
    for path in ["/client", "/socketServer/websocket"]:
        for version in CONNECTIONS:
            exchange(lambda who: "%s%s?srect=%s" % (task["url"], path, who["secret"]), task["sender"], task["receiver"], path, version)
            print("ok", path, version)


main()
