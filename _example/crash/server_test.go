package crash

import (
	"context"
	"fmt"
	"log/slog"
	"net"
	"path/filepath"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/gofiber/fiber/v2"

	"fiberchat.example/fiberchat"
	"fiberchat.example/fiberchat/chat"
	"fiberchat.example/sqlstore"
)

// server is fiberchat in this process, where its memory can be measured.
type server struct {
	addr  string
	store *sqlstore.Store
}

// everybody is who may sign in: any user, with a token that says its id.
type everybody struct{}

func user(id int64) account {
	return account{id: id, name: fmt.Sprintf("user%d", id), token: fmt.Sprintf("token%d", id)}
}

func (everybody) UserByID(_ context.Context, id int64) (chat.User, error) {
	return chat.User{ID: id, Name: user(id).name}, nil
}

func (everybody) Authenticate(_ context.Context, token string) (chat.Identity, error) {
	id, err := strconv.ParseInt(strings.TrimPrefix(token, "token"), 10, 64)
	if err != nil {
		return chat.Identity{}, chat.ErrUnauthorized
	}
	return chat.Identity{TokenID: token, User: chat.User{ID: id, Name: user(id).name}}, nil
}

// serve runs fiberchat until the test ends.
func serve(t *testing.T) *server {
	t.Helper()
	store, err := sqlstore.Open(filepath.Join(t.TempDir(), "chat.db"))
	if err != nil {
		t.Fatal(err)
	}
	app := fiber.New(fiber.Config{DisableStartupMessage: true})
	chats, err := fiberchat.New(app, fiberchat.Config{
		Store: store, Authenticator: everybody{}, Directory: everybody{}, SendRate: -1,
		Logger: slog.New(slog.DiscardHandler),
	})
	if err != nil {
		t.Fatal(err)
	}
	ln, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	served := make(chan error, 1)
	// Waited for in the clean-up below.
	go func() { served <- app.Listener(ln) }()
	t.Cleanup(func() {
		ctx, cancel := context.WithTimeout(context.Background(), patience)
		defer cancel()
		if err := app.ShutdownWithContext(ctx); err != nil {
			t.Errorf("shut the app down: %v", err)
		}
		if err := <-served; err != nil {
			t.Errorf("serve: %v", err)
		}
		if err := chats.Close(ctx); err != nil {
			t.Errorf("close chat: %v", err)
		}
		if err := store.Close(); err != nil {
			t.Errorf("close store: %v", err)
		}
	})
	return &server{addr: ln.Addr().String(), store: store}
}

// fill stores n messages past the wire, unconfirmed.
func (s *server) fill(t *testing.T, from, to account, n int) {
	t.Helper()
	const batch = 1000
	now := time.Now().UTC().Truncate(time.Millisecond)
	for done := 0; done < n; {
		ops := make([]chat.Op, min(batch, n-done))
		for i := range ops {
			ops[i].Save = &chat.Message{
				ChatID: fmt.Sprintf("%040x", done), SenderID: from.id, ReceiverID: to.id,
				SenderName: from.name, ReceiverName: to.name, Content: fmt.Sprintf("第 %d 条", done), Time: now,
			}
			done++
		}
		if _, err := s.store.Apply(context.Background(), ops); err != nil {
			t.Fatal(err)
		}
	}
}
