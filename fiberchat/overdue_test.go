package fiberchat_test

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/prometheus/client_golang/prometheus"

	"fiberchat.example/fiberchat"
	"fiberchat.example/fiberchat/chat"
	"fiberchat.example/fiberchat/storetest"
)

// overdueCall is what Overdue was told.
type overdueCall struct {
	to     chat.User
	msgIDs []string
}

func (c overdueCall) String() string { return c.to.Name + " " + strings.Join(c.msgIDs, ",") }

// overdueTo tells a channel.
func overdueTo(calls chan<- overdueCall) func(context.Context, chat.User, []chat.Message) error {
	return func(_ context.Context, to chat.User, unconfirmed []chat.Message) error {
		c := overdueCall{to: to}
		for _, m := range unconfirmed {
			c.msgIDs = append(c.msgIDs, m.ChatID)
		}
		calls <- c
		return nil
	}
}

func wantCall(t *testing.T, calls <-chan overdueCall, want string) {
	t.Helper()
	if got := hookTold(t, calls).String(); got != want {
		t.Fatalf("told of %s, want %s", got, want)
	}
}

// soon makes messages overdue within two seconds.
const soon = time.Millisecond

// TestOverdue: who has not confirmed in time is told about, connected or not,
// once for each message that is overdue.
func TestOverdue(t *testing.T) {
	t.Parallel()
	for name, store := range map[string]chat.Store{"sqlstore": openStore(t), "memory": storetest.NewMemory()} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			if _, err := store.Apply(t.Context(), []chat.Op{{Save: &chat.Message{
				ChatID: "before", SenderID: 1, SenderName: "alice", ReceiverID: 3, ReceiverName: "carol", Content: "x", Time: time.Now(),
			}}}); err != nil {
				t.Fatal(err)
			}
			calls := make(chan overdueCall, 100)
			s := serve(t, fiberchat.Config{Store: store, OverdueAfter: soon, Overdue: overdueTo(calls)})
			a, b := online(t, s.addr, "alice"), online(t, s.addr, "bob")
			b.tell("quick", 1, "x")
			a.message("/user/alice/recive")
			a.confirmed("quick", 0)
			a.tell("m1", 2, "x")
			a.tell("m2", 2, "x")
			for _, want := range []string{"m1", "m2"} {
				if got := b.message("/user/bob/recive").message(t).ChatID; got != want {
					t.Error(got)
				}
			}
			wantCall(t, calls, "bob m1,m2")
			b.confirmed("m1", 0)
			a.tell("m3", 2, "x")
			wantCall(t, calls, "bob m2,m3")
			b.message("/user/bob/recive")
			b.confirmed("m2", 0)
			b.confirmed("m3", 0)
			a.tell("m4", 3, "x") // the last one: nothing else was told until it was
			wantCall(t, calls, "carol before,m4")
			if len(calls) > 0 {
				t.Error("told more:", <-calls)
			}
		})
	}
}

// TestOverdueWaits for so long as it is to.
func TestOverdueWaits(t *testing.T) {
	t.Parallel()
	const after = 3 * time.Second
	told := make(chan time.Duration, 10)
	s := serve(t, fiberchat.Config{OverdueAfter: after, Overdue: func(_ context.Context, _ chat.User, unconfirmed []chat.Message) error {
		told <- time.Since(unconfirmed[0].Time)
		return nil
	}})
	if _, err := s.chat.Send(t.Context(), 1, 2, "x"); err != nil {
		t.Fatal(err)
	}
	if age := hookTold(t, told); age < after {
		t.Errorf("told after %v", age)
	}
}

