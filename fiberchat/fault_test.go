package fiberchat_test

import (
	"context"
	"errors"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"fiberchat.example/fiberchat"
	"fiberchat.example/fiberchat/chat"
	"fiberchat.example/fiberchat/storetest"
)

// faultyStore is a store that a test breaks.
type faultyStore struct {
	chat.Store
	mu      sync.Mutex
	apply   func(ctx context.Context, ops []chat.Op) ([]chat.Result, error)
	pending func(ctx context.Context) ([]chat.Message, error)
}

// breakApply makes Apply do this; nil mends it.
func (s *faultyStore) breakApply(apply func(ctx context.Context, ops []chat.Op) ([]chat.Result, error)) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.apply = apply
}

func (s *faultyStore) breakPending(pending func(ctx context.Context) ([]chat.Message, error)) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.pending = pending
}

func (s *faultyStore) Apply(ctx context.Context, ops []chat.Op) ([]chat.Result, error) {
	s.mu.Lock()
	apply := s.apply
	s.mu.Unlock()
	if apply == nil {
		apply = s.Store.Apply
	}
	return apply(ctx, ops)
}

func (s *faultyStore) Pending(ctx context.Context, receiverID, afterID int64, limit int) ([]chat.Message, error) {
	s.mu.Lock()
	pending := s.pending
	s.mu.Unlock()
	if pending != nil {
		return pending(ctx)
	}
	return s.Store.Pending(ctx, receiverID, afterID, limit)
}

var errSecret = errors.New(`pq: duplicate key in "secret_table" at /var/lib/secret`)

// fault is a way in which a store or other code of the app fails.
type fault struct {
	name string
	do   func(ctx context.Context) error
}

var faults = []fault{
	{"error", func(context.Context) error { return errSecret }},
	{"panic", func(context.Context) error { panic(errSecret) }},
	{"slow", func(ctx context.Context) error { <-ctx.Done(); return ctx.Err() }},
}

// quick makes slow faults end.
const quick = 100 * time.Millisecond

// tryAgain wants a -300 that shows nothing of what is inside.
func (c *client) tryAgain(msgID string) {
	c.t.Helper()
	f := c.message(failures)
	if !strings.Contains(f.Body, `"code":-300`) || strings.Contains(f.Body, "secret") {
		c.t.Fatal("notice:", f.Body)
	}
	if msgID != "" && !strings.HasPrefix(f.Body, `{"msgID":"`+msgID+`"`) {
		c.t.Fatal("notice:", f.Body)
	}
	if !strings.Contains(f.Body, `"StoreUnavailable"`) && !strings.Contains(f.Body, `"Internal"`) {
		c.t.Fatal("notice:", f.Body)
	}
}

func TestStoreFails(t *testing.T) {
	t.Parallel()
	for _, fault := range faults {
		t.Run(fault.name, func(t *testing.T) {
			t.Parallel()
			store := &faultyStore{Store: openStore(t)}
			s := serve(t, fiberchat.Config{Store: store, Timeouts: fiberchat.Timeouts{Store: quick}})
			a, b := online(t, s.addr, "alice"), online(t, s.addr, "bob")
			a.tell("m0", 2, "x")
			b.message("/user/bob/recive")

			store.breakApply(func(ctx context.Context, _ []chat.Op) ([]chat.Result, error) { return nil, fault.do(ctx) })
			a.raw("SEND\ndestination:/socket/chat/send\n\n" + sendBody("m1", 2, "x") + "\x00")
			a.tryAgain("m1")
			b.raw("SEND\ndestination:/socket/chat/recive\n\n{\"msgID\":\"m0\"}\x00")
			b.tryAgain("m0")
			a.nothing()
			b.nothing()
			if _, err := s.chat.Send(context.Background(), 1, 2, "x"); err == nil {
				t.Error("Send succeeded")
			}

			store.breakApply(nil)
			a.tell("m1", 2, "x")
			if got := b.message("/user/bob/recive").message(t); got.ChatID != "m1" {
				t.Error(got)
			}
			if got := b.pending(); !slices.Equal(got, []string{"m0", "m1"}) {
				t.Error("pending:", got)
			}
			b.confirmed("m0", 0)
			if !strings.Contains(s.logs.String(), "level=ERROR") {
				t.Error("nothing was logged")
			}
		})
	}
}

// storedAllTheSame stores and says that it did not.
func (s *faultyStore) storedAllTheSame(ctx context.Context, ops []chat.Op) ([]chat.Result, error) {
	_, err := s.Store.Apply(ctx, ops)
	return nil, errors.Join(errSecret, err)
}

