package sockjs

import (
	"io"
	"net"
	"sync"
	"testing"

	"github.com/gofiber/fiber/v2"

	"fiberchat.example/fiberchat/internal/ws"
)

// counted is a listener that knows how many of its connections are open.
type counted struct {
	net.Listener
	up sync.WaitGroup
}

type countedConn struct {
	*net.TCPConn
	close func()
}

func (l *counted) Accept() (net.Conn, error) {
	conn, err := l.Listener.Accept()
	if err != nil {
		return nil, err
	}
	l.up.Add(1)
	return &countedConn{conn.(*net.TCPConn), sync.OnceFunc(l.up.Done)}, nil
}

func (c *countedConn) Close() error {
	defer c.close()
	return c.TCPConn.Close()
}

// A server that leaves hijacked connections to who hijacked them loses none,
// whoever ends the session.
func TestKeepHijackedConns(t *testing.T) {
	t.Parallel()
	server := New(Config{
		Key: func(*fiber.Ctx) string { return "" }, Open: serving(wait), MaxSessions: 4,
		Raw: ws.New(ws.Config{}, func(*fiber.Ctx) func(*ws.Conn) { return func(conn *ws.Conn) { _, _ = io.Copy(io.Discard, conn) } }),
	})
	app := fiber.New(fiber.Config{DisableStartupMessage: true})
	app.Server().KeepHijackedConns = true
	app.Use("/echo", server.Handler)
	tcp, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	l := &counted{Listener: tcp}
	serveOn(t, l, app, server)
	addr := tcp.Addr().String()
	stream := func() *streaming {
		s := xhrStream(t, addr, "/echo"+newSessionPath())
		s.want("o\n")
		return s
	}
	left, ended := stream(), stream()
	socketLeft := dialWS(t, addr, "/echo"+newSessionPath()+"/websocket")
	socketEnded := dialWS(t, addr, "/echo"+newSessionPath()+"/websocket")
	wsWant(t, socketLeft, "o")
	wsWant(t, socketEnded, "o")
	refused := dialWS(t, addr, "/echo"+newSessionPath()+"/websocket")
	wsWant(t, refused, `c[1013,"Too many sessions"]`)
	rawLeft := dialWS(t, addr, "/echo/websocket")
	for _, c := range []interface{ Close() error }{left, socketLeft, refused, rawLeft} {
		if err := c.Close(); err != nil {
			t.Error(err)
		}
	}
	if err := server.Close(t.Context()); err != nil {
		t.Error(err)
	}
	ended.want(goingAway + "\n")
	ended.ended()
	wsWant(t, socketEnded, goingAway)
	l.up.Wait() // else the test's time-out tells
}
