package rig

import (
	"bytes"
	"encoding/json"
	"fmt"
	"net/http"
	"testing"
)

// client keeps no connections, so that a server's sockets can be counted.
var client = http.Client{Timeout: patience, Transport: &http.Transport{DisableKeepAlives: true}}

// Account is a user with a token.
type Account struct {
	ID          int64
	Name, Token string
}

// Password is that of every account.
const Password = "correct horse battery"

// SignUp makes an account and signs it in.
func (p *Process) SignUp(t testing.TB, name string) Account {
	t.Helper()
	var created struct{ UID int64 }
	err := p.Post("/api/user/create", "", map[string]string{"uname": name, "nname": name, "passwd": Password, "rpasswd": Password}, &created)
	if err != nil {
		t.Fatal(err)
	}
	return Account{ID: created.UID, Name: name, Token: p.MustSignIn(t, name)}
}

// MustSignIn is SignIn in a test, which it ends when it fails.
func (p *Process) MustSignIn(t testing.TB, name string) (token string) {
	t.Helper()
	token, err := p.SignIn(name)
	if err != nil {
		t.Fatal(err)
	}
	return token
}

// SignIn gives a user one more token.
func (p *Process) SignIn(name string) (token string, err error) {
	var in struct{ Secret string }
	err = p.Post("/api/user/login", "", map[string]string{"uname": name, "passwd": Password}, &in)
	return in.Secret, err
}

// SignOut ends a token, and its sessions.
func (p *Process) SignOut(token string) error {
	return p.Post("/api/user/logout", token, map[string]string{}, nil)
}

// Post makes one REST request on a connection of its own, with a token unless
// it is empty, and reads the content of the answer unless content is nil.
func (p *Process) Post(path, token string, body, content any) error {
	in, err := json.Marshal(body)
	if err != nil {
		return err
	}
	r, err := http.NewRequest(http.MethodPost, "http://"+p.Addr+path, bytes.NewReader(in))
	if err != nil {
		return err
	}
	r.Header.Set("Content-Type", "application/json")
	if token != "" {
		r.Header.Set("Authorization", "Bearer "+token)
	}
	answer, err := client.Do(r)
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
