package sockjs

import (
	"encoding/json"
	"errors"
	"io"
	"net"
	"net/http"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/fasthttp/websocket"
	"github.com/gofiber/fiber/v2"

	"fiberchat.example/fiberchat/internal/ws"
)

func TestWebSocketHTTPErrors(t *testing.T) {
	t.Parallel()
	app := startConformance(t)
	for _, c := range []struct {
		name, method, path string
		header             []string
		status             int
	}{
		{"no upgrade", "GET", "/echo/0/0/websocket", nil, 400},
		{"connection rewritten", "GET", "/echo/0/0/websocket", []string{"Upgrade: WebSocket", "Connection: close"}, 400},
		{"no key", "GET", "/echo/0/0/websocket", []string{"Upgrade: WebSocket", "Connection: Upgrade", "Sec-WebSocket-Version: 13"}, 400},
		{"old version", "GET", "/echo/0/0/websocket", []string{"Upgrade: WebSocket", "Connection: Upgrade", "Sec-WebSocket-Version: 7", "Sec-WebSocket-Key: x3JJHMbDL1EzLkh9GBhXDw=="}, 400},
		{"POST", "POST", "/echo/0/0/websocket", []string{"Upgrade: WebSocket", "Connection: Upgrade"}, 405},
		{"plain POST", "POST", "/echo/0/0/websocket", nil, 405},
		{"disabled", "GET", "/disabled_websocket_echo/0/0/websocket", nil, 404},
		{"raw disabled", "GET", "/disabled_websocket_echo/websocket", nil, 404},
	} {
		a := request(t, app.addr, c.method, c.path, "", c.header...)
		equal(t, c.name, a.status, c.status)
		if c.status == 400 {
			equal(t, c.name, a.body, "Not a valid websocket request")
		}
	}
}

func TestWebSocketTransport(t *testing.T) {
	t.Parallel()
	app := startConformance(t)
	ws := dialWS(t, app.addr, "/echo"+newSessionPath()+"/websocket")
	wsWant(t, ws, "o")
	wsSend(t, ws, `["a"]`)
	wsWant(t, ws, `a["a"]`)
	wsSend(t, ws, `"b"`)
	wsWant(t, ws, `a["b"]`)
}

func TestWebSocketClose(t *testing.T) {
	t.Parallel()
	app := startConformance(t)
	ws := dialWS(t, app.addr, "/close"+newSessionPath()+"/websocket")
	wsWant(t, ws, "o", `c[3000,"Go away!"]`)
	_, _, err := ws.ReadMessage()
	if !websocket.IsCloseError(err, 3000) {
		t.Errorf("after the close frame: %v", err)
	}
}

func TestWebSocketHeadersSanity(t *testing.T) {
	t.Parallel()
	app := startConformance(t)
	h := dialHTTP(t, app.addr)
	h.ask(http.MethodGet, "/echo"+newSessionPath()+"/websocket", "", "Upgrade: websocket", "Connection: keep-alive, Upgrade",
		"Sec-WebSocket-Version: 13", "Sec-WebSocket-Origin: http://asd", "Sec-WebSocket-Key: x3JJHMbDL1EzLkh9GBhXDw==")
	res := h.head(http.MethodGet)
	equal(t, "status", res.StatusCode, http.StatusSwitchingProtocols)
	equal(t, "accept", res.Header.Get("Sec-WebSocket-Accept"), "HSmrc0sMlYUkAGmm5OPpG2HaGWk=")
	equal(t, "upgrade", strings.ToLower(res.Header.Get("Upgrade")), "websocket")
	equal(t, "connection", strings.ToLower(res.Header.Get("Connection")), "upgrade")
	equal(t, "length", res.Header.Get("Content-Length"), "")
}

func TestWebSocketEmptyFrame(t *testing.T) {
	t.Parallel()
	app := startConformance(t)
	ws := dialWS(t, app.addr, "/echo"+newSessionPath()+"/websocket")
	wsWant(t, ws, "o")
	for _, empty := range []string{"", "[]", `[""]`, `""`} {
		wsSend(t, ws, empty)
	}
	wsSend(t, ws, `["a"]`)
	wsWant(t, ws, `a["a"]`)
}

