package sockjs

import (
	"io"
	"net"
	"strings"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/fasthttp/websocket"
	"github.com/gofiber/fiber/v2"

	"fiberchat.example/fiberchat/internal/ws"
)

// stuck is a session whose writer waits for a client that reads nothing.
type stuck struct {
	ws     *websocket.Conn
	conn   Conn
	failed chan error  // what ended the writer
	read   chan string // what the session read
}

func startStuck(t *testing.T) *stuck {
	t.Helper()
	k := &stuck{failed: make(chan error, 1), read: make(chan string, 1)}
	conns := make(chan Conn, 1)
	var written atomic.Int64
	s := start(t, Config{Open: serving(func(conn Conn) {
		conns <- conn
		done := make(chan struct{})
		go func() { // ends when the client or the session has left
			defer close(done)
			message := [][]byte{[]byte(strings.Repeat("x", 1<<20))}
			for {
				if err := conn.WriteMessages(message); err != nil {
					k.failed <- err
					return
				}
				written.Add(1)
			}
		}()
		buf := make([]byte, 64)
		if n, err := conn.Read(buf); err == nil {
			k.read <- string(buf[:n])
		}
		<-done
	})})
	k.ws = dialWS(t, s.addr, "/echo"+newSessionPath()+"/websocket")
	k.conn = <-conns
	before, same := int64(-1), 0
	eventually(t, patience, "the writer is stuck", func() bool {
		now := written.Load()
		if same++; now != before {
			before, same = now, 0
		}
		return same > 50 && now > 0
	})
	return k
}

// A writer that is stuck because the client reads nothing does not keep Close.
func TestWebSocketCloseWhileStuck(t *testing.T) {
	t.Parallel()
	k := startStuck(t)
	began := time.Now()
	k.conn.Close(1008, "replaced")
	<-k.failed
	if took := time.Since(began); took >= 30*time.Second { // Config.WriteTimeout
		t.Errorf("Close took %s", took)
	}
}

// A ping that comes while a write waits is answered after it, and keeps the
// reader from nothing.
func TestWebSocketPingWhileStuck(t *testing.T) {
	t.Parallel()
	k := startStuck(t)
	for _, data := range []string{"first", "second"} {
		if err := k.ws.WriteControl(websocket.PingMessage, []byte(data), time.Now().Add(patience)); err != nil {
			t.Fatal(err)
		}
	}
	wsSend(t, k.ws, `["still here"]`)
	equal(t, "read", <-k.read, "still here")

	ponged := ""
	k.ws.SetPongHandler(func(data string) error { ponged = data; return nil })
	for ponged != "second" {
		if _, _, err := k.ws.ReadMessage(); err != nil {
			t.Fatal(err)
		}
	}
	k.ws.Close()
	<-k.failed
}

func TestWebSocketFrameLengths(t *testing.T) {
	t.Parallel()
	app := startConformance(t)
	ws := dialWS(t, app.addr, "/echo"+newSessionPath()+"/websocket")
	wsWant(t, ws, "o")
	for _, length := range []int{125, 126, 127, 1<<16 - 1, 1 << 16} {
		message := `["` + strings.Repeat("x", length-len(`a[""]`)) + `"]`
		s := "a" + message
		equal(t, "length", len(s), length)
		wsSend(t, ws, message)
		wsWant(t, ws, s)
	}
}

// A peer that does not keep to WebSocket's rules is told so, and nothing more.
func TestWebSocketBreach(t *testing.T) {
	t.Parallel()
	app := startConformance(t)
	ws := dialWS(t, app.addr, "/echo"+newSessionPath()+"/websocket")
	wsWant(t, ws, "o")
	if _, err := ws.NetConn().Write([]byte{0x83, 0x80, 0, 0, 0, 0}); err != nil { // there is no opcode 3
		t.Fatal(err)
	}
	if _, data, err := ws.ReadMessage(); !websocket.IsCloseError(err, websocket.CloseProtocolError) {
		t.Errorf("%q, %v", data, err)
	}
}

// watched tells how many reads of its connections have not returned.
type watched struct {
	net.Listener
	reading atomic.Int32
}

type watchedConn struct {
	net.Conn
	reading *atomic.Int32
}

func (l *watched) Accept() (net.Conn, error) {
	conn, err := l.Listener.Accept()
	return watchedConn{conn, &l.reading}, err
}

