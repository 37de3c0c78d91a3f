package soak

import (
	"crypto/rand"
	"crypto/sha256"
	"database/sql"
	"errors"
	"fmt"
	"sync"
	"testing"
	"time"

	"fiberchat.example/_example/rig"
	"fiberchat.example/sqlstore"
)

// account is a user of the server.
type account struct {
	id   int64
	name string

	mu     sync.Mutex
	token  string
	tokens []string // every one there was
}

func (a *account) currentToken() string {
	a.mu.Lock()
	defer a.mu.Unlock()
	return a.token
}

// makeAccounts puts n users and a token of each into a database that no server
// uses yet. Only the first password is hashed, which takes a while: the others
// have the same.
func makeAccounts(t *testing.T, file string, n int) (all []*account) {
	t.Helper()
	store, err := sqlstore.Open(file)
	if err != nil {
		t.Fatal(err)
	}
	first, err := store.CreateUser(t.Context(), "user0", "", rig.Password)
	if err := errors.Join(err, store.Close()); err != nil {
		t.Fatal(err)
	}
	db, err := sql.Open("sqlite3", "file:"+file+"?_txlock=immediate")
	if err != nil {
		t.Fatal(err)
	}
	defer db.Close()
	tx, err := db.Begin()
	if err != nil {
		t.Fatal(err)
	}
	defer tx.Rollback() //nolint:errcheck // it was committed
	for i := range n {
		a := &account{id: first.ID + int64(i), name: fmt.Sprint("user", i), token: rand.Text()}
		a.tokens = []string{a.token}
		all = append(all, a)
		if i > 0 {
			_, err = tx.Exec("INSERT INTO fiberchat_users (id, name, name_key, display_name, password, created_at) SELECT ?, ?, ?, '', password, created_at FROM fiberchat_users WHERE id = ?", a.id, a.name, a.name, first.ID)
		}
		hash := sha256.Sum256([]byte(a.token))
		_, tokenErr := tx.Exec("INSERT INTO fiberchat_tokens (hash, user_id, expires_at) VALUES (?, ?, ?)", hash[:], a.id, time.Now().Add(24*time.Hour).UnixMilli())
		if err := errors.Join(err, tokenErr); err != nil {
			t.Fatal(err)
		}
	}
	if err := tx.Commit(); err != nil {
		t.Fatal(err)
	}
	return all
}

// signIn gives the user one more token.
func (s *server) signIn(a *account) error {
	token, err := s.SignIn(a.name)
	if err != nil {
		return err
	}
	a.mu.Lock()
	defer a.mu.Unlock()
	a.token, a.tokens = token, append(a.tokens, token)
	return nil
}

// signOut ends the user's token.
func (s *server) signOut(a *account) error { return s.SignOut(a.currentToken()) }
