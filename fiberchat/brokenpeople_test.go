package fiberchat_test

import (
	"context"
	"net/http"
	"strings"
	"sync"
	"testing"

	"fiberchat.example/fiberchat"
	"fiberchat.example/fiberchat/chat"
	"fiberchat.example/fiberchat/storetest"
)

// brokenPeople fails as a test says, and else answers as people does.
type brokenPeople struct {
	*people
	mu          sync.Mutex
	fault, auth func(ctx context.Context) error
}

func (p *brokenPeople) set(directory, auth func(ctx context.Context) error) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.fault, p.auth = directory, auth
}

func (p *brokenPeople) UserByID(ctx context.Context, id int64) (chat.User, error) {
	p.mu.Lock()
	fault := p.fault
	p.mu.Unlock()
	if fault != nil {
		return chat.User{}, fault(ctx)
	}
	return p.people.UserByID(ctx, id)
}

func (p *brokenPeople) Authenticate(ctx context.Context, token string) (chat.Identity, error) {
	p.mu.Lock()
	fault := p.auth
	p.mu.Unlock()
	if fault != nil {
		return chat.Identity{}, fault(ctx)
	}
	return p.people.Authenticate(ctx, token)
}

func TestDirectoryFails(t *testing.T) {
	t.Parallel()
	for _, fault := range faults {
		t.Run(fault.name, func(t *testing.T) {
			t.Parallel()
			p := &brokenPeople{people: newPeople("alice", "bob", "carol")}
			s := serve(t, fiberchat.Config{Authenticator: p, Directory: p, Store: storetest.NewMemory(), Timeouts: fiberchat.Timeouts{Store: quick}})
			a, b := online(t, s.addr, "alice"), online(t, s.addr, "bob")
			p.set(fault.do, nil)
			a.say("m1", 3, "x") // carol is not online
			a.tryAgain("m1")
			b.say("m1", 3, "x")
			b.tryAgain("m1")
			p.set(nil, nil)
			a.tell("m1", 3, "x")
			a.nothing()
		})
	}
}

func TestAuthenticatorFails(t *testing.T) {
	t.Parallel()
	for _, fault := range faults {
		t.Run(fault.name, func(t *testing.T) {
			t.Parallel()
			p := &brokenPeople{people: newPeople("alice", "bob")}
			s := serve(t, fiberchat.Config{Authenticator: p, Directory: p, Store: storetest.NewMemory(), Timeouts: fiberchat.Timeouts{Store: quick}})
			a := online(t, s.addr, "alice")
			p.set(nil, fault.do)
			for _, path := range []string{"/client", "/socketServer/info", "/socketServer/000/abcd/websocket"} {
				resp, body := get(t, s.addr, path+"?srect=t-bob", "")
				if resp.StatusCode != http.StatusServiceUnavailable || strings.Contains(body, "secret") || !strings.Contains(body, `"code":-300`) {
					t.Error(path, resp.Status, body)
				}
			}
			p.set(nil, nil)
			b := online(t, s.addr, "bob")
			a.tell("m1", 2, "x") // who was in stays in
			b.message("/user/bob/recive")
		})
	}
}

// TestCanSendFails: an error that is no refusal means that it could not find
// out, whatever it wraps.
func TestCanSendFails(t *testing.T) {
	t.Parallel()
	for _, fault := range []struct {
		name   string
		err    error
		answer string
	}{
		{"panic", nil, "Internal"}, {"error", errSecret, "StoreUnavailable"}, {"canceled", context.Canceled, "StoreUnavailable"},
		{"not found", chat.ErrNotFound, "StoreUnavailable"}, {"conflict", chat.ErrConflict, "StoreUnavailable"}, {"unauthorized", chat.ErrUnauthorized, "StoreUnavailable"},
	} {
		t.Run(fault.name, func(t *testing.T) {
			t.Parallel()
			s := serve(t, fiberchat.Config{CanSend: func(_ context.Context, _, to chat.User) error {
				if to.Name != "carol" {
					return nil
				}
				if fault.err == nil {
					panic(errSecret)
				}
				return fault.err
			}})
			a, b := online(t, s.addr, "alice"), online(t, s.addr, "bob")
			a.say("m1", 3, "x")
			if text := a.refused("m1", -300, fault.answer); strings.Contains(text, "secret") {
				t.Error("the app's reason reached the client:", text)
			}
			a.tell("m2", 2, "x")
			b.message("/user/bob/recive")
			if !strings.Contains(s.logs.String(), "level=ERROR") {
				t.Error("nothing was logged")
			}
		})
	}
}

// TestCanSendHasADeadline: what comes after it does not count, be it a yes.
func TestCanSendHasADeadline(t *testing.T) {
	t.Parallel()
	for name, late := range map[string]func(context.Context) error{
		"error": context.Context.Err,
		"yes":   func(context.Context) error { return nil },
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			hook := func(ctx context.Context) error {
				<-ctx.Done()
				return late(ctx)
			}
			s := serve(t, fiberchat.Config{
				Store: storetest.NewMemory(), Timeouts: fiberchat.Timeouts{Store: quick},
				CanSend: func(ctx context.Context, _, to chat.User) error {
					if to.Name == "carol" {
						return nil
					}
					return hook(ctx)
				},
				BeforeSave: func(ctx context.Context, _ *chat.Message) error { return hook(ctx) },
			})
			a := online(t, s.addr, "alice")
			a.say("m1", 2, "x")
			a.refused("m1", -300, "StoreUnavailable")
			a.say("m2", 3, "x")
			a.refused("m2", -300, "StoreUnavailable")
			a.nothing()
		})
	}
}