// A WebSocket session lives and ends with its connection, whatever its id.
func TestWebSocketReuseSessionID(t *testing.T) {
	t.Parallel()
	app := startConformance(t)
	path := "/echo" + newSessionPath() + "/websocket"
	first, second := dialWS(t, app.addr, path), dialWS(t, app.addr, path)
	wsWant(t, first, "o")
	wsWant(t, second, "o")
	wsSend(t, first, `["a"]`)
	wsWant(t, first, `a["a"]`)
	wsSend(t, second, `["b"]`)
	wsWant(t, second, `a["b"]`)
	first.Close()
	second.Close()
	third := dialWS(t, app.addr, path)
	wsWant(t, third, "o")
	wsSend(t, third, `["a"]`)
	wsWant(t, third, `a["a"]`)
}

// Broken JSON ends the connection without another word.
func TestWebSocketBrokenJSON(t *testing.T) {
	t.Parallel()
	app := startConformance(t)
	for _, broken := range []string{`["a`, `{}`, `[1]`} {
		ws := dialWS(t, app.addr, "/echo"+newSessionPath()+"/websocket")
		wsWant(t, ws, "o")
		wsSend(t, ws, broken)
		if _, data, err := ws.ReadMessage(); !websocket.IsCloseError(err, websocket.CloseAbnormalClosure) {
			t.Errorf("after %s: %q, %v", broken, data, err)
		}
	}
}

// RFC 6455, 8.1, and it says why.
func TestWebSocketNotUTF8(t *testing.T) {
	t.Parallel()
	app := startConformance(t)
	for _, broken := range []string{"[\"a\xffb\"]", "\"\xed\xa0\xbd\"", "[\"a\"]\xff", "{\"\xc3"} {
		ws := dialWS(t, app.addr, "/echo"+newSessionPath()+"/websocket")
		wsWant(t, ws, "o")
		wsSend(t, ws, broken)
		wsWant(t, ws, `c[1007,"Not UTF-8"]`)
		if _, data, err := ws.ReadMessage(); !websocket.IsCloseError(err, 1007) {
			t.Errorf("after %q: %q, %v", broken, data, err)
		}
	}
}

func TestWebSocketMessageTooBig(t *testing.T) {
	t.Parallel()
	s := start(t, Config{MaxInbound: 1 << 10})
	ws := dialWS(t, s.addr, "/echo"+newSessionPath()+"/websocket")
	wsWant(t, ws, "o")
	fits := `["` + strings.Repeat("x", 1<<10-4) + `"]`
	wsSend(t, ws, fits)
	wsWant(t, ws, "a"+fits)
	wsSend(t, ws, fits+" ")
	wsWant(t, ws, `c[1009,"Message too big"]`)
}

func TestWebSocketHeartBeat(t *testing.T) {
	t.Parallel()
	s := start(t, Config{HeartBeat: 20 * time.Millisecond})
	ws := dialWS(t, s.addr, "/echo"+newSessionPath()+"/websocket")
	wsWant(t, ws, "o", "h", "h")
}

func TestRawWebSocket(t *testing.T) {
	t.Parallel()
	app := startConformance(t)
	ws := dialWS(t, app.addr, "/echo/websocket")
	wsSend(t, ws, "Hello world!\uffff")
	wsWant(t, ws, "Hello world!\uffff")
}

// The close of the raw WebSocket is its handler's, reason included.
func TestRawWebSocketClose(t *testing.T) {
	t.Parallel()
	s := start(t, Config{Raw: ws.New(ws.Config{}, func(*fiber.Ctx) func(*ws.Conn) {
		return func(conn *ws.Conn) { _ = conn.Close(3000, "Go away!") }
	})})
	client := dialWS(t, s.addr, "/echo/websocket")
	_, _, err := client.ReadMessage()
	var closed *websocket.CloseError
	if !errors.As(err, &closed) || closed.Code != 3000 || closed.Text != "Go away!" {
		t.Errorf("closed: %v", err)
	}
}

