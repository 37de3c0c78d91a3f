package crash

import (
	"encoding/json"
	"errors"
	"fmt"
	"net"
	"net/url"
	"strings"
	"sync"
	"time"

	"github.com/fasthttp/websocket"
)

// client is a STOMP client that decides nothing by itself. One goroutine may
// read; any may send.
type client struct {
	ws *websocket.Conn
	mu sync.Mutex // one writer at a time
}

// frame is what a server sends.
type frame struct {
	command string
	headers map[string]string
	body    string
}

// chatMessage is the body of step 3.
type chatMessage struct {
	ID       int64  `json:"id"`
	ChatID   string `json:"chatID"`
	SenderID int64  `json:"senderId"`
	Content  string `json:"content"`
}

// statusBody is the body of steps 2 and 5 and of a failure.
type statusBody struct {
	MsgID string `json:"msgID"`
	Code  int    `json:"code"`
}

// How a session ends that the client did not end.
var (
	errLost    = errors.New("connection lost")
	errRefused = errors.New("the server refused")
)

// The ids of a client's subscriptions say what they are about.
const (
	onMessage   = "message"
	onStatus    = "status"
	onConfirmed = "confirmed"
	onFailure   = "failure"
)

// wide takes whatever the kernel does; narrow leaves what it does not read to
// the server after some kilobytes, and not after megabytes.
var (
	wide   = websocket.Dialer{HandshakeTimeout: patience}
	narrow = websocket.Dialer{HandshakeTimeout: patience, NetDial: dialNarrow}
)

func dialNarrow(network, addr string) (net.Conn, error) {
	conn, err := net.DialTimeout(network, addr, patience)
	if err != nil {
		return nil, err
	}
	return conn, conn.(*net.TCPConn).SetReadBuffer(64 << 10)
}

// connect opens a session without a subscription for messages.
func connect(addr, token string) (*client, error) { return connectBy(&wide, addr, token) }

func connectBy(dialer *websocket.Dialer, addr, token string) (*client, error) {
	ws, _, err := dialer.Dial("ws://"+addr+"/client?srect="+url.QueryEscape(token), nil)
	if err != nil {
		return nil, fmt.Errorf("connect: %w", err)
	}
	c := &client{ws: ws}
	err = c.write("CONNECT\naccept-version:1.2\nhost:test\nheart-beat:0,0\n\n",
		"SUBSCRIBE\nid:"+onStatus+"\ndestination:/user/queue/send/status\n\n",
		"SUBSCRIBE\nid:"+onConfirmed+"\ndestination:/user/queue/recive/status\n\n",
		"SUBSCRIBE\nid:"+onFailure+"\ndestination:/user/queue/status\nreceipt:connected\n\n")
	if err == nil {
		_, err = c.until(func(f frame) bool { return f.receipt() == "connected" })
	}
	if err != nil {
		c.close()
		return nil, err
	}
	return c, nil
}

func (c *client) close() { c.ws.Close() }

func (c *client) write(frames ...string) error {
	c.mu.Lock()
	defer c.mu.Unlock()
	for _, f := range frames {
		if err := c.ws.SetWriteDeadline(time.Now().Add(patience)); err != nil {
			return err
		}
		if err := c.ws.WriteMessage(websocket.TextMessage, []byte(f+"\x00")); err != nil {
			return fmt.Errorf("%w: write: %w", errLost, err)
		}
	}
	return nil
}

// subscribe asks for the messages of the signed-in user.
func (c *client) subscribe(user account) error {
	return c.write(fmt.Sprintf("SUBSCRIBE\nid:%s\ndestination:/user/%d/recive\n\n", onMessage, user.id))
}

// init asks for what is not confirmed; its receipt follows the last of it.
func (c *client) init() error {
	return c.write("SEND\ndestination:/socket/chat/init\nreceipt:" + initDone + "\n\n")
}

const initDone = "init"

func (c *client) send(to account, msgID, content string) error {
	body, err := json.Marshal(map[string]any{"msgID": msgID, "reciverId": to.id, "content": content})
	if err != nil {
		return fmt.Errorf("encode message: %w", err)
	}
	return c.write("SEND\ndestination:/socket/chat/send\n\n" + string(body))
}

func (c *client) confirm(m chatMessage) error {
	return c.write(fmt.Sprintf("SEND\ndestination:/socket/chat/recive\n\n"+`{"msgID":%q,"id":%d}`, m.ChatID, m.ID))
}

// read returns the next frame.
func (c *client) read() (frame, error) {
	if err := c.ws.SetReadDeadline(time.Now().Add(patience)); err != nil {
		return frame{}, err
	}
	_, p, err := c.ws.ReadMessage()
	if err != nil {
		return frame{}, fmt.Errorf("%w: read: %w", errLost, err)
	}
	head, body, _ := strings.Cut(strings.TrimSuffix(string(p), "\x00"), "\n\n")
	lines := strings.Split(head, "\n")
	f := frame{command: lines[0], headers: map[string]string{}, body: body}
	for _, line := range lines[1:] {
		name, value, _ := strings.Cut(line, ":")
		f.headers[name] = value
	}
	if f.command == "ERROR" {
		return f, fmt.Errorf("%w: %s: %s", errRefused, f.headers["message"], f.body)
	}
	return f, nil
}

// until reads to the first frame for which found is true.
func (c *client) until(found func(frame) bool) (frame, error) {
	for {
		f, err := c.read()
		if err != nil || found(f) {
			return f, err
		}
	}
}

func (f frame) on() string      { return f.headers["subscription"] }
func (f frame) receipt() string { return f.headers["receipt-id"] }

func (f frame) message() (m chatMessage, err error) {
	if err := json.Unmarshal([]byte(f.body), &m); err != nil {
		return m, fmt.Errorf("read message %q: %w", f.body, err)
	}
	return m, nil
}

func (f frame) status() (s statusBody, err error) {
	if err := json.Unmarshal([]byte(f.body), &s); err != nil {
		return s, fmt.Errorf("read status %q: %w", f.body, err)
	}
	return s, nil
}
