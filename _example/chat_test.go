package main

import (
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/url"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/fasthttp/websocket"
	"github.com/go-stomp/stomp/v3"
)

// pipe gives go-stomp, which wants a stream, a WebSocket. Like the other
// clients that do so, it cuts frames wherever its buffer ends.
type pipe struct {
	*websocket.Conn
	rest io.Reader
}

func (p *pipe) Read(b []byte) (int, error) {
	for {
		if p.rest == nil {
			_, r, err := p.NextReader()
			if err != nil {
				return 0, err
			}
			p.rest = r
		}
		n, err := p.rest.Read(b)
		if errors.Is(err, io.EOF) {
			p.rest, err = nil, nil
			if n == 0 {
				continue
			}
		}
		return n, err
	}
}

func (p *pipe) Write(b []byte) (int, error) {
	return len(b), p.WriteMessage(websocket.BinaryMessage, b)
}

func dial(t *testing.T, s *server, p person) *websocket.Conn {
	t.Helper()
	ws, res, err := websocket.DefaultDialer.Dial("ws"+strings.TrimPrefix(s.url, "http")+"/client?srect="+url.QueryEscape(p.Secret), nil)
	if err != nil {
		t.Fatalf("dial: %v, %v", err, res)
	}
	t.Cleanup(func() { ws.Close() })
	return ws
}

// client is go-stomp with what one user subscribes to.
type client struct {
	*stomp.Conn
	received, sent, confirmed, failed *stomp.Subscription
}

func connect(t *testing.T, s *server, p person) client {
	t.Helper()
	conn, err := stomp.Connect(&pipe{Conn: dial(t, s, p)}, stomp.ConnOpt.AcceptVersion(stomp.V12), stomp.ConnOpt.HeartBeat(time.Minute, time.Minute))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { conn.MustDisconnect() })
	subscribe := func(destination string) *stomp.Subscription {
		sub, err := conn.Subscribe(destination, stomp.AckAuto)
		if err != nil {
			t.Fatal(err)
		}
		return sub
	}
	c := client{
		Conn:      conn,
		received:  subscribe(fmt.Sprintf("/user/%d/recive", p.User.UID)),
		sent:      subscribe("/user/queue/send/status"),
		confirmed: subscribe("/user/queue/recive/status"),
		failed:    subscribe("/user/queue/status"),
	}
	// Frames are processed in order: the notice tells that the subscriptions are done.
	c.send(t, "/socket/chat/send", fields{})
	next[status](t, c.failed)
	return c
}

func (c client) send(t *testing.T, destination string, body any) {
	t.Helper()
	raw, err := json.Marshal(body)
	if err != nil {
		t.Fatal(err)
	}
	if err := c.Send(destination, "application/json", raw); err != nil {
		t.Fatal(err)
	}
}

// next decodes what comes next on a subscription.
func next[T any](t *testing.T, sub *stomp.Subscription) T {
	t.Helper()
	var v T
	select {
	case m := <-sub.C:
		if m.Err != nil {
			t.Fatal(m.Err)
		}
		if err := json.Unmarshal(m.Body, &v); err != nil {
			t.Fatalf("%s: %v", m.Body, err)
		}
	case <-time.After(20 * time.Second):
		t.Fatalf("nothing on %s", sub.Destination())
	}
	return v
}

type status struct {
	MsgID   string
	Code    int
	Content json.RawMessage
}

type fields = map[string]any

