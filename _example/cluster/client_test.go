package cluster

import (
	"encoding/json"
	"fmt"
	"math/rand/v2"
	"net/url"
	"strings"
	"sync"
	"time"

	"github.com/fasthttp/websocket"
)

// door is a way in.
type door string

const (
	native door = "native"
	sockjs door = "sockjs"
)

// client is a STOMP client that decides nothing by itself. One goroutine may
// read; any may send.
type client struct {
	ws   *websocket.Conn
	door door
	left []string   // read, and not yet returned
	mu   sync.Mutex // one writer at a time
}

// frame is what a server sends.
type frame struct {
	command string
	headers map[string]string
	body    string
}

// message is the body of step 3.
type message struct {
	ID       int64  `json:"id"`
	ChatID   string `json:"chatID"`
	SenderID int64  `json:"senderId"`
	Content  string `json:"content"`
}

// status is the body of steps 2 and 5, of a failure and of a notice.
type status struct {
	MsgID string `json:"msgID"`
	Code  int    `json:"code"`
}

// The ids of a client's subscriptions say what they are about.
const (
	onMessage   = "message"
	onStatus    = "status"
	onConfirmed = "confirmed"
	onDelivered = "delivered"
	onFailure   = "failure"
)

const initDone = "init"

var dialer = websocket.Dialer{HandshakeTimeout: patience}

// dial opens a session. An init waits for its subscription to messages, so
// that nothing comes before what was missed.
func dial(d door, addr string, user account) (*client, error) {
	path := "/client"
	if d == sockjs {
		path = fmt.Sprintf("/socketServer/000/%08x/websocket", rand.Uint32())
	}
	ws, _, err := dialer.Dial("ws://"+addr+path+"?srect="+url.QueryEscape(user.token), nil)
	if err != nil {
		return nil, fmt.Errorf("connect: %w", err)
	}
	c := &client{ws: ws, door: d}
	err = c.write("CONNECT\naccept-version:1.2\nhost:test\nheart-beat:0,0\n\n",
		"SUBSCRIBE\nid:"+onStatus+"\ndestination:/user/queue/send/status\n\n",
		"SUBSCRIBE\nid:"+onConfirmed+"\ndestination:/user/queue/recive/status\n\n",
		"SUBSCRIBE\nid:"+onDelivered+"\ndestination:/user/queue/delivered\n\n",
		"SUBSCRIBE\nid:"+onFailure+"\ndestination:/user/queue/status\n\n",
		"SEND\ndestination:/socket/chat/init\nreceipt:"+initDone+"\n\n",
		fmt.Sprintf("SUBSCRIBE\nid:%s\ndestination:/user/%d/recive\n\n", onMessage, user.id))
	if err == nil {
		_, err = c.until(func(f frame) bool { return f.command == "CONNECTED" })
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
		f += "\x00"
		if c.door == sockjs {
			b, err := json.Marshal([]string{f})
			if err != nil {
				return fmt.Errorf("encode: %w", err)
			}
			f = string(b)
		}
		if err := c.ws.SetWriteDeadline(time.Now().Add(patience)); err != nil {
			return err
		}
		if err := c.ws.WriteMessage(websocket.TextMessage, []byte(f)); err != nil {
			return fmt.Errorf("write: %w", err)
		}
	}
	return nil
}

func (c *client) send(to account, msgID, content string) error {
	body, err := json.Marshal(map[string]any{"msgID": msgID, "reciverId": to.id, "content": content})
	if err != nil {
		return fmt.Errorf("encode: %w", err)
	}
	return c.write("SEND\ndestination:/socket/chat/send\n\n" + string(body))
}

func (c *client) confirm(m message) error {
	return c.write(fmt.Sprintf("SEND\ndestination:/socket/chat/recive\n\n"+`{"msgID":%q,"id":%d}`, m.ChatID, m.ID))
}

// read returns the next frame.
func (c *client) read() (frame, error) {
	for len(c.left) == 0 {
		if err := c.ws.SetReadDeadline(time.Now().Add(patience)); err != nil {
			return frame{}, err
		}
		_, p, err := c.ws.ReadMessage()
		switch text := string(p); {
		case err != nil:
			return frame{}, fmt.Errorf("read: %w", err)
		case c.door == native:
			c.left = []string{text}
		case strings.HasPrefix(text, "a"):
			if err := json.Unmarshal(p[1:], &c.left); err != nil {
				return frame{}, fmt.Errorf("read SockJS frame: %w", err)
			}
		case strings.HasPrefix(text, "c"):
			return frame{}, fmt.Errorf("closed: %s", text)
		}
	}
	text := c.left[0]
	c.left = c.left[1:]
	head, body, _ := strings.Cut(strings.TrimSuffix(text, "\x00"), "\n\n")
	lines := strings.Split(head, "\n")
	f := frame{command: lines[0], headers: map[string]string{}, body: body}
	for _, line := range lines[1:] {
		name, value, _ := strings.Cut(line, ":")
		f.headers[name] = value
	}
	if f.command == "ERROR" {
		return f, fmt.Errorf("the server refused: %s", f.headers["message"])
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

func decode[T any](f frame) (v T, err error) {
	if err := json.Unmarshal([]byte(f.body), &v); err != nil {
		return v, fmt.Errorf("read %q: %w", f.body, err)
	}
	return v, nil
}
