package soak

import (
	"bufio"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"github.com/fasthttp/websocket"
)

// link carries STOMP frames over one transport. One goroutine reads, one
// at a time writes.
type link interface {
	write(text string) error
	// read returns the next frames; a closed error says how the server ended it.
	read() ([]string, error)
	// leave closes it as a browser does.
	leave()
}

// closed is the server's close.
type closed struct{ code int }

func (c closed) Error() string { return fmt.Sprint("closed with ", c.code) }

// The transports, those that are used most in the field most often.
var transports = []string{
	"native", "native", "native", "websocket", "websocket", "raw",
	"xhr_streaming", "xhr_streaming", "eventsource", "htmlfile", "xhr", "xhr", "jsonp",
}

var sockJSSessions atomic.Int64

// open connects over a transport.
func (w *wire) open(ctx context.Context, addr, transport, token string) (link, error) {
	session := fmt.Sprintf("/socketServer/000/s%07d", sockJSSessions.Add(1))
	query := "?srect=" + url.QueryEscape(token)
	path := map[string]string{"native": "/client", "raw": "/socketServer/websocket", "websocket": session + "/websocket"}[transport]
	if path == "" {
		return openHTTP(ctx, w, "http://"+addr+session, transport, query)
	}
	dialer := websocket.Dialer{HandshakeTimeout: time.Minute, NetDialContext: w.dial}
	ws, answer, err := dialer.DialContext(ctx, "ws://"+addr+path+query, nil)
	if err != nil {
		w.cut(false)
		if answer != nil {
			return nil, refused{answer.StatusCode}
		}
		return nil, err
	}
	return wsLink{ws, transport == "websocket"}, nil
}

// refused is an HTTP status in place of a session.
type refused struct{ status int }

func (r refused) Error() string { return fmt.Sprint("HTTP status ", r.status) }

// wsLink is a WebSocket, with SockJS's frames in it or without.
type wsLink struct {
	ws     *websocket.Conn
	sockJS bool
}

func (l wsLink) write(text string) error {
	if l.sockJS {
		text = quoted(text)
	}
	return l.ws.WriteMessage(websocket.TextMessage, []byte(text))
}

func (l wsLink) read() ([]string, error) {
	_, data, err := l.ws.ReadMessage()
	if e := (*websocket.CloseError)(nil); errors.As(err, &e) {
		return nil, closed{e.Code}
	}
	if err != nil || !l.sockJS {
		return []string{string(data)}, err
	}
	return unframe(string(data))
}

func (l wsLink) leave() {
	bye := websocket.FormatCloseMessage(websocket.CloseNormalClosure, "")
	l.ws.WriteControl(websocket.CloseMessage, bye, time.Now().Add(time.Second)) //nolint:errcheck // it is closed next
	l.ws.Close()
}

func quoted(text string) string {
	b, err := json.Marshal([]string{text})
	if err != nil {
		panic(err) // strings always marshal
	}
	return string(b)
}

// unframe reads what SockJS calls a frame.
func unframe(s string) (messages []string, err error) {
	switch {
	case s == "o" || strings.Trim(s, "h") == "": // h, and the prelude of streams
		return nil, nil
	case s[0] == 'a':
		err = json.Unmarshal([]byte(s[1:]), &messages)
		return messages, err
	case s[0] == 'c':
		var c []any
		if err := json.Unmarshal([]byte(s[1:]), &c); err != nil || len(c) == 0 {
			return nil, fmt.Errorf("close frame %.100q: %v", s, err)
		}
		code, _ := c[0].(float64)
		return nil, closed{int(code)}
	}
	return nil, fmt.Errorf("no SockJS frame: %.100q", s)
}

// httpLink is a SockJS transport that receives over HTTP.
type httpLink struct {
	base, transport, query string

	client http.Client
	ctx    context.Context
	cancel context.CancelFunc
	mu     sync.Mutex
	body   io.ReadCloser // of the stream that is open
	lines  *bufio.Reader
	opened bool // the o frame came
}

