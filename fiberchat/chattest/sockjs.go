package chattest

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
)

// poll is a SockJS transport that receives by HTTP answers.
type poll struct {
	name, path, method string
	before, after      string // of a SockJS frame in its line
	script             bool   // the frame is a string of JavaScript
	form               bool   // what is sent is a form's field
}

var polls = []poll{
	{name: "xhr-polling", path: "/xhr", method: http.MethodPost},
	{name: "xhr-streaming", path: "/xhr_streaming", method: http.MethodPost},
	{name: "eventsource", path: "/eventsource", method: http.MethodGet, before: "data: "},
	{name: "htmlfile", path: "/htmlfile", method: http.MethodGet, before: "p(", after: ");", script: true, form: true},
	{name: "jsonp-polling", path: "/jsonp", method: http.MethodGet, before: "/**/cb(", after: ");", script: true, form: true},
}

// prelude comes before the first frame of a stream, for browsers that hold
// back what is short.
var prelude = strings.Repeat("h", 2048)

// httpLink is a session of such a transport.
type httpLink struct {
	poll
	base, query string
	client      http.Client
	ctx         context.Context
	cancel      context.CancelFunc
	opened      bool // the o frame came

	lines *bufio.Reader // of the answer that is open; the reader's own
	mu    sync.Mutex
	body  io.ReadCloser // its body, for cut
}

func openHTTP(ctx context.Context, o *options, p poll, base, query string) (link, error) {
	l := &httpLink{poll: p, base: base, query: query}
	l.client.Transport = &http.Transport{DialContext: o.dial, DisableCompression: true}
	l.ctx, l.cancel = context.WithCancel(context.WithoutCancel(ctx))
	stop := context.AfterFunc(ctx, l.cancel)
	defer stop()
	if _, err := l.read(); err != nil { // o, or the prelude before it
		l.cut()
		return nil, err
	}
	return l, nil
}

func (l *httpLink) leave() { l.cut() }

func (l *httpLink) cut() {
	l.cancel()
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.body != nil {
		_ = l.body.Close()
	}
	l.client.CloseIdleConnections()
}

// do makes a request, which is to be answered with the status want.
func (l *httpLink) do(method, path, contentType, body string, want int) (*http.Response, error) {
	r, err := http.NewRequestWithContext(l.ctx, method, l.base+path, strings.NewReader(body))
	if err != nil {
		return nil, err
	}
	r.Header.Set("Content-Type", contentType)
	answer, err := l.client.Do(r)
	if err != nil {
		return nil, err
	}
	if answer.StatusCode != want {
		_ = answer.Body.Close()
		return nil, Refused{answer.StatusCode}
	}
	return answer, nil
}

func (l *httpLink) write(text string) error {
	path, contentType, body, want := "/xhr_send", "text/plain", quoted(text), http.StatusNoContent
	if l.form {
		path, contentType, body, want = "/jsonp_send", "application/x-www-form-urlencoded", "d="+url.QueryEscape(body), http.StatusOK
	}
	answer, err := l.do(http.MethodPost, path+l.query, contentType, body, want)
	if err != nil {
		return err
	}
	defer answer.Body.Close()
	_, err = io.Copy(io.Discard, answer.Body)
	return err
}

// read returns what the next line holds, which may be nothing.
func (l *httpLink) read() ([]string, error) {
	if l.lines == nil {
		answer, err := l.do(l.method, l.path+l.query+"&c=cb", "text/plain", "", http.StatusOK)
		if err != nil {
			return nil, err
		}
		l.mu.Lock()
		l.body, l.lines = answer.Body, bufio.NewReader(answer.Body)
		l.mu.Unlock()
	}
	line, err := l.lines.ReadString('\n')
	if errors.Is(err, io.EOF) && line == "" { // the next answer takes over
		l.lines = nil
		return nil, l.body.Close()
	}
	if err != nil {
		return nil, err
	}
	frame, ok := strings.CutPrefix(strings.TrimRight(line, "\r\n"), l.before)
	switch {
	case !ok: // of the page around it
		return nil, nil
	case l.name == "xhr-streaming" && frame == prelude:
		return nil, nil
	case l.script:
		if err := json.Unmarshal([]byte(strings.TrimSuffix(frame, l.after)), &frame); err != nil {
			return nil, fmt.Errorf("script %.100q: %w", line, err)
		}
	case l.name == "eventsource":
		frame = strings.ReplaceAll(frame, "%25", "%")
	}
	if frame == "o" {
		if l.opened {
			return nil, errors.New("the server has forgotten the session")
		}
		l.opened = true
	}
	return unframe(frame)
}
