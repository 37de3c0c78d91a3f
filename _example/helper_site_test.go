package main

import (
	"encoding/base64"
	"encoding/json"
	"net/http"
	"net/http/httptest"
	"path/filepath"
	"strings"
	"testing"

	"github.com/gofiber/fiber/v2"
	"github.com/jmoiron/sqlx"
	"golang.org/x/crypto/argon2"

	"fiberchat.example/sqlstore"
)

// site is the REST side in this process, with passwords that take no time.
type site struct {
	app   *fiber.App
	store *sqlstore.Store
	db    *sqlx.DB
}

func newSite(t *testing.T, l limits, people ...string) site {
	t.Helper()
	db, err := sqlx.Open("sqlite3", "file:"+filepath.Join(t.TempDir(), "chat.db")+"?_busy_timeout=10000&_journal_mode=WAL")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { db.Close() })
	store, err := sqlstore.New(db)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { store.Close() })
	salt := make([]byte, 16)
	b64 := base64.RawStdEncoding.EncodeToString
	stored := "$argon2id$v=19$m=8,t=1,p=1$" + b64(salt) + "$" + b64(argon2.IDKey([]byte(password), salt, 1, 8, 1, 32))
	for _, name := range people {
		db.MustExec("INSERT INTO fiberchat_users (name, name_key, display_name, password, created_at) VALUES (?, ?, ?, ?, 0)", name, sqlstore.NameKey(name), name, stored)
	}
	s := site{newApp("X-Real-IP", []string{"0.0.0.0"}), store, db} // the address of app.Test
	mountAccounts(s.app, store, nil, l)
	return s
}

// post sends body as JSON from an address.
func (s site) post(t *testing.T, path, from string, body any) reply {
	raw, err := json.Marshal(body)
	if err != nil {
		t.Error(err)
	}
	req := httptest.NewRequest(http.MethodPost, path, strings.NewReader(string(raw)))
	req.Header.Set("Content-Type", "application/json")
	req.Header.Set("X-Real-IP", from)
	return s.do(t, req)
}

func (s site) do(t *testing.T, req *http.Request) reply {
	res, err := s.app.Test(req, -1)
	if err != nil {
		t.Error(err)
		return reply{}
	}
	defer res.Body.Close()
	r := reply{status: res.StatusCode, header: res.Header}
	if err := json.NewDecoder(res.Body).Decode(&r); err != nil && req.Method != http.MethodHead {
		t.Errorf("%s %s: %v", req.Method, req.URL, err)
	}
	return r
}

func (s site) signIn(t *testing.T, from, name, passwd string) reply {
	return s.post(t, "/api/user/login", from, map[string]string{"uname": name, "passwd": passwd})
}

func (r reply) wantRefused(t *testing.T) {
	t.Helper()
	if r.status != 429 || r.Code != -400 || r.errorName() != "RateLimited" || r.header.Get("Retry-After") == "" {
		t.Errorf("%d %d %s %s, Retry-After %q, want 429", r.status, r.Code, r.Message, r.Content, r.header.Get("Retry-After"))
	}
}

// unhurried are the limits of newLimits in which nothing comes back during a test.
func unhurried(signUps int) limits {
	l := newLimits(50, signUps)
	for _, b := range []*buckets{l.failures, l.guesses, l.signIns, l.signUps} {
		b.every *= 1000
	}
	return l
}