func TestTwoPeopleTalk(t *testing.T) {
	t.Parallel()
	s := start(t)
	ada, bob := signUp(t, s, "ada"), signUp(t, s, "小明")
	a, b := connect(t, s, ada), connect(t, s, bob)

	long := strings.Repeat("起来聊天😀", 2900) // 46,400 octets
	for i, content := range []string{"hello", long} {
		id := fmt.Sprint("m", i)
		a.send(t, "/socket/chat/send", fields{"msgID": id, "reciverId": bob.User.UID, "content": content})
		if got := next[status](t, a.sent); got.Code != 200 || got.MsgID != id {
			t.Errorf("step 2: %+v", got)
		}
		got := next[message](t, b.received)
		if got.ChatID != id || got.Content != content || got.SenderID != ada.User.UID || got.Receiver != "小明" || got.Sender != "ada" {
			t.Errorf("step 3: %.200v", got)
		}
		b.send(t, "/socket/chat/recive", fields{"msgID": id, "id": got.ID})
		if got := next[status](t, b.confirmed); got.Code != 200 || got.MsgID != id {
			t.Errorf("step 5: %+v", got)
		}
	}

	// Again under the same msgID: the same answer, and no second message.
	a.send(t, "/socket/chat/send", fields{"msgID": "m0", "reciverId": bob.User.UID, "content": "hello"})
	if got := next[status](t, a.sent); got.Code != 200 || got.MsgID != "m0" {
		t.Errorf("again: %+v", got)
	}
	b.send(t, "/socket/chat/send", fields{"msgID": "x", "reciverId": 99, "content": "hello"})
	if got := next[status](t, b.failed); got.Code != -404 || got.MsgID != "x" {
		t.Errorf("to nobody: %+v", got)
	}

	for query, want := range map[string]string{
		fmt.Sprintf("with=%d", bob.User.UID):         "[m1 m0]",
		fmt.Sprintf("with=%d&limit=1", bob.User.UID): "[m1]",
		fmt.Sprintf("with=%d", ada.User.UID):         "[]",
	} {
		var history []message
		call(t, s, "GET", "/api/chat/history?"+query, ada.Secret, nil).decode(t, &history)
		ids := []string{}
		for _, m := range history {
			ids = append(ids, m.ChatID)
		}
		if fmt.Sprint(ids) != want {
			t.Errorf("history?%s: %v, want %s", query, ids, want)
		}
	}
}

// What was sent to someone who is away is there after a restart of the server.
func TestOfflineThenInitAcrossRestart(t *testing.T) {
	t.Parallel()
	s := start(t)
	ada, bob := signUp(t, s, "ada"), signUp(t, s, "bob")
	a := connect(t, s, ada)
	for i := range 3 {
		a.send(t, "/socket/chat/send", fields{"msgID": fmt.Sprint("m", i), "reciverId": bob.User.UID, "content": "while you were out"})
		if got := next[status](t, a.sent); got.Code != 200 {
			t.Fatalf("step 2: %+v", got)
		}
	}
	s.signal(t, syscall.SIGTERM)
	if code := s.wait(t); code != 0 {
		t.Fatalf("exit code %d: %s", code, &s.stderr)
	}

	s = start(t, "-db", s.db)
	b := connect(t, s, bob)
	b.send(t, "/socket/chat/init", nil)
	for i := range 3 {
		if got := next[message](t, b.received); got.ChatID != fmt.Sprint("m", i) {
			t.Errorf("message %d: %+v", i, got)
		}
	}
}

func TestLogoutEndsTheSession(t *testing.T) {
	t.Parallel()
	s := start(t)
	ada := signUp(t, s, "ada")
	ws := dial(t, s, ada)
	if r := call(t, s, "POST", "/api/user/logout", ada.Secret, nil); r.Code != 200 {
		t.Fatalf("logout: %+v", r)
	}
	if code := closeCode(t, ws); code != websocket.ClosePolicyViolation {
		t.Errorf("closed with %d, want %d", code, websocket.ClosePolicyViolation)
	}
}

func TestShutdownSaysGoingAway(t *testing.T) {
	t.Parallel()
	s := start(t)
	ws := dial(t, s, signUp(t, s, "ada"))
	s.signal(t, syscall.SIGTERM)
	if code := closeCode(t, ws); code != websocket.CloseGoingAway {
		t.Errorf("closed with %d, want %d", code, websocket.CloseGoingAway)
	}
	if code := s.wait(t); code != 0 { // so it did not wait until drainTime was over
		t.Errorf("exit code %d", code)
	}
}

// closeCode reads until the server closes ws, and returns the code it gave.
func closeCode(t *testing.T, ws *websocket.Conn) int {
	t.Helper()
	if err := ws.SetReadDeadline(time.Now().Add(20 * time.Second)); err != nil {
		t.Fatal(err)
	}
	for {
		_, _, err := ws.ReadMessage()
		var closed *websocket.CloseError
		if errors.As(err, &closed) {
			return closed.Code
		}
		if err != nil {
			t.Fatalf("not closed: %v", err)
		}
	}
}
