package fiberchat_test

import (
	"context"
	"io"
	"net/http"
	"strings"
	"testing"

	"github.com/fasthttp/websocket"

	"fiberchat.example/fiberchat"
)

// TestSockJSRoutes asks the routes that New makes, in this order, for what the
// SockJS protocol says of headers and frames; internal/sockjs has the rest of it.
func TestSockJSRoutes(t *testing.T) {
	t.Parallel()
	s := serve(t, fiberchat.Config{SockJS: fiberchat.SockJS{Cookie: true}})
	const (
		text, script, page = "text/plain; charset=UTF-8", "application/javascript; charset=UTF-8", "text/html; charset=UTF-8"
		form               = "application/x-www-form-urlencoded"
		connect            = `["CONNECT\naccept-version:1.2\n\n\u0000"]`
		disconnect         = `["DISCONNECT\n\n\u0000"]`
		never, year, days  = "no-store, no-cache, no-transform, must-revalidate, max-age=0", "public, max-age=31536000", "public, max-age=1000000"
	)
	for _, c := range []struct {
		method, path, body, contentType string
		status                          int
		wantType, cache                 string
		starts                          string // what the body begins with; all of it where it is ""
	}{
		{"GET", "", "", "", 200, text, "", "Welcome to SockJS!\n"},
		{"GET", "/", "", "", 200, text, "", "Welcome to SockJS!\n"},
		{"GET", "/iframe.html", "", "", 200, page, days, "<!DOCTYPE html>\n<html>"},
		{"GET", "/iframe-1.6.1.html?t=1", "", "", 200, page, days, "<!DOCTYPE html>\n<html>"},
		{"GET", "/info", "", "", 200, "application/json; charset=UTF-8", never, `{"websocket":true,"origins":["*:*"],"cookie_needed":true,"entropy":`},
		{"OPTIONS", "/info", "", "", 204, "", year, ""},
		{"OPTIONS", "/0/a/xhr_send", "", "", 204, "", year, ""},
		{"POST", "/info", "", "", 405, "", "", ""},
		{"GET", "/0/a/xhr", "", "", 405, "", "", ""},
		{"POST", "/0/a/websocket", "", "", 405, "", "", ""},
		{"GET", "/0/a/websocket", "", "", 400, "text/plain; charset=utf-8", "", "Not a valid websocket request"},
		{"GET", "/a", "", "", 404, "text/plain; charset=utf-8", "", "Not Found"},
		{"POST", "/0/a./xhr", "", "", 404, "text/plain; charset=utf-8", "", "Not Found"},
		{"GET", "/0/a/jsonp", "", "", 500, "text/plain; charset=utf-8", "", `"callback" parameter required`},
		{"GET", "/0/a/htmlfile?c=a(", "", "", 500, "text/plain; charset=utf-8", "", `invalid "callback" parameter`},
		// One session of the polling transports, with chat behind it.
		{"POST", "/0/a/xhr_send", connect, text, 404, "text/plain; charset=utf-8", never, "Session not found."},
		{"POST", "/0/a/xhr", "", "", 200, script, never, "o\n"},
		{"POST", "/0/a/xhr_send", "", text, 500, "text/plain; charset=utf-8", never, "Payload expected."},
		{"POST", "/0/a/xhr_send", `"x"`, text, 500, "text/plain; charset=utf-8", never, "Payload expected."},
		{"POST", "/0/a/xhr_send", `["x`, text, 500, "text/plain; charset=utf-8", never, "Broken JSON encoding."},
		{"POST", "/0/a/xhr_send", "[\"\xff\"]", text, 500, "text/plain; charset=utf-8", never, "Broken JSON encoding."},
		{"POST", "/0/a/xhr_send", `[]`, text, 204, text, never, ""},
		{"POST", "/1/a/xhr_send", connect, "application/xml", 204, text, never, ""},
		{"POST", "/2/a/xhr", "", "", 200, script, never, `a["CONNECTED\nversion:1.2\n`},
		{"POST", "/0/a/jsonp_send", "d=%5B%22x", form, 500, "text/plain; charset=utf-8", never, "Broken JSON encoding."},
		{"POST", "/0/a/jsonp_send", "p=p", form, 500, "text/plain; charset=utf-8", never, "Payload expected."},
		{"POST", "/0/a/jsonp_send", "d=%5B%5D", form, 200, text, never, "ok"},
		{"POST", "/0/a/xhr_send", disconnect, text, 204, text, never, ""},
		{"GET", "/0/a/jsonp?c=f", "", "", 200, script, never, `/**/f("c[1000,\"`},
		{"POST", "/0/a/xhr", "", "", 200, script, never, `c[1000,"`},
		{"POST", "/0/a/xhr_streaming", "", "", 200, script, never, strings.Repeat("h", 2048) + "\n" + `c[1000,"`},
		{"GET", "/0/b/jsonp?c=%66", "", "", 200, script, never, `/**/f("o");` + "\r\n"},
		// Streams, each a session of its own. They are left at once.
		{"POST", "/0/c/xhr_streaming", "", "", 200, script, never, strings.Repeat("h", 2048) + "\no\n"},
		{"GET", "/0/d/eventsource", "", "", 200, "text/event-stream", never, "\r\ndata: o\r\n\r\n"},
		{"GET", "/0/e/htmlfile?c=f", "", "", 200, page, never, "<!doctype html>\n<html><head>"},
	} {
		name := c.method + " " + c.path + " " + c.body
		ctx, leave := context.WithTimeout(t.Context(), patience)
		separator := "?"
		if strings.Contains(c.path, "?") {
			separator = "&"
		}
		r, err := http.NewRequestWithContext(ctx, c.method, "http://"+s.addr+"/socketServer"+c.path+separator+"srect=t-alice", strings.NewReader(c.body))
		if err != nil {
			t.Fatal(err)
		}
		r.Header.Set("Origin", "http://page.example")
		r.Header.Set("Content-Type", c.contentType)
		resp, err := http.DefaultTransport.RoundTrip(r)
		if err != nil {
			t.Fatal(name, ": ", err)
		}
		body := make([]byte, len(c.starts))
		if c.starts == "" {
			body, err = io.ReadAll(resp.Body)
		} else {
			_, err = io.ReadFull(resp.Body, body)
		}
		leave()
		resp.Body.Close()
		if err != nil || string(body) != c.starts {
			t.Errorf("%s: body %q, %v, want %q", name, body, err, c.starts)
		}
		if resp.StatusCode != c.status {
			t.Errorf("%s: status %d, want %d", name, resp.StatusCode, c.status)
		}
		cookie := ""
		if strings.Count(c.path, "/") == 3 && !strings.Contains(c.path, ".") {
			cookie = "JSESSIONID=dummy; path=/"
		}
		for header, want := range map[string]string{
			"Content-Type": c.wantType, "Cache-Control": c.cache, "Set-Cookie": cookie, "Last-Modified": "",
			"Access-Control-Allow-Origin": "http://page.example", "Access-Control-Allow-Credentials": "true",
		} {
			if got := resp.Header.Get(header); got != want {
				t.Errorf("%s: %s is %q, want %q", name, header, got, want)
			}
		}
		if resp.StatusCode == http.StatusMethodNotAllowed && resp.Header.Get("Allow") == "" {
			t.Errorf("%s: no Allow", name)
		}
	}

	// The WebSocket ends with a c frame too, then with the same code.
	conn, resp, err := websocket.DefaultDialer.Dial("ws://"+s.addr+"/socketServer/0/f/websocket?srect=t-alice", nil)
	if err != nil {
		t.Fatal(err)
	}
	resp.Body.Close()
	defer conn.Close()
	for _, step := range []struct{ send, starts string }{{"", "o"}, {connect, `a["CONNECTED\nversion:1.2\n`}, {`["BOGUS\n\n\u0000"]`, `a["ERROR\n`}, {"", `c[1002,"`}} {
		if step.send != "" {
			if err := conn.WriteMessage(websocket.TextMessage, []byte(step.send)); err != nil {
				t.Fatal(err)
			}
		}
		if _, frame, err := conn.ReadMessage(); err != nil || !strings.HasPrefix(string(frame), step.starts) {
			t.Fatalf("after %q: %q, %v, want %q", step.send, frame, err, step.starts)
		}
	}
	if _, _, err := conn.ReadMessage(); !websocket.IsCloseError(err, 1002) {
		t.Errorf("closed: %v", err)
	}
}
