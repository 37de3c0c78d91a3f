package main

import (
	"fmt"
	"net/http"
	"net/http/httptest"
	"sync"
	"testing"
)

// A school's computers share an address, and a lesson begins for all at once.
func TestClassSignsInAtOnce(t *testing.T) {
	t.Parallel()
	var people []string
	for i := range 100 {
		people = append(people, fmt.Sprint("pupil", i))
	}
	s := newSite(t, newLimits(50, 10), people...)
	var all sync.WaitGroup
	for _, name := range people {
		all.Go(func() { // awaited below
			if r := s.signIn(t, "192.0.2.1", name, password); r.status != 200 {
				t.Errorf("%s: %d %s", name, r.status, r.Message)
			}
		})
	}
	all.Wait()
}

func TestWrongPasswordsAreLimited(t *testing.T) {
	t.Parallel()
	s := newSite(t, unhurried(10), "ada", "bob")
	for range 10 {
		if r := s.signIn(t, "192.0.2.1", "ada", "wrong one"); r.Code != -200 {
			t.Fatalf("got %+v", r)
		}
	}
	// From now on the right password does not help either, however it is typed.
	for _, name := range []string{"ada", "ADA", "a\u200dda", "ａｄａ"} {
		s.signIn(t, "192.0.2.1", name, password).wantRefused(t)
	}
	for from, name := range map[string]string{"192.0.2.1": "bob", "192.0.2.2": "ada"} {
		if r := s.signIn(t, from, name, password); r.status != 200 {
			t.Errorf("%s from %s: %d %s", name, from, r.status, r.Message)
		}
	}
	// By the address too, whatever the names.
	for i := range 50 {
		if r := s.signIn(t, "192.0.2.1", fmt.Sprint("stranger", i), "wrong one"); r.Code != -200 {
			t.Fatalf("wrong password %d: %d %s", 10+i+1, r.status, r.Message)
		}
	}
	s.signIn(t, "192.0.2.1", "stranger", "wrong one").wantRefused(t)
	// Nothing is hashed or looked up for who is refused: there is no store any more.
	s.signIn(t, "192.0.2.3", "ada", password)
	s.db.Close()
	s.signIn(t, "192.0.2.1", "ada", password).wantRefused(t)
	if r := s.signIn(t, "192.0.2.3", "ada", password); r.status != 500 {
		t.Errorf("from elsewhere: %d %s, want 500 of the closed database", r.status, r.Message)
	}
}

// What the server could not check is nobody's attempt.
func TestServersFaultIsNotCounted(t *testing.T) {
	t.Parallel()
	s := newSite(t, newLimits(50, 10), "ada")
	s.db.Close()
	for range 70 {
		if r := s.signIn(t, "192.0.2.1", "ada", password); r.status != 500 {
			t.Fatalf("got %+v", r)
		}
	}
}

func TestRightPasswordsAreLimited(t *testing.T) {
	t.Parallel()
	s := newSite(t, unhurried(10), "ada", "bob")
	for i := range 60 {
		if r := s.signIn(t, fmt.Sprintf("192.0.2.%d", i%10), "ada", password); r.status != 200 {
			t.Fatalf("sign-in %d: %d %s", i+1, r.status, r.Message)
		}
	}
	s.signIn(t, "192.0.2.1", "ADA", password).wantRefused(t)
	if r := s.signIn(t, "192.0.2.1", "bob", password); r.status != 200 {
		t.Errorf("bob: %d %s", r.status, r.Message)
	}
	var tokens int
	if err := s.db.Get(&tokens, "SELECT COUNT(*) FROM fiberchat_tokens"); err != nil || tokens > 65 {
		t.Errorf("%d tokens, %v", tokens, err)
	}
}

func TestSignUpsAreLimited(t *testing.T) {
	t.Parallel()
	s := newSite(t, unhurried(3), "ada")
	create := func(from, name string) reply {
		return s.post(t, "/api/user/create", from, map[string]string{"uname": name, "passwd": password, "rpasswd": password})
	}
	for _, test := range []struct {
		name string
		want int
	}{{"a/b", 400}, {"one", 200}, {"ADA", 409}, {"two", 200}, {"ada", 409}, {"three", 200}} { // what is refused costs nothing
		if r := create("192.0.2.1", test.name); r.status != test.want {
			t.Errorf("%s: %d %s, want %d", test.name, r.status, r.Message, test.want)
		}
	}
	create("192.0.2.1", "four").wantRefused(t)
	if r := create("192.0.2.2", "five"); r.status != 200 {
		t.Errorf("from elsewhere: %d %s", r.status, r.Message)
	}
	// Who asks which names are taken is limited as who guesses passwords is.
	for range 60 {
		if r := create("192.0.2.3", "ada"); r.errorName() != "NameTaken" {
			t.Fatalf("got %+v", r)
		}
	}
	s.db.Close()
	create("192.0.2.1", "six").wantRefused(t)
	create("192.0.2.3", "six").wantRefused(t)
}

// What one user asks for is limited, and nobody else suffers.
func TestRequestsAreLimited(t *testing.T) {
	t.Parallel()
	s := newSite(t, newLimits(1, 10), "ada", "bob")
	get := func(name string) func() reply {
		var p person
		s.signIn(t, "192.0.2.1", name, password).decode(t, &p)
		return func() reply {
			req := httptest.NewRequest(http.MethodGet, "/api/user/list", nil)
			req.Header.Set("Authorization", "Bearer "+p.Secret)
			return s.do(t, req)
		}
	}
	ada, ada2, bob := get("ada"), get("ada"), get("bob")
	var r reply
	for i := 0; r.status != 429; i++ {
		if r = ada(); i > 1000 {
			t.Fatal("no limit")
		}
	}
	r.wantRefused(t)
	for i := 0; r.status != 429; i++ {
		if r = ada2(); i > 1000 {
			t.Fatal("another token of hers is not limited")
		}
	}
	if r := bob(); r.status != 200 {
		t.Errorf("bob: %d %s", r.status, r.Message)
	}
}

func TestSignUpsAreLimitedByDefault(t *testing.T) {
	t.Parallel()
	s := start(t)
	create := func(i int) reply {
		return call(t, s, "POST", "/api/user/create", "", map[string]string{"uname": fmt.Sprint("user", i), "passwd": password, "rpasswd": password})
	}
	for i := range 10 {
		if r := create(i); r.status != 200 {
			t.Fatalf("account %d: %d %s", i+1, r.status, r.Message)
		}
	}
	create(10).wantRefused(t)
}
