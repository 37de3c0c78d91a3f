package fiberchat

import (
	"context"
	"fmt"
	"log/slog"
	"net"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/gofiber/fiber/v2"

	"fiberchat.example/fiberchat/chat"
)

// anybody is a directory in which everybody is.
type anybody struct{}

func (anybody) UserByID(_ context.Context, id int64) (chat.User, error) {
	return chat.User{ID: id, Name: fmt.Sprint("u", id)}, nil
}

func (anybody) Authenticate(context.Context, string) (chat.Identity, error) {
	return chat.Identity{}, chat.ErrUnauthorized
}

// pipe is a connection without sockets: what goes in, and each frame that comes out.
type pipe struct {
	in, out chan string
	over    chan struct{}
	once    sync.Once
	rest    string
}

func (c *pipe) Watch(func()) {}

func (c *pipe) Read(p []byte) (int, error) {
	if c.rest == "" {
		select {
		case c.rest = <-c.in:
		case <-c.over:
			return 0, net.ErrClosed
		}
	}
	n := copy(p, c.rest)
	c.rest = c.rest[n:]
	return n, nil
}

func (c *pipe) WriteMessages(msgs [][]byte) error {
	for _, m := range msgs {
		c.out <- string(m)
	}
	return nil
}

func (c *pipe) TryWriteMessages([][]byte) bool { return false }

func (c *pipe) Unread() bool { return false }

func (c *pipe) Ping() (bool, error) { return true, nil }

func (c *pipe) Close(int, string) error {
	c.once.Do(func() { close(c.over) })
	return nil
}

func newPipe() *pipe {
	return &pipe{in: make(chan string, 10), out: make(chan string, 1000), over: make(chan struct{})}
}

// want reads a frame that holds text.
func (c *pipe) want(t *testing.T, text string) {
	t.Helper()
	select {
	case f := <-c.out:
		if !strings.Contains(f, text) {
			t.Fatalf("got %q, want %q", f, text)
		}
	case <-time.After(10 * time.Second):
		t.Fatalf("%q did not come", text)
	}
}

// nothing checks that no frame is on its way.
func (c *pipe) nothing(t *testing.T) {
	t.Helper()
	c.in <- "UNSUBSCRIBE\nid:none\nreceipt:nothing\n\n\x00"
	c.want(t, "receipt-id:nothing")
}

// pipeConfig is for users that everybody knows.
func pipeConfig(store chat.Store, logger *slog.Logger) Config {
	return Config{Store: store, Authenticator: anybody{}, Directory: anybody{}, Limits: Limits{SendRate: -1, SendBytes: -1}, Logger: logger}
}

func openChat(t *testing.T, store chat.Store, logger *slog.Logger) *Chat {
	t.Helper()
	return openConfig(t, pipeConfig(store, logger))
}

func openConfig(t *testing.T, cfg Config) *Chat {
	t.Helper()
	ch, err := New(fiber.New(fiber.Config{ReadBufferSize: 16 << 10}), cfg)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := ch.closeWithin(10 * time.Second); err != nil {
			t.Error(err)
		}
	})
	return ch
}

// listen connects a user who subscribes to messages.
func (ch *Chat) listen(t *testing.T, id int64) *pipe {
	t.Helper()
	c := newPipe()
	identity := chat.Identity{TokenID: fmt.Sprint("t", id), User: chat.User{ID: id, Name: fmt.Sprint("u", id)}}
	go ch.serve(c, identity, "pipe", "", time.Now()) // Close waits for it
	c.in <- fmt.Sprintf("CONNECT\naccept-version:1.2\n\n\x00SUBSCRIBE\nid:1\nreceipt:s\ndestination:/user/%d/recive\n\n\x00", id)
	c.want(t, "CONNECTED")
	c.want(t, "receipt-id:s")
	return c
}

// stored saves a message to user 2 past the node.
func stored(t *testing.T, s chat.Store, chatID string) *chat.Result {
	t.Helper()
	r, err := s.Apply(t.Context(), []chat.Op{{Save: &chat.Message{ChatID: chatID, SenderID: 1, ReceiverID: 2, Content: "x"}}})
	if err != nil || r[0].Err != nil {
		t.Fatal(err, r)
	}
	return &r[0]
}

func quiet() *slog.Logger { return slog.New(slog.DiscardHandler) }
