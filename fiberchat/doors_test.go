package fiberchat_test

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"strconv"
	"sync/atomic"
	"testing"

	"github.com/fasthttp/websocket"
)

// door is a way in: the tests of the wire run through each.
type door string

const (
	native door = "native"
	sockws door = "websocket" // of SockJS
	xhr    door = "xhr"       // of SockJS: polling
)

// eachDoor runs a test through every door.
func eachDoor(t *testing.T, test func(t *testing.T, d door)) {
	t.Helper()
	for _, d := range []door{native, sockws, xhr} {
		t.Run(string(d), func(t *testing.T) {
			t.Parallel()
			test(t, d)
		})
	}
}

// link moves messages; what is in them is the client's.
type link interface {
	write(text string) error
	// read returns the next messages, or a closed error.
	read() ([]string, error)
	cut()
}

// closed is how the server ended a link.
type closed struct{ code int }

func (c closed) Error() string { return fmt.Sprint("closed with ", c.code) }

// open opens a door below prefix.
func (d door) open(addr, prefix, token string) (link, error) {
	if d == xhr {
		return openPolling(addr, prefix, token)
	}
	path := prefix + "/client"
	if d == sockws {
		path = prefix + "/socketServer/000/" + newSessionID() + "/websocket"
	}
	ws, resp, err := websocket.DefaultDialer.Dial("ws://"+addr+path+"?srect="+token, nil)
	if err != nil {
		if resp != nil {
			return nil, fmt.Errorf("dial: status %d: %w", resp.StatusCode, err)
		}
		return nil, fmt.Errorf("dial: %w", err)
	}
	if d == sockws {
		return sockLink{plainLink{ws}}, nil
	}
	return plainLink{ws}, nil
}

var sessions atomic.Int64

func newSessionID() string { return fmt.Sprintf("s%07d", sessions.Add(1)) }

type plainLink struct{ ws *websocket.Conn }

func (l plainLink) write(text string) error {
	return l.ws.WriteMessage(websocket.TextMessage, []byte(text))
}

func (l plainLink) read() ([]string, error) {
	kind, data, err := l.ws.ReadMessage()
	if e := (*websocket.CloseError)(nil); errors.As(err, &e) {
		return nil, closed{e.Code}
	}
	if err == nil && kind != websocket.TextMessage {
		err = fmt.Errorf("a message of kind %d came", kind)
	}
	return []string{string(data)}, err
}

func (l plainLink) cut() { _ = l.ws.Close() }

type sockLink struct{ plainLink }

func (l sockLink) write(text string) error {
	return l.plainLink.write(sockMessage(text))
}

func (l sockLink) read() ([]string, error) {
	m, err := l.plainLink.read()
	if err != nil {
		return nil, err
	}
	return sockFrame(m[0])
}

func sockMessage(text string) string {
	b, err := json.Marshal([]string{text})
	if err != nil {
		panic(err) // strings always marshal
	}
	return string(b)
}

// sockFrame reads what SockJS calls a frame.
func sockFrame(s string) (messages []string, err error) {
	switch {
	case s == "o" || s == "h":
		return nil, nil
	case s != "" && s[0] == 'a':
		err = json.Unmarshal([]byte(s[1:]), &messages)
		return messages, err
	case s != "" && s[0] == 'c':
		var c []any
		if err := json.Unmarshal([]byte(s[1:]), &c); err != nil {
			return nil, err
		}
		return nil, closed{int(c[0].(float64))}
	}
	return nil, fmt.Errorf("no SockJS frame: %s", strconv.Quote(s))
}

// polling is the transport of pages that have nothing better.
type polling struct {
	url, token string
	http       http.Client
	ctx        context.Context
	cut_       context.CancelFunc
}

func openPolling(addr, prefix, token string) (link, error) {
	l := &polling{
		url:   "http://" + addr + prefix + "/socketServer/000/" + newSessionID(),
		token: token,
		http:  http.Client{Transport: &http.Transport{}},
	}
	l.ctx, l.cut_ = context.WithCancel(context.Background())
	_, err := l.read()
	return l, err
}

func (l *polling) post(what, body string, want int) (string, error) {
	r, err := http.NewRequestWithContext(l.ctx, http.MethodPost, l.url+what+"?srect="+l.token, bytes.NewBufferString(body))
	if err != nil {
		return "", err
	}
	resp, err := l.http.Do(r)
	if err != nil {
		return "", err
	}
	defer resp.Body.Close()
	data, err := io.ReadAll(resp.Body)
	if err == nil && resp.StatusCode != want {
		err = fmt.Errorf("%s: status %d: %s", what, resp.StatusCode, data)
	}
	return string(data), err
}

func (l *polling) write(text string) error {
	_, err := l.post("/xhr_send", sockMessage(text), http.StatusNoContent)
	return err
}

func (l *polling) read() ([]string, error) {
	data, err := l.post("/xhr", "", http.StatusOK)
	if err != nil {
		return nil, err
	}
	return sockFrame(string(bytes.TrimSuffix([]byte(data), []byte("\n"))))
}

func (l *polling) cut() {
	l.cut_()
	l.http.CloseIdleConnections()
}
