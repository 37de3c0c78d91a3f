package chattest

import (
	"context"
	"errors"
	"net"
	"testing"
	"time"

	"github.com/gofiber/fiber/v2"
)

// defaultPatience bounds each wait of a client, shutdownPatience the end of a
// server.
const (
	defaultPatience  = 10 * time.Second
	shutdownPatience = 30 * time.Second
)

// Server is an app that listens.
type Server struct {
	Addr string // host and port
	t    testing.TB
}

// Serve has app listen on a free port of 127.0.0.1 until the test ends, and
// then shuts it down, which ends the chat in it. The test fails when the app
// cannot listen or does not shut down within 30 seconds.
func Serve(t testing.TB, app *fiber.App) *Server {
	t.Helper()
	ln, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal("chattest:", err)
	}
	return ServeOn(t, app, ln)
}

// ServeOn is Serve on a listener of the caller's, which it closes.
func ServeOn(t testing.TB, app *fiber.App, ln net.Listener) *Server {
	t.Helper()
	ended := make(chan error, 1)
	go func() { ended <- app.Listener(ln) }() // joined by the clean-up
	t.Cleanup(func() {
		if err := app.ShutdownWithTimeout(shutdownPatience); err != nil {
			t.Error("chattest: shut down:", err)
		}
		_ = ln.Close() // also when the server had not begun to serve
		if err := <-ended; err != nil && !errors.Is(err, net.ErrClosed) {
			t.Error("chattest: serve:", err)
		}
	})
	return At(t, ln.Addr().String())
}

// At is a server at addr, host and port, that somebody else runs.
func At(t testing.TB, addr string) *Server { return &Server{Addr: addr, t: t} }

// Dial connects with a token until the test ends, through /client unless an
// option says otherwise, and subscribes to the user's messages, statuses and
// failures: what is sent to the user from now on arrives. The test fails when
// the token is refused; [Open] returns how.
func (s *Server) Dial(token string, opts ...Option) *Client {
	s.t.Helper()
	o := options{patience: defaultPatience}
	for _, option := range opts {
		option(&o)
	}
	ctx, cancel := context.WithTimeout(s.t.Context(), o.patience)
	defer cancel()
	conn, err := Open(ctx, s.Addr, token, append(opts, Patience(o.patience))...)
	if err != nil {
		s.t.Fatal("chattest:", err)
	}
	c := NewClient(s.t, conn)
	c.connect()
	return c
}