// Pings both ways are signs of life, and so are messages that hold nothing.
func TestWebSocketPings(t *testing.T) {
	t.Parallel()
	var alive atomic.Int32
	s := start(t, Config{Open: serving(func(conn Conn) {
		conn.Watch(func() { alive.Add(1) })
		if can, err := conn.Ping(); !can || err != nil {
			t.Errorf("ping: %v, %v", can, err)
		}
		wait(conn)
	})})
	ws := dialWS(t, s.addr, "/echo"+newSessionPath()+"/websocket")
	pinged, ponged := make(chan struct{}, 1), make(chan struct{}, 1)
	answer := ws.PingHandler()
	ws.SetPingHandler(func(data string) error { pinged <- struct{}{}; return answer(data) })
	ws.SetPongHandler(func(string) error { ponged <- struct{}{}; return nil })
	if err := ws.WriteControl(websocket.PingMessage, nil, time.Now().Add(patience)); err != nil {
		t.Fatal(err)
	}
	wsSend(t, ws, "[]")
	read := make(chan struct{})
	go func() { // ends when the test closes ws
		defer close(read)
		for {
			if _, _, err := ws.ReadMessage(); err != nil {
				return
			}
		}
	}()
	<-pinged
	<-ponged
	eventually(t, patience, "ping, pong and an empty message are seen", func() bool { return alive.Load() >= 3 })
	ws.Close()
	<-read
}

// The connection that a serving function sees when its client leaves: what it
// still has to say is written, and no c frame.
func TestReadAfterTheClientLeft(t *testing.T) {
	t.Parallel()
	errs := make(chan error, 1)
	s := start(t, Config{Open: serving(func(conn Conn) {
		_, err := conn.Read(make([]byte, 1))
		errs <- err
		if err := conn.WriteMessages([][]byte{[]byte("answer")}); err != nil {
			t.Error(err)
		}
	})})
	ws := dialWS(t, s.addr, "/echo"+newSessionPath()+"/websocket")
	wsWant(t, ws, "o")
	if err := ws.WriteControl(websocket.CloseMessage, websocket.FormatCloseMessage(4321, ""), time.Now().Add(patience)); err != nil {
		t.Fatal(err)
	}
	wsWant(t, ws, `a["answer"]`)
	if _, _, err := ws.ReadMessage(); !websocket.IsCloseError(err, 4321) {
		t.Fatal(err)
	}
	equal(t, "good order", <-errs, io.EOF)
}

// Messages taken together come in one frame, and large ones in several.
func TestWebSocketBatches(t *testing.T) {
	t.Parallel()
	big := strings.Repeat("x", 40<<10)
	s := start(t, Config{Open: serving(func(conn Conn) {
		_ = conn.WriteMessages([][]byte{[]byte("a"), []byte("b")})
		_ = conn.WriteMessages([][]byte{[]byte(big), []byte(big), []byte("c")})
		_ = conn.WriteMessages(nil)
	})})
	ws := dialWS(t, s.addr, "/echo"+newSessionPath()+"/websocket")
	quoted, err := json.Marshal(big)
	if err != nil {
		t.Fatal(err)
	}
	wsWant(t, ws, "o", `a["a","b"]`, `a[`+string(quoted)+`]`, `a[`+string(quoted)+`,"c"]`, `c[1000,"Normal closure"]`)
}

// Close from elsewhere ends a session whose client does not answer, and does
// so only once.
func TestWebSocketCloseFromElsewhere(t *testing.T) {
	t.Parallel()
	conns, over := make(chan Conn, 1), make(chan error, 1)
	s := start(t, Config{Open: serving(func(conn Conn) {
		conns <- conn
		_, err := conn.Read(make([]byte, 1))
		over <- err
	})})
	ws := dialWS(t, s.addr, "/echo"+newSessionPath()+"/websocket")
	conn := <-conns
	for range 3 {
		go conn.Close(1008, "replaced") // ends with its time-out at the latest
	}
	equal(t, "read", errors.Is(<-over, net.ErrClosed), true)
	wsWant(t, ws, "o", `c[1008,"replaced"]`)
}
