package sockjs

import (
	"context"
	"errors"
	"net/http"
	"testing"

	"github.com/fasthttp/websocket"
	"github.com/gofiber/fiber/v2"
)

const goingAway = `c[1001,"going away"]`

// Close tells every receiver, and waits for everything there is.
func TestServerClose(t *testing.T) {
	t.Parallel()
	s := start(t, Config{})
	id := newID()
	path := "/echo/0/" + id
	equal(t, "open", polled(t, s.addr, path+"/xhr"), "o\n")
	poll := dialHTTP(t, s.addr)
	poll.ask(http.MethodPost, path+"/xhr", "")
	waitForReceiver(t, s.Server, sessionKey{id: id})
	var streams []*streaming
	for _, c := range streamCases {
		stream := c.open(t, s.addr, "/echo"+newSessionPath())
		stream.want(c.frame("o"))
		streams = append(streams, stream)
	}
	ws := dialWS(t, s.addr, "/echo"+newSessionPath()+"/websocket")
	wsWant(t, ws, "o")
	told := make(chan error, 1)
	go func() { // ends when the server answers the close
		_, frame, err := ws.ReadMessage()
		if err == nil && string(frame) == goingAway {
			_, _, err = ws.ReadMessage()
		}
		told <- err
	}()

	ctx, cancel := context.WithTimeout(context.Background(), patience)
	defer cancel()
	for range 2 {
		if err := s.Close(ctx); err != nil {
			t.Fatal(err)
		}
	}
	equal(t, "poll", poll.answer(http.MethodPost).body, goingAway+"\n")
	for i, stream := range streams {
		stream.want(streamCases[i].frame(goingAway))
		stream.ended()
	}
	if err := <-told; !websocket.IsCloseError(err, 1001) {
		t.Error("websocket:", err)
	}
	equal(t, "sessions left", len(s.sessions)+len(s.sockets)+len(s.perUser), 0)

	// Afterwards there are no sessions to be had.
	equal(t, "poll", polled(t, s.addr, "/echo"+newSessionPath()+"/xhr"), goingAway+"\n")
	equal(t, "stream", polled(t, s.addr, "/echo"+newSessionPath()+"/xhr_streaming"), string(xhrPrelude)+goingAway+"\n")
	wsWant(t, dialWS(t, s.addr, "/echo"+newSessionPath()+"/websocket"), goingAway)
	equal(t, "send", post(t, s.addr, path+"/xhr_send", `["a"]`).status, http.StatusNotFound)
}

func TestServerCloseGivesUpWithItsContext(t *testing.T) {
	t.Parallel()
	release := make(chan struct{})
	s := start(t, Config{Open: serving(func(Conn) { <-release })})
	t.Cleanup(func() { close(release) }) // runs before start's, which closes again
	equal(t, "open", polled(t, s.addr, "/echo"+newSessionPath()+"/xhr"), "o\n")
	ctx, cancel := context.WithCancel(context.Background())
	cancel()
	equal(t, "error", errors.Is(s.Close(ctx), context.Canceled), true)
}

// An app that shuts down waits for its requests: polls must not keep it, and
// streams end with a word.
func TestAppShutdownIsNotBlocked(t *testing.T) {
	t.Parallel()
	for _, mounted := range []bool{false, true} {
		server := New(Config{Key: func(*fiber.Ctx) string { return "" }, Open: serving(wait), MaxInbound: 10})
		app := fiber.New(fiber.Config{DisableStartupMessage: true})
		if mounted {
			sub := fiber.New()
			sub.Use("/echo", server.Handler)
			app.Mount("/", sub)
		} else {
			app.Use("/echo", server.Handler)
		}
		addr := listen(t, app, server)
		id := newID()
		path := "/echo/0/" + id
		equal(t, "open", polled(t, addr, path+"/xhr"), "o\n")
		poll := dialHTTP(t, addr)
		poll.ask(http.MethodPost, path+"/xhr", "")
		waitForReceiver(t, server, sessionKey{id: id})
		stream := xhrStream(t, addr, "/echo"+newSessionPath())
		stream.want("o\n")

		if err := app.ShutdownWithTimeout(patience); err != nil {
			t.Fatal(err)
		}
		equal(t, "poll", poll.answer(http.MethodPost).body, goingAway+"\n")
		stream.want(goingAway + "\n")
		stream.ended()
	}
}

// Who serves a session may still say something when the app shuts down.
func TestLastWordAtAppShutdown(t *testing.T) {
	t.Parallel()
	server := New(Config{
		Key: func(*fiber.Ctx) string { return "" },
		Open: func(c *fiber.Ctx) func(Conn) {
			stopping := c.Context().Done()
			return func(conn Conn) {
				<-stopping
				if err := conn.WriteMessages([][]byte{[]byte("stored")}); err != nil {
					t.Error(err)
				}
				conn.Close(3000, "Go away!")
			}
		},
	})
	app := fiber.New(fiber.Config{DisableStartupMessage: true})
	app.Use("/echo", server.Handler)
	addr := listen(t, app, server)
	stream := xhrStream(t, addr, "/echo"+newSessionPath())
	stream.want("o\n")
	if err := app.ShutdownWithTimeout(patience); err != nil {
		t.Fatal(err)
	}
	stream.want("a[\"stored\"]\n", "c[3000,\"Go away!\"]\n")
	stream.ended()
}

// A stream that was asked for before the server closed, and begins after it,
// says so.
func TestStreamOfAClosedServer(t *testing.T) {
	eachStream(t, func(t *testing.T, c streamCase) {
		var s *service
		started := make(chan struct{})
		s = start(t, Config{}, func(ctx *fiber.Ctx) error {
			if err := ctx.Next(); err != nil {
				return err
			}
			<-started
			limited, cancel := context.WithTimeout(context.Background(), patience)
			defer cancel()
			return s.Close(limited)
		})
		close(started)
		stream := c.open(t, s.addr, "/echo"+newSessionPath())
		stream.want(c.frame(goingAway))
		stream.ended()
	})
}