func (c watchedConn) Read(p []byte) (int, error) {
	c.reading.Add(1)
	defer c.reading.Add(-1)
	return c.Conn.Read(p)
}

// Close waits for those, too, that were refused and have not taken it in yet.
func TestCloseWaitsForRefusedWebSockets(t *testing.T) {
	t.Parallel()
	server := New(Config{Key: func(*fiber.Ctx) string { return "" }, Open: serving(wait), MaxSessions: 1})
	app := fiber.New(fiber.Config{DisableStartupMessage: true})
	app.Use("/echo", server.Handler)
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	l := &watched{Listener: listener}
	serveOn(t, l, app, server)
	addr := listener.Addr().String()
	first := dialWS(t, addr, "/echo"+newSessionPath()+"/websocket")
	wsWant(t, first, "o")
	refused := dialWS(t, addr, "/echo"+newSessionPath()+"/websocket")
	wsWant(t, refused, `c[1013,"Too many sessions"]`)
	first.Close()
	if err := server.Close(t.Context()); err != nil {
		t.Fatal(err)
	}
	equal(t, "unfinished", l.reading.Load(), 0)
}

// A client that takes no h frame is given up, though nobody else writes to it.
func TestWebSocketBeatsNobody(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		server, client := net.Pipe()
		served := make(chan struct{})
		go func() {
			defer close(served)
			cfg := Config{HeartBeat: 25 * time.Second, MaxInbound: 100}
			ws.Serve(server, 30*time.Second, func(conn *ws.Conn) {
				w := newSocket(conn, &cfg)
				defer w.finish()
				w.open()
				began := time.Now()
				_, err := w.Read(make([]byte, 1))
				equal(t, "read", err, net.ErrClosed)
				equal(t, "given up after", time.Since(began).Round(2*time.Second), 56*time.Second)
			})
		}()
		if _, err := io.ReadFull(client, make([]byte, len("\x81\x01o"))); err != nil {
			t.Fatal(err)
		}
		<-served
		_ = client.Close()
	})
}

// Parts of a message show that the client lives, though they hold nothing.
func TestWebSocketEmptyFragmentsAreLife(t *testing.T) {
	t.Parallel()
	alive := make(chan struct{}, 10)
	s := start(t, Config{Open: serving(func(conn Conn) {
		conn.Watch(func() { alive <- struct{}{} })
		wait(conn)
	})})
	ws := dialWS(t, s.addr, "/echo"+newSessionPath()+"/websocket")
	wsWant(t, ws, "o")
	for _, frame := range [][]byte{{0x01, 0x80, 0, 0, 0, 0}, {0x00, 0x80, 0, 0, 0, 0}} {
		if _, err := ws.NetConn().Write(frame); err != nil {
			t.Fatal(err)
		}
		<-alive
	}
}

// What need not wait goes out at once, in SockJS's framing; more than one
// frame of it does not.
func TestWebSocketTryWrite(t *testing.T) {
	t.Parallel()
	s := start(t, Config{Open: serving(func(conn Conn) {
		equal(t, "two frames", conn.TryWriteMessages([][]byte{make([]byte, maxBatch), make([]byte, maxBatch)}), false)
		if msgs := [][]byte{[]byte(`"a"`), []byte("b")}; !conn.TryWriteMessages(msgs) {
			if err := conn.WriteMessages(msgs); err != nil { // where sockets cannot be asked
				t.Error(err)
			}
		}
		wait(conn)
		equal(t, "after the end", conn.TryWriteMessages([][]byte{nil}), false)
	})})
	ws := dialWS(t, s.addr, "/echo"+newSessionPath()+"/websocket")
	wsWant(t, ws, "o", `a["\"a\"","b"]`)
}

// What is decoded and not read is unread.
func TestWebSocketUnread(t *testing.T) {
	t.Parallel()
	done := make(chan struct{})
	s := start(t, Config{Open: serving(func(conn Conn) {
		defer close(done)
		for _, want := range []bool{true, false} {
			if _, err := conn.Read(make([]byte, 1)); err != nil {
				t.Error(err)
			}
			equal(t, "unread", conn.Unread(), want)
		}
	})})
	ws := dialWS(t, s.addr, "/echo"+newSessionPath()+"/websocket")
	wsSend(t, ws, `["ab"]`)
	<-done
}
