package fiberchat_test

import (
	"context"
	"crypto/hmac"
	"crypto/rand"
	"crypto/sha256"
	"database/sql"
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/gofiber/fiber/v2"
	"github.com/jmoiron/sqlx"

	"fiberchat.example/fiberchat"
	"fiberchat.example/fiberchat/chat"
	"fiberchat.example/fiberchat/chattest"
	"fiberchat.example/sqlstore"
)

// shop is an app with users of its own, who are known by UUIDs and have a
// number beside it for chat. Each wish of its owner is a method or a hook
// below, on the public API, without SQL on chat's tables.
type shop struct {
	db     *sqlx.DB
	store  *sqlstore.Store
	chats  *fiberchat.Chat
	key    []byte
	pushes chan string
}

func newShop(t *testing.T) (*shop, *fiber.App) {
	t.Helper()
	db, err := sqlx.Open("sqlite3", "file:"+filepath.Join(t.TempDir(), "shop.db")+"?_journal_mode=WAL&_synchronous=FULL&_busy_timeout=5000")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = db.Close() })
	db.MustExec(`CREATE TABLE users (uuid TEXT PRIMARY KEY, chat_id INTEGER UNIQUE, name TEXT);
		CREATE TABLE orders (buyer INTEGER, seller INTEGER);
		CREATE TABLE blocked (who INTEGER, by_whom INTEGER)`)
	store, err := sqlstore.New(db)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = store.Close() })
	s := &shop{db: db, store: store, key: []byte(rand.Text()), pushes: make(chan string, 100)}
	app := newApp()
	s.chats, err = fiberchat.New(app, fiberchat.Config{
		Store: store, Authenticator: chat.AuthenticatorFunc(s.authenticate), Directory: chat.DirectoryFunc(s.user),
		CanSend: s.canSend, Overdue: s.push, OverdueAfter: time.Second,
	})
	if err != nil {
		t.Fatal(err)
	}
	s.chats.Handle("/app/typing", s.typing)
	return s, app
}

// signUp makes a user, and a JSON Web Token (RFC 7519) for it.
func (s *shop) signUp(name string) (token string, user chat.User) {
	uuid := rand.Text()
	s.db.MustExec("INSERT INTO users (uuid, chat_id, name) VALUES (?, (SELECT COALESCE(MAX(chat_id), 0) + 1 FROM users), ?)", uuid, name)
	user.Name = name
	_ = s.db.Get(&user.ID, "SELECT chat_id FROM users WHERE uuid = ?", uuid)
	claims, _ := json.Marshal(map[string]any{"jti": "t-" + uuid, "sub": uuid, "exp": time.Now().Add(time.Hour).Unix()})
	head := base64.RawURLEncoding.EncodeToString([]byte(`{"alg":"HS256","typ":"JWT"}`)) + "." + base64.RawURLEncoding.EncodeToString(claims)
	return head + "." + s.signature(head), user
}

func (s *shop) signature(head string) string {
	mac := hmac.New(sha256.New, s.key)
	mac.Write([]byte(head))
	return base64.RawURLEncoding.EncodeToString(mac.Sum(nil))
}

// parseJWT stands for a library's.
func (s *shop) parseJWT(token string) (jti, sub string, exp time.Time, err error) {
	part := strings.Split(token, ".")
	if len(part) != 3 || !hmac.Equal([]byte(part[2]), []byte(s.signature(part[0]+"."+part[1]))) {
		return "", "", exp, chat.ErrUnauthorized
	}
	var c struct {
		JTI, Sub string
		Exp      int64
	}
	text, err := base64.RawURLEncoding.DecodeString(part[1])
	if err == nil {
		err = json.Unmarshal(text, &c)
	}
	return c.JTI, c.Sub, time.Unix(c.Exp, 0), err
}

// Own users, with UUIDs and JWT.
func (s *shop) authenticate(ctx context.Context, token string) (chat.Identity, error) {
	jti, uuid, exp, err := s.parseJWT(token)
	if err != nil {
		return chat.Identity{}, chat.ErrUnauthorized
	}
	identity := chat.Identity{TokenID: jti, ExpiresAt: exp}
	return identity, s.db.QueryRowContext(ctx, "SELECT chat_id, name FROM users WHERE uuid = ?", uuid).Scan(&identity.User.ID, &identity.User.Name)
}

func (s *shop) user(ctx context.Context, id int64) (u chat.User, err error) {
	err = s.db.QueryRowContext(ctx, "SELECT chat_id, name FROM users WHERE chat_id = ?", id).Scan(&u.ID, &u.Name)
	if errors.Is(err, sql.ErrNoRows) {
		return u, chat.ErrNotFound
	}
	return u, err
}

// Who has an order with somebody may write to them, unless blocked.
func (s *shop) canSend(ctx context.Context, from, to chat.User) error {
	var orders, blocked int
	err := s.db.QueryRowContext(ctx, `SELECT (SELECT COUNT(*) FROM orders WHERE (buyer, seller) IN (VALUES (?1, ?2), (?2, ?1))),
		(SELECT COUNT(*) FROM blocked WHERE who = ?1 AND by_whom = ?2)`, from.ID, to.ID).Scan(&orders, &blocked)
	switch {
	case err == nil && blocked > 0:
		return chat.Refuse("Blocked", "this person takes no messages from you")
	case err == nil && orders == 0:
		return chat.Refuse("NoOrder", "you have no order with each other")
	}
	return err
}