var errAnew = errors.New("the server has forgotten the session")

// unframe is that of all transports; a second o begins another session.
func (l *httpLink) unframe(frame string) ([]string, error) {
	if frame == "o" {
		if l.opened {
			return nil, errAnew
		}
		l.opened = true
	}
	return unframe(frame)
}

func openHTTP(ctx context.Context, w *wire, base, transport, query string) (link, error) {
	l := &httpLink{base: base, transport: transport, query: query}
	l.client.Transport = &http.Transport{DialContext: w.dial, DisableCompression: true}
	l.ctx, l.cancel = context.WithCancel(context.WithoutCancel(ctx))
	stop := context.AfterFunc(ctx, l.cancel)
	defer stop()
	_, err := l.read() // o, or the prelude before it
	if err != nil {
		l.leave()
		return nil, err
	}
	return l, nil
}

func (l *httpLink) leave() {
	l.cancel()
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.body != nil {
		l.body.Close()
	}
	l.client.CloseIdleConnections()
}

func (l *httpLink) do(method, path, contentType, body string) (*http.Response, error) {
	req, err := http.NewRequestWithContext(l.ctx, method, l.base+path, strings.NewReader(body))
	if err != nil {
		return nil, err
	}
	req.Header.Set("Content-Type", contentType)
	answer, err := l.client.Do(req)
	if err != nil {
		return nil, err
	}
	if answer.StatusCode != http.StatusOK && answer.StatusCode != http.StatusNoContent {
		answer.Body.Close()
		return nil, refused{answer.StatusCode}
	}
	return answer, nil
}

func (l *httpLink) write(text string) error {
	path, contentType, body := "/xhr_send", "text/plain", quoted(text)
	if l.transport == "jsonp" || l.transport == "htmlfile" {
		path, contentType, body = "/jsonp_send", "application/x-www-form-urlencoded", "d="+url.QueryEscape(body)
	}
	answer, err := l.do(http.MethodPost, path+l.query, contentType, body)
	if err != nil {
		return err
	}
	defer answer.Body.Close()
	_, err = io.Copy(io.Discard, answer.Body)
	return err
}

func (l *httpLink) read() ([]string, error) {
	if l.lines == nil {
		method := http.MethodPost
		if l.transport == "eventsource" || l.transport == "htmlfile" || l.transport == "jsonp" {
			method = http.MethodGet
		}
		answer, err := l.do(method, "/"+l.transport+l.query+"&c=cb", "text/plain", "")
		if err != nil {
			return nil, err
		}
		l.mu.Lock()
		l.body, l.lines = answer.Body, bufio.NewReader(answer.Body)
		l.mu.Unlock()
	}
	line, err := l.lines.ReadString('\n')
	if err == io.EOF && line == "" { // the next one takes over
		l.lines = nil
		return nil, l.body.Close()
	}
	if err != nil {
		return nil, err
	}
	return l.unpack(strings.TrimRight(line, "\r\n"))
}

// unpack finds the SockJS frame in a line of the transport.
func (l *httpLink) unpack(line string) ([]string, error) {
	switch l.transport {
	case "eventsource":
		data, ok := strings.CutPrefix(line, "data: ")
		if !ok {
			return nil, nil
		}
		return l.unframe(strings.ReplaceAll(data, "%25", "%"))
	case "jsonp", "htmlfile":
		prefix := map[string]string{"jsonp": "/**/cb(", "htmlfile": "p("}[l.transport]
		data, ok := strings.CutPrefix(line, prefix)
		if !ok {
			return nil, nil
		}
		var frame string
		if err := json.Unmarshal([]byte(strings.TrimSuffix(data, ");")), &frame); err != nil {
			return nil, fmt.Errorf("script %.100q: %w", line, err)
		}
		return l.unframe(frame)
	}
	return l.unframe(line)
}