// TestOverdueIsToldAgain after a failure, and nobody else waits for it.
func TestOverdueIsToldAgain(t *testing.T) {
	t.Parallel()
	for _, fault := range faults {
		t.Run(fault.name, func(t *testing.T) {
			t.Parallel()
			metrics := prometheus.NewRegistry()
			calls := make(chan overdueCall, 100)
			var failed atomic.Int64
			s := serve(t, fiberchat.Config{
				Registerer: metrics, Timeouts: fiberchat.Timeouts{Store: time.Second}, OverdueAfter: soon,
				Overdue: func(ctx context.Context, to chat.User, unconfirmed []chat.Message) error {
					if to.Name == "bob" && failed.Add(1) <= 2 {
						return fault.do(ctx)
					}
					return overdueTo(calls)(ctx, to, unconfirmed)
				},
			})
			for to := range int64(2) {
				if _, err := s.chat.SendAs(t.Context(), 1, 2+to, fmt.Sprint("m", to), "x"); err != nil {
					t.Fatal(err)
				}
			}
			wantCall(t, calls, "carol m1")
			wantCall(t, calls, "bob m0")
			if n := gathered(t, metrics)["hook_failures_total Overdue"]; n != 2 {
				t.Errorf("%v failures are counted", n)
			}
			if n := strings.Count(s.logs.String(), "hook=Overdue"); n != 2 {
				t.Errorf("%d lines are logged", n)
			}
		})
	}
}

// TestOverdueOfManyUsers: each is told about once, whoever of two nodes does it.
func TestOverdueOfManyUsers(t *testing.T) {
	t.Parallel()
	const users = 40
	var names []string
	for i := range users + 2 {
		names = append(names, fmt.Sprint("user", i+1))
	}
	p := newPeople(names...)
	store := openStore(t)
	calls := make(chan overdueCall, 2*users)
	var nodes [2]atomic.Int64
	var s *server
	for i := range nodes {
		s = serve(t, fiberchat.Config{Store: store, Authenticator: p, Directory: p, OverdueAfter: soon, Overdue: func(ctx context.Context, to chat.User, unconfirmed []chat.Message) error {
			nodes[i].Add(1)
			return overdueTo(calls)(ctx, to, unconfirmed)
		}})
	}
	var want, got []string
	for id := range int64(users) {
		msgID := fmt.Sprint("m", id)
		if _, err := s.chat.SendAs(t.Context(), 1, id+2, msgID, "x"); err != nil {
			t.Fatal(err)
		}
		want = append(want, fmt.Sprintf("user%d %s", id+2, msgID))
	}
	for range users {
		got = append(got, hookTold(t, calls).String())
	}
	if _, err := s.chat.SendAs(t.Context(), 1, users+2, "last", "x"); err != nil {
		t.Fatal(err)
	}
	got = append(got, hookTold(t, calls).String())
	want = append(want, fmt.Sprintf("user%d last", users+2))
	slices.Sort(got)
	slices.Sort(want)
	if !slices.Equal(got, want) {
		t.Errorf("told of %v", got)
	}
	t.Logf("calls of each node: %d, %d", nodes[0].Load(), nodes[1].Load())
}

// TestOverdueIsBounded: a call has the oldest hundred, and eight run at once.
func TestOverdueIsBounded(t *testing.T) {
	t.Parallel()
	store := storetest.NewMemory()
	var running, most atomic.Int64
	told := make(chan []chat.Message, 20)
	goOn := make(chan struct{})
	var names []string
	for i := range 20 {
		names = append(names, fmt.Sprint("user", i))
	}
	p := newPeople(names...)
	s := serve(t, fiberchat.Config{Store: store, Authenticator: p, Directory: p, OverdueAfter: soon, Overdue: func(_ context.Context, _ chat.User, unconfirmed []chat.Message) error {
		n := running.Add(1)
		for m := most.Load(); n > m && !most.CompareAndSwap(m, n); m = most.Load() {
		}
		told <- unconfirmed
		<-goOn
		running.Add(-1)
		return nil
	}})
	for to := range int64(12) {
		for range 110 {
			if _, err := s.chat.Send(t.Context(), 20, to+1, "x"); err != nil {
				t.Fatal(err)
			}
		}
	}
	for range 8 {
		unconfirmed := hookTold(t, told)
		if len(unconfirmed) != 100 || !slices.IsSortedFunc(unconfirmed, func(a, b chat.Message) int { return int(a.ID - b.ID) }) || unconfirmed[0].ID%110 != 1 {
			t.Errorf("%d messages, from %d", len(unconfirmed), unconfirmed[0].ID)
		}
	}
	close(goOn)
	for range 4 {
		hookTold(t, told)
	}
	if n := most.Load(); n != 8 {
		t.Errorf("%d ran at once", n)
	}
}