// Push for what was not confirmed, with the badge.
func (s *shop) push(_ context.Context, to chat.User, unconfirmed []chat.Message) error {
	last := unconfirmed[len(unconfirmed)-1]
	s.pushes <- fmt.Sprintf("%s: %d, the last from %s", to.Name, len(unconfirmed), last.SenderName)
	return nil
}

// Typing, to whom one may write.
func (s *shop) typing(ctx context.Context, r *fiberchat.Request) error {
	var body struct{ To int64 }
	if err := json.Unmarshal(r.Body, &body); err != nil {
		return chat.Refuse("BadBody", "typing needs to")
	}
	if err := s.chats.MayWrite(ctx, r.From.ID, body.To); err != nil {
		return err
	}
	return s.chats.Push(ctx, body.To, "typing", map[string]int64{"from": r.From.ID})
}

// The list of conversations, and the badge of all of them.
func (s *shop) badge(ctx context.Context, userID int64) (list []chat.Summary, unread int, err error) {
	list, err = s.chats.Conversations(ctx, userID, 0, 50)
	for _, c := range list {
		unread += c.Unread
	}
	return list, unread, err
}

// Forget a user.
func (s *shop) forget(ctx context.Context, userID int64) (int64, error) {
	if _, err := s.db.ExecContext(ctx, "DELETE FROM users WHERE chat_id = ?", userID); err != nil {
		return 0, err
	}
	s.chats.Disconnect(userID)
	return s.store.Forget(ctx, userID)
}

// TestShop: a day at the shop, with real clients over both doors.
func TestShop(t *testing.T) {
	t.Parallel()
	s, app := newShop(t)
	server := chattest.Serve(t, app)
	ctx := t.Context()
	annToken, ann := s.signUp("ann")
	bobToken, bob := s.signUp("bob")
	eveToken, eve := s.signUp("eve")
	a := server.Dial(annToken)
	b := server.Dial(bobToken, chattest.SockJS("xhr-streaming"))

	if status := a.Send(bob.ID, "is it there yet?"); status.Error != "NoOrder" || status.Code != -303 {
		t.Error("without an order:", status)
	}
	s.db.MustExec("INSERT INTO orders (buyer, seller) VALUES (?, ?)", ann.ID, bob.ID)
	typing := b.Subscribe("/user/queue/app/typing")
	a.Raw(fmt.Sprintf("SEND\ndestination:/app/typing\n\n{\"to\":%d}\x00", bob.ID))
	if got := string(<-typing); got != fmt.Sprintf(`{"from":%d}`, ann.ID) {
		t.Error("typing:", got)
	}
	for _, text := range []string{"is it there yet?", "hello?"} {
		if status := a.Send(bob.ID, text); status.Code != 200 {
			t.Fatal("with an order:", status)
		}
	}
	first := b.Next()
	if status := b.Confirm(first); status.Code != 200 {
		t.Error(status)
	}

	// The second one is not confirmed: a push, with the badge.
	if got := <-s.pushes; got != "bob: 1, the last from ann" {
		t.Error("push:", got)
	}
	list, unread, err := s.badge(ctx, bob.ID)
	if err != nil || unread != 2 || len(list) != 1 || list[0].Other.Name != "ann" || list[0].Last.Content != "hello?" {
		t.Error(list, unread, err)
	}
	second := b.Next()
	if err := s.chats.MarkRead(ctx, bob.ID, ann.ID, second.ID); err != nil {
		t.Fatal(err)
	}
	if list, unread, err := s.badge(ctx, bob.ID); err != nil || unread != 0 || list[0].ReadByMe != second.ID {
		t.Error(list, unread, err)
	}

	s.db.MustExec("INSERT INTO blocked (who, by_whom) VALUES (?, ?)", ann.ID, bob.ID)
	if status := a.Send(bob.ID, "HELLO?"); status.Error != "Blocked" || status.Code != -303 {
		t.Error("blocked:", status)
	}

	// Eve knows nobody, and her ticket is good for one connection.
	identity, err := s.authenticate(ctx, eveToken)
	if err != nil || identity.User != eve {
		t.Fatal(identity, err)
	}
	ticket, err := s.chats.Ticket(ctx, identity)
	if err != nil {
		t.Fatal(err)
	}
	e := server.Dial(ticket)
	if status := e.Send(ann.ID, "hi"); status.Error != "NoOrder" {
		t.Error("eve:", status)
	}
	if _, err := chattest.Open(ctx, server.Addr, ticket); !errors.Is(err, chattest.Refused{Status: 401}) {
		t.Error("the ticket again:", err)
	}

	if n, err := s.forget(ctx, ann.ID); err != nil || n != 2 {
		t.Error("forgot", n, err)
	}
	if _, err := a.Ended(); err == nil {
		t.Error("ann is still there")
	}
	if _, err := chattest.Open(ctx, server.Addr, annToken); err == nil {
		t.Error("ann comes back")
	}
	if list, _, err := s.badge(ctx, bob.ID); err != nil || len(list) != 0 {
		t.Error("bob still has", list, err)
	}
	b.Init() // what was not confirmed is gone
	b.Nothing()
}