func TestStoredAfterAll(t *testing.T) {
	t.Parallel()
	store := &faultyStore{Store: openStore(t)}
	s := serve(t, fiberchat.Config{Store: store})
	a, b := online(t, s.addr, "alice"), online(t, s.addr, "bob")
	a.tell("m0", 2, "x")
	b.message("/user/bob/recive")

	store.breakApply(store.storedAllTheSame)
	a.say("m1", 2, "x")
	a.tryAgain("m1")
	store.breakApply(nil)
	if got := b.message("/user/bob/recive").message(t); got.ChatID != "m1" {
		t.Error(got)
	}
	a.tell("m1", 2, "x")
	b.nothing()
	b.confirmed("m1", 0)
}

// TestStoredAfterAllComesFirst: messages come in order of id, so the one
// whose outcome was not known comes before the next.
func TestStoredAfterAllComesFirst(t *testing.T) {
	t.Parallel()
	store := &faultyStore{Store: openStore(t)}
	s := serve(t, fiberchat.Config{Store: store})
	a, b := online(t, s.addr, "alice"), online(t, s.addr, "bob")
	a.tell("m0", 2, "x")
	b.message("/user/bob/recive")

	store.breakApply(store.storedAllTheSame)
	a.say("m1", 2, "x")
	a.tryAgain("m1")
	store.breakApply(nil)
	a.tell("m2", 2, "x")
	a.tell("m3", 2, "x")
	for _, want := range []string{"m1", "m2", "m3"} {
		if got := b.message("/user/bob/recive").message(t); got.ChatID != want {
			t.Fatalf("got %v, want %s", got, want)
		}
	}
	b.nothing()
}

func TestStoreGivesTooFewResults(t *testing.T) {
	t.Parallel()
	store := &faultyStore{Store: openStore(t)}
	s := serve(t, fiberchat.Config{Store: store})
	a := online(t, s.addr, "alice")
	store.breakApply(func(context.Context, []chat.Op) ([]chat.Result, error) { return nil, nil })
	a.say("m1", 2, "x")
	a.tryAgain("m1")
	store.breakApply(nil)
	a.tell("m1", 2, "x")
}

// TestOneOperationFails: the others of its transaction are not harmed.
func TestOneOperationFails(t *testing.T) {
	t.Parallel()
	store := &faultyStore{Store: openStore(t)}
	s := serve(t, fiberchat.Config{Store: store})
	a, b := online(t, s.addr, "alice"), online(t, s.addr, "bob")
	store.breakApply(func(ctx context.Context, ops []chat.Op) ([]chat.Result, error) {
		results := make([]chat.Result, len(ops))
		for i, op := range ops {
			if op.Save.ChatID == "bad" {
				results[i].Err = errSecret
				continue
			}
			r, err := store.Store.Apply(ctx, []chat.Op{op})
			if err != nil {
				return nil, err
			}
			results[i] = r[0]
		}
		return results, nil
	})
	a.say("m1", 2, "x")
	a.say("bad", 2, "x")
	a.say("m2", 2, "x")
	a.message(sendStatus).wantBody(t, success("m1"))
	a.tryAgain("bad")
	a.message(sendStatus).wantBody(t, success("m2"))
	for _, want := range []string{"m1", "m2"} {
		if got := b.message("/user/bob/recive").message(t); got.ChatID != want {
			t.Error(got)
		}
	}
}

func TestInitFails(t *testing.T) {
	t.Parallel()
	for _, fault := range faults {
		t.Run(fault.name, func(t *testing.T) {
			t.Parallel()
			store := &faultyStore{Store: openStore(t)}
			fill(t, store.Store, 0, 3, "x")
			s := serve(t, fiberchat.Config{Store: store, Timeouts: fiberchat.Timeouts{Store: quick}})
			b := online(t, s.addr, "bob")
			store.breakPending(func(ctx context.Context) ([]chat.Message, error) { return nil, fault.do(ctx) })
			b.send("/socket/chat/init", "")
			b.tryAgain("")
			b.nothing()
			// One that asked for a receipt gets the only other answer there is.
			other := online(t, s.addr, "bob")
			other.init()
			other.tryAgain("")
			if e := other.fails("try-again", 1013); e.Headers["receipt-id"] != "init" {
				t.Error("got", e)
			}
			store.breakPending(nil)
			// The rest may come by itself, and comes when asked for.
			b.init()
			last := ""
			for f := b.next(); f.Command != "RECEIPT"; f = b.next() {
				last = f.message(t).ChatID
			}
			if last != "m2" {
				t.Error("the init ended with", last)
			}
		})
	}
}

// faultySweeper fails to apply while it is told to.
type faultySweeper struct {
	*storetest.Memory
	bad atomic.Bool
}

func (s *faultySweeper) fail(bad bool) { s.bad.Store(bad) }

func (s *faultySweeper) Apply(ctx context.Context, ops []chat.Op) ([]chat.Result, error) {
	if s.bad.Load() {
		return nil, errSecret
	}
	return s.Memory.Apply(ctx, ops)
}
