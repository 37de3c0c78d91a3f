package soak

import (
	"bytes"
	"crypto/rand"
	"crypto/sha256"
	"database/sql"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"sync"
	"testing"
	"time"

	"fiberchat.example/sqlstore"
)

const password = "correct horse battery"

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
	first, err := store.CreateUser(t.Context(), "user0", "", password)
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
	var in struct{ Secret string }
	if err := s.post("/api/user/login", "", map[string]string{"uname": a.name, "passwd": password}, &in); err != nil {
		return err
	}
	a.mu.Lock()
	defer a.mu.Unlock()
	a.token, a.tokens = in.Secret, append(a.tokens, in.Secret)
	return nil
}

// signOut ends the user's token.
func (s *server) signOut(a *account) error {
	return s.post("/api/user/logout", a.currentToken(), nil, nil)
}

// post makes one REST request on a connection of its own.
func (s *server) post(path, token string, body, content any) error {
	in, err := json.Marshal(body)
	if err != nil {
		return err
	}
	req, err := http.NewRequest(http.MethodPost, "http://"+s.addr+path, bytes.NewReader(in))
	if err != nil {
		return err
	}
	req.Header.Set("Content-Type", "application/json")
	if token != "" {
		req.Header.Set("Authorization", "Bearer "+token)
	}
	client := http.Client{Timeout: time.Minute, Transport: &http.Transport{DisableKeepAlives: true}}
	answer, err := client.Do(req)
	if err != nil {
		return err
	}
	defer answer.Body.Close()
	var out struct {
		Code    int
		Message string
		Content json.RawMessage
	}
	if err := json.NewDecoder(answer.Body).Decode(&out); err != nil {
		return fmt.Errorf("POST %s: %w", path, err)
	}
	if out.Code != 200 {
		return fmt.Errorf("POST %s: %d %s", path, out.Code, out.Message)
	}
	if content == nil {
		return nil
	}
	return json.Unmarshal(out.Content, content)
}
