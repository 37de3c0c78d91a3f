package sockjs

import (
	"context"
	"log/slog"
	"net"
	"strconv"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	contrib "github.com/gofiber/contrib/websocket"
	"github.com/gofiber/fiber/v2"
	"github.com/valyala/fasthttp"
	"go.uber.org/goleak"

	"fiberchat.example/fiberchat/internal/stomp"
)

var _ stomp.Conn = Conn(nil)

func TestMain(m *testing.M) {
	// fasthttp's clock would otherwise begin in the bubble of a synctest.
	(&fasthttp.ResponseHeader{}).AppendBytes(nil)
	// These belong to fasthttp and to middleware of Fiber and end with the process.
	goleak.VerifyTestMain(m,
		goleak.IgnoreAnyFunction("github.com/valyala/fasthttp.updateServerDate.func1"),
		goleak.IgnoreAnyFunction("github.com/valyala/fasthttp.(*workerPool).Start.func2"),
		goleak.IgnoreAnyFunction("github.com/valyala/fasthttp/stackless.funcWorker"),
		goleak.IgnoreAnyFunction("github.com/gofiber/fiber/v2/middleware/logger.New.func1"),
		goleak.IgnoreAnyFunction("github.com/gofiber/fiber/v2/internal/memory.(*Storage).gc"),
		goleak.IgnoreAnyFunction("github.com/gofiber/fiber/v2/internal/memory.New.StartTimeStampUpdater.func1.1"), // inlined
		goleak.IgnoreAnyFunction("github.com/gofiber/utils.StartTimeStampUpdater.func1.1"),
		goleak.IgnoreAnyFunction("github.com/gofiber/fiber/v2/utils.StartTimeStampUpdater.func1.1"),
	)
}

// echo answers each read with what it read, one string for each NUL-ended
// frame or, if there is none, for each read.
func echo(conn Conn) {
	buf := make([]byte, 64<<10)
	for {
		n, err := conn.Read(buf)
		if err != nil {
			return
		}
		if conn.WriteMessages([][]byte{buf[:n]}) != nil {
			return
		}
	}
}

// wait reads until the session is over, as a server with nothing to say.
func wait(conn Conn) {
	var buf [256]byte
	for {
		if _, err := conn.Read(buf[:]); err != nil {
			return
		}
	}
}

func goAway(conn Conn) { conn.Close(3000, "Go away!") }

func serving(serve func(Conn)) func(*fiber.Ctx) func(Conn) {
	return func(*fiber.Ctx) func(Conn) { return serve }
}

// service is a Server under /echo of an app of its own.
type service struct {
	*Server
	app  *fiber.App
	addr string
}

// start serves cfg; what cfg leaves open is filled for tests.
func start(t testing.TB, cfg Config, before ...fiber.Handler) *service {
	t.Helper()
	if cfg.Key == nil {
		cfg.Key = func(c *fiber.Ctx) string { return c.Query("srect") }
	}
	if cfg.Open == nil {
		cfg.Open = serving(echo)
	}
	if cfg.Logger == nil {
		cfg.Logger = slog.New(slog.DiscardHandler)
	}
	server := New(cfg)
	app := fiber.New(fiber.Config{DisableStartupMessage: true, IdleTimeout: time.Minute})
	for _, handler := range before {
		app.Use(handler)
	}
	app.Use("/echo", server.CORS, server.Handler)
	return &service{Server: server, app: app, addr: listen(t, app, server)}
}

// listen serves app on a free port until the test ends.
func listen(t testing.TB, app *fiber.App, servers ...*Server) string {
	t.Helper()
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	serveOn(t, listener, app, servers...)
	return listener.Addr().String()
}

func serveOn(t testing.TB, listener net.Listener, app *fiber.App, servers ...*Server) {
	t.Helper()
	served := make(chan error, 1)
	go func() { served <- app.Listener(listener) }() // ends with Shutdown below
	t.Cleanup(func() {
		ctx, cancel := context.WithTimeout(context.Background(), 20*time.Second)
		defer cancel()
		for _, server := range servers {
			if err := server.Close(ctx); err != nil {
				t.Error(err)
			}
		}
		if err := app.ShutdownWithTimeout(20 * time.Second); err != nil {
			t.Error("shutdown:", err)
		}
		if err := <-served; err != nil {
			t.Error("serve:", err)
		}
	})
}

var sessions atomic.Int64

// newID is a session id that no other test uses.
func newID() string { return "s" + strconv.FormatInt(sessions.Add(1), 10) }

// waitForReceiver returns when a request of the session waits for frames.
func waitForReceiver(t testing.TB, server *Server, key sessionKey) {
	t.Helper()
	eventually(t, patience, "a receiver is attached", func() bool {
		session := server.find(key)
		if session == nil {
			return false
		}
		session.mu.Lock()
		defer session.mu.Unlock()
		return session.receiver != nil && session.opened && len(session.out) == 0
	})
}

// newSessionPath is /000/{session}, a session that no other test uses.
func newSessionPath() string { return "/000/" + newID() }

// conformance is the app that sockjs-protocol's suite wants to run against.
// It stays up for a whole test function and its subtests.
type conformance struct {
	addr string
	echo *Server
}

func startConformance(t testing.TB) conformance {
	t.Helper()
	app := fiber.New(fiber.Config{DisableStartupMessage: true})
	var servers []*Server
	mount := func(path string, cfg Config) *Server {
		cfg.Key = func(*fiber.Ctx) string { return "" }
		cfg.StreamLimit = 4096
		cfg.Logger = slog.New(slog.DiscardHandler)
		server := New(cfg)
		servers = append(servers, server)
		app.Use(path, server.CORS, server.Handler)
		return server
	}
	echoes := mount("/echo", Config{Open: serving(echo), Raw: rawEcho()})
	mount("/close", Config{Open: serving(goAway)})
	mount("/disabled_websocket_echo", Config{Open: serving(echo), Raw: rawEcho(), DisableWebSocket: true})
	mount("/cookie_needed_echo", Config{Open: serving(echo), JSessionID: true})
	return conformance{addr: listen(t, app, servers...), echo: echoes}
}

func rawEcho() fiber.Handler {
	return contrib.New(func(c *contrib.Conn) {
		for {
			kind, data, err := c.ReadMessage()
			if err != nil || c.WriteMessage(kind, data) != nil {
				return
			}
		}
	})
}

func eventually(t testing.TB, limit time.Duration, what string, ok func() bool) {
	t.Helper()
	deadline := time.NewTimer(limit)
	defer deadline.Stop()
	tick := time.NewTicker(2 * time.Millisecond)
	defer tick.Stop()
	for !ok() {
		select {
		case <-tick.C:
		case <-deadline.C:
			t.Fatalf("not within %s: %s", limit, what)
		}
	}
}

func contains(t testing.TB, got, want string) {
	t.Helper()
	if !strings.Contains(got, want) {
		t.Errorf("%q does not contain %q", got, want)
	}
}

func equal[T comparable](t testing.TB, what string, got, want T) {
	t.Helper()
	if got != want {
		t.Errorf("%s: got %#v, want %#v", what, got, want)
	}
}