// TestOverdueOfNobody: a user who is no more is told to nobody, and an error of
// the Directory is not for ever.
func TestOverdueOfNobody(t *testing.T) {
	t.Parallel()
	p := newPeople("alice", "bob", "carol")
	calls := make(chan overdueCall, 10)
	var broken atomic.Bool
	broken.Store(true)
	store := openStore(t)
	s := serve(t, fiberchat.Config{
		Store: store, Authenticator: p, OverdueAfter: soon, Overdue: overdueTo(calls),
		Directory: chat.DirectoryFunc(func(ctx context.Context, id int64) (chat.User, error) {
			if id == 3 && broken.Swap(false) {
				return chat.User{}, errSecret
			}
			return p.UserByID(ctx, id)
		}),
	})
	for i, to := range []int64{99, 3} {
		if _, err := store.Apply(t.Context(), []chat.Op{{Save: &chat.Message{
			ChatID: fmt.Sprint("m", i), SenderID: 1, SenderName: "alice", ReceiverID: to, ReceiverName: "x", Content: "x", Time: time.Now(),
		}}}); err != nil {
			t.Fatal(err)
		}
	}
	wantCall(t, calls, "carol m1")
	if !strings.Contains(s.logs.String(), "look who is overdue") {
		t.Error("nothing was logged")
	}
}

// TestOverdueWaitsForTheStore: what cannot be looked for is looked for later.
func TestOverdueWaitsForTheStore(t *testing.T) {
	t.Parallel()
	calls := make(chan overdueCall, 10)
	store := &brokenQueue{Memory: storetest.NewMemory()}
	s := serve(t, fiberchat.Config{Store: store, OverdueAfter: soon, Overdue: overdueTo(calls)})
	store.left.Store(4)
	if _, err := s.chat.SendAs(t.Context(), 1, 2, "m1", "x"); err != nil {
		t.Fatal(err)
	}
	wantCall(t, calls, "bob m1")
	if err := s.chat.Close(t.Context()); err != nil {
		t.Fatal(err)
	}
	if len(calls) > 0 {
		t.Error("told again")
	}
}

// brokenQueue fails so many times more, one way after the other.
type brokenQueue struct {
	*storetest.Memory
	left atomic.Int64
}

func (s *brokenQueue) fail() error {
	if n := s.left.Add(-1); n == 0 {
		panic(errSecret)
	} else if n > 0 {
		return errSecret
	}
	return nil
}

func (s *brokenQueue) QueueOverdue(ctx context.Context, now time.Time, after time.Duration) (bool, error) {
	if err := s.fail(); err != nil {
		return false, err
	}
	return s.Memory.QueueOverdue(ctx, now, after)
}

func (s *brokenQueue) ClaimOverdue(ctx context.Context, now, until time.Time, limit int) ([]chat.OverdueClaim, error) {
	if err := s.fail(); err != nil {
		return nil, err
	}
	return s.Memory.ClaimOverdue(ctx, now, until, limit)
}

// TestHooksNeedAStoreThatCan: New says in words what is missing.
func TestHooksNeedAStoreThatCan(t *testing.T) {
	t.Parallel()
	p := newPeople("alice")
	plain := struct{ chat.Store }{storetest.NewMemory()}
	for want, cfg := range map[string]fiberchat.Config{
		"Config.BeforeSave needs a Store that is a chat.Finder":    {Store: plain, BeforeSave: func(context.Context, *chat.Message) error { return nil }},
		"Config.Overdue needs a Store that is a chat.OverdueQueue": {Store: plain, Overdue: func(context.Context, chat.User, []chat.Message) error { return nil }},
		"Config.OverdueAfter must not be negative":                 {Store: plain, OverdueAfter: -1},
		"begin to look who is overdue":                             {Store: failingQueue{storetest.NewMemory()}, Overdue: func(context.Context, chat.User, []chat.Message) error { return nil }},
	} {
		cfg.Authenticator, cfg.Directory = p, p
		if ch, err := fiberchat.New(newApp(), cfg); err == nil || ch != nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%v, %v, want %s", ch, err, want)
		}
	}
}

type failingQueue struct{ *storetest.Memory }

func (failingQueue) QueueOverdue(context.Context, time.Time, time.Duration) (bool, error) {
	return false, errors.New("no disk")
}
