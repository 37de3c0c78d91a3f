package fiberchat_test

import (
	"context"
	"math/rand/v2"
	"strings"
	"sync"
	"testing"
	"time"

	"fiberchat.example/fiberchat"
	"fiberchat.example/fiberchat/chat"
)

// TestOnConnectAndOnDisconnect: the first session and the last one, over whatever door.
func TestOnConnectAndOnDisconnect(t *testing.T) {
	t.Parallel()
	eachDoor(t, func(t *testing.T, d door) {
		told := make(chan string, 100)
		s := serve(t, fiberchat.Config{
			SockJS:       fiberchat.SockJS{DisconnectDelay: quick},
			OnConnect:    func(_ context.Context, u chat.User) { told <- "+" + u.Name },
			OnDisconnect: func(_ context.Context, u chat.User) { told <- "-" + u.Name },
		})
		want := func(word string) {
			t.Helper()
			if got := hookTold(t, told); got != word {
				t.Errorf("told %s, want %s", got, word)
			}
		}
		first := d.connect(t, s.addr, "t-alice")
		want("+alice")
		second := native.connect(t, s.addr, "t-alice")
		first.Close()
		b := native.connect(t, s.addr, "t-bob")
		want("+bob")
		second.Cut()
		want("-alice")
		native.connect(t, s.addr, "t-alice")
		want("+alice")
		b.Close()
		want("-bob")
		if err := s.chat.Close(t.Context()); err != nil {
			t.Fatal(err)
		}
		want("-alice")
		if len(told) > 0 {
			t.Error("told more:", <-told)
		}
	})
}

// TestOnDisconnectAlone: either may be left out.
func TestOnDisconnectAlone(t *testing.T) {
	t.Parallel()
	told := make(chan chat.User, 10)
	s := serve(t, fiberchat.Config{OnDisconnect: func(_ context.Context, u chat.User) { told <- u }})
	for deadline := time.After(patience); ; {
		native.connect(t, s.addr, "t-bob").Cut()
		select {
		case got := <-told:
			if got != (chat.User{ID: 2, Name: "bob"}) {
				t.Error(got)
			}
			return
		case <-time.After(100 * time.Millisecond): // bob may have come and gone before anybody looked
		case <-deadline:
			t.Fatal("the hook was not told")
		}
	}
}

// TestLastWordOnConnections: however users come and go, and however slow the
// hooks are, what the app was told last is how it is.
func TestLastWordOnConnections(t *testing.T) {
	t.Parallel()
	seed := uint64(time.Now().UnixNano())
	t.Log("seed", seed)
	random := rand.New(rand.NewPCG(seed, 0))
	var mu sync.Mutex
	up, changed := map[string]bool{}, make(chan struct{}, 1)
	set := func(name string, now bool) {
		mu.Lock()
		defer mu.Unlock()
		if up[name] == now {
			t.Errorf("%s was told twice: %v", name, now)
		}
		up[name] = now
		select {
		case changed <- struct{}{}:
		default:
		}
	}
	s := serve(t, fiberchat.Config{
		OnConnect:    func(_ context.Context, u chat.User) { set(u.Name, true) },
		OnDisconnect: func(_ context.Context, u chat.User) { set(u.Name, false) },
	})
	names := []string{"alice", "bob", "carol"}
	sessions := map[string][]*client{}
	for range 200 {
		name := names[random.IntN(3)]
		if open := sessions[name]; len(open) == 0 || len(open) < 3 && random.IntN(2) == 0 {
			sessions[name] = append(open, native.connect(t, s.addr, "t-"+name))
		} else {
			open[0].Cut()
			sessions[name] = open[1:]
		}
	}
	timeout := time.After(patience)
	for {
		mu.Lock()
		right := true
		for _, name := range names {
			right = right && up[name] == (len(sessions[name]) > 0)
		}
		mu.Unlock()
		if right {
			break
		}
		select {
		case <-changed:
		case <-timeout:
			t.Fatalf("told %v", up)
		}
	}
}

// TestReconnectWhileAHookIsSlow: who is back before it was told has not been away.
func TestReconnectWhileAHookIsSlow(t *testing.T) {
	t.Parallel()
	told, goOn := make(chan string, 10), make(chan struct{})
	tell := func(sign string) func(context.Context, chat.User) {
		return func(_ context.Context, u chat.User) {
			told <- sign + u.Name
			<-goOn
		}
	}
	s := serve(t, fiberchat.Config{OnConnect: tell("+"), OnDisconnect: tell("-")})
	a := native.connect(t, s.addr, "t-alice")
	if got := hookTold(t, told); got != "+alice" {
		t.Fatal(got)
	}
	a.Cut()
	native.connect(t, s.addr, "t-alice")
	close(goOn)
	native.connect(t, s.addr, "t-bob")
	last := "+alice"
	for got := ""; got != "+bob"; {
		if got = hookTold(t, told); strings.HasSuffix(got, "alice") { // where the server noticed the cut in time
			last = got
		}
	}
	if last != "+alice" {
		t.Error("the last word:", last)
	}
	if err := s.chat.Close(t.Context()); err != nil {
		t.Fatal(err)
	}
}

// TestConnectionHooksFail: what one call does is nothing to the next one.
func TestConnectionHooksFail(t *testing.T) {
	t.Parallel()
	for _, fault := range faults[1:] {
		t.Run(fault.name, func(t *testing.T) {
			t.Parallel()
			told := make(chan string, 10)
			s := serve(t, fiberchat.Config{
				Timeouts: fiberchat.Timeouts{Store: quick * 10},
				OnConnect: func(ctx context.Context, u chat.User) {
					if u.Name == "alice" {
						_ = fault.do(ctx)
					}
					told <- u.Name
				},
			})
			online(t, s.addr, "alice")
			b := online(t, s.addr, "bob")
			b.tell("m1", 1, "x")
			for hookTold(t, told) != "bob" {
			}
			if !strings.Contains(s.logs.String(), "hook=OnConnect") {
				t.Error("nothing was logged")
			}
		})
	}
}
