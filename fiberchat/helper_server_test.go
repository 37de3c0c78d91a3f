package fiberchat_test

import (
	"bytes"
	"context"
	"io"
	"log/slog"
	"net/http"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/gofiber/fiber/v2"

	"fiberchat.example/fiberchat"
	"fiberchat.example/fiberchat/chat"
	"fiberchat.example/fiberchat/chattest"
	"fiberchat.example/sqlstore"
)

// patience is how long a test waits for what must come; nothing that passes
// waits for all of it.
const patience = 20 * time.Second

// people is an Authenticator and a Directory: "t-NAME" is a token of the user
// NAME, and so is "t-NAME.2"; its TokenID begins with "id-" instead.
type people struct {
	mu    sync.Mutex
	users []chat.User
	until map[string]time.Time // token -> its end
	ended map[string]bool      // tokens that are no more
	asked func(token string)   // called before an answer, unless nil
}

// newPeople numbers the users from 1.
func newPeople(names ...string) *people {
	p := &people{until: make(map[string]time.Time), ended: make(map[string]bool)}
	for i, n := range names {
		p.users = append(p.users, chat.User{ID: int64(i + 1), Name: n})
	}
	return p
}

func (p *people) Authenticate(_ context.Context, token string) (chat.Identity, error) {
	identity, err := p.identify(token)
	if p.asked != nil {
		p.asked(token)
	}
	return identity, err
}

func (p *people) identify(token string) (chat.Identity, error) {
	p.mu.Lock()
	defer p.mu.Unlock()
	rest, _ := strings.CutPrefix(token, "t-")
	name, _, _ := strings.Cut(rest, ".")
	for _, u := range p.users {
		if u.Name != name || p.ended[token] {
			continue
		}
		end := p.until[token]
		if !end.IsZero() && time.Now().After(end) {
			return chat.Identity{}, chat.ErrExpired
		}
		return chat.Identity{TokenID: "id-" + rest, User: u, ExpiresAt: end}, nil
	}
	return chat.Identity{}, chat.ErrUnauthorized
}

func (p *people) end(token string) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.ended[token] = true
}

func (p *people) UserByID(_ context.Context, id int64) (chat.User, error) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if id < 1 || id > int64(len(p.users)) {
		return chat.User{}, chat.ErrNotFound
	}
	return p.users[id-1], nil
}

// server is an app with chat on a real port, over a real file.
type server struct {
	t    *testing.T
	app  *fiber.App
	chat *fiberchat.Chat
	addr string
	logs *syncBuffer
}

type syncBuffer struct {
	mu sync.Mutex
	b  bytes.Buffer
}

func (s *syncBuffer) Write(p []byte) (int, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.b.Write(p)
}

func (s *syncBuffer) String() string {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.b.String()
}

func openStore(t testing.TB) *sqlstore.Store {
	t.Helper()
	return openStoreAt(t, filepath.Join(t.TempDir(), "chat.db"))
}

func openStoreAt(t testing.TB, path string) *sqlstore.Store {
	t.Helper()
	store, err := sqlstore.Open(path)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := store.Close(); err != nil {
			t.Error("close store:", err)
		}
	})
	return store
}

// configFor fills in what a test does not care for: alice (1), bob (2) and
// carol (3), a store in a file, and a log to look at.
func configFor(t testing.TB, cfg fiberchat.Config) (fiberchat.Config, *syncBuffer) {
	t.Helper()
	if cfg.Authenticator == nil {
		p := newPeople("alice", "bob", "carol")
		cfg.Authenticator, cfg.Directory = p, p
	}
	if cfg.Store == nil {
		cfg.Store = openStore(t)
	}
	logs := new(syncBuffer)
	if cfg.Logger == nil {
		cfg.Logger = slog.New(slog.NewTextHandler(logs, &slog.HandlerOptions{Level: slog.LevelDebug}))
	}
	return cfg, logs
}

func newApp() *fiber.App {
	return fiber.New(fiber.Config{DisableStartupMessage: true, ReadBufferSize: 16 << 10})
}

// serve runs chat as configFor completes cfg.
func serve(t *testing.T, cfg fiberchat.Config) *server {
	t.Helper()
	cfg, logs := configFor(t, cfg)
	s := &server{t: t, app: newApp(), logs: logs}
	var err error
	if s.chat, err = fiberchat.New(s.app, cfg); err != nil {
		t.Fatal(err)
	}
	s.addr = listen(t, s.app)
	return s
}

// listen serves app on a free port until the test ends.
func listen(t testing.TB, app *fiber.App) string {
	t.Helper()
	return chattest.Serve(t, app).Addr
}

// get asks for a path as a page of that origin would.
func get(t testing.TB, addr, path, origin string) (*http.Response, string) {
	t.Helper()
	r, err := http.NewRequest(http.MethodGet, "http://"+addr+path, nil)
	if err != nil {
		t.Fatal(err)
	}
	r.Close = true
	if origin != "" {
		r.Header.Set("Origin", origin)
	}
	return answer(t, r)
}

func answer(t testing.TB, r *http.Request) (*http.Response, string) {
	t.Helper()
	c := http.Client{Timeout: patience, Transport: &http.Transport{DisableKeepAlives: true}}
	resp, err := c.Do(r)
	if err != nil {
		t.Fatal(err)
	}
	body, err := io.ReadAll(resp.Body)
	if err != nil {
		t.Fatal(err)
	}
	_ = resp.Body.Close()
	return resp, string(body)
}
