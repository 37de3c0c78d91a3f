package crash

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"path/filepath"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/gofiber/fiber/v2"

	"fiberchat.example/_example/rig"
	"fiberchat.example/fiberchat"
	"fiberchat.example/fiberchat/chat"
	"fiberchat.example/fiberchat/chattest"
	"fiberchat.example/sqlstore"
)

// server is fiberchat in this process, where its memory can be measured.
type server struct {
	addr  string
	store *sqlstore.Store
}

// everybody is who may sign in: any user, with a token that says its id.
type everybody struct{}

func user(id int64) rig.Account {
	return rig.Account{ID: id, Name: fmt.Sprintf("user%d", id), Token: fmt.Sprintf("token%d", id)}
}

func (everybody) UserByID(_ context.Context, id int64) (chat.User, error) {
	return chat.User{ID: id, Name: user(id).Name}, nil
}

func (everybody) Authenticate(_ context.Context, token string) (chat.Identity, error) {
	id, err := strconv.ParseInt(strings.TrimPrefix(token, "token"), 10, 64)
	if err != nil {
		return chat.Identity{}, chat.ErrUnauthorized
	}
	return chat.Identity{TokenID: token, User: chat.User{ID: id, Name: user(id).Name}}, nil
}

// serve runs fiberchat until the test ends.
func serve(t *testing.T) *server {
	t.Helper()
	store, err := sqlstore.Open(filepath.Join(t.TempDir(), "chat.db"))
	if err != nil {
		t.Fatal(err)
	}
	app := fiber.New(fiber.Config{DisableStartupMessage: true, ReadBufferSize: 16 << 10})
	chats, err := fiberchat.New(app, fiberchat.Config{
		Store: store, Authenticator: everybody{}, Directory: everybody{}, Limits: fiberchat.Limits{SendRate: -1, SendBytes: -1, Pending: -1},
		Logger: slog.New(slog.DiscardHandler),
	})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { // when the app is down
		ctx, cancel := context.WithTimeout(context.Background(), patience)
		defer cancel()
		if err := errors.Join(chats.Close(ctx), store.Close()); err != nil {
			t.Error("close:", err)
		}
	})
	return &server{addr: chattest.Serve(t, app).Addr, store: store}
}

// fill stores n messages past the wire, unconfirmed.
func (s *server) fill(t *testing.T, from, to rig.Account, n int) {
	t.Helper()
	const batch = 1000
	now := time.Now().UTC().Truncate(time.Millisecond)
	for done := 0; done < n; {
		ops := make([]chat.Op, min(batch, n-done))
		for i := range ops {
			ops[i].Save = &chat.Message{
				ChatID: fmt.Sprintf("%040x", done), SenderID: from.ID, ReceiverID: to.ID,
				SenderName: from.Name, ReceiverName: to.Name, Content: fmt.Sprintf("第 %d 条", done), Time: now,
			}
			done++
		}
		if _, err := s.store.Apply(context.Background(), ops); err != nil {
			t.Fatal(err)
		}
	}
}
