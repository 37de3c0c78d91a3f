package fiberchat_test

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/prometheus/client_golang/prometheus"

	"fiberchat.example/fiberchat"
	"fiberchat.example/fiberchat/chat"
)

// hookTold is what a hook was told.
func hookTold[T any](t *testing.T, from <-chan T) T {
	t.Helper()
	select {
	case m := <-from:
		return m
	case <-time.After(patience):
		t.Fatal("the hook was not told")
		panic("unreachable")
	}
}

// TestAfterSaveAndAfterConfirm: each once, in order, whoever sent it.
func TestAfterSaveAndAfterConfirm(t *testing.T) {
	t.Parallel()
	eachDoor(t, func(t *testing.T, d door) {
		saved, confirmed := make(chan chat.Message, 100), make(chan chat.Message, 100)
		s := serve(t, fiberchat.Config{
			AfterSave:    func(_ context.Context, m chat.Message) { saved <- m },
			AfterConfirm: func(_ context.Context, m chat.Message) { confirmed <- m },
		})
		a, b := d.online(t, s.addr, "alice"), d.online(t, s.addr, "bob")
		var all []chat.Message
		for i := range 5 {
			a.tell(fmt.Sprint("m", i), 2, "x")
			a.tell(fmt.Sprint("m", i), 2, "x") // again: it is told once
			all = append(all, b.message("/user/bob/recive").message(t))
		}
		a.say("m0", 2, "y")
		a.refused("m0", -401, "MsgIDReused")
		for range 2 {
			if _, err := s.chat.SendAs(t.Context(), 3, 2, "of-the-app", "x"); err != nil {
				t.Fatal(err)
			}
		}
		all = append(all, b.message("/user/bob/recive").message(t))
		for _, want := range all {
			if got := hookTold(t, saved); got != want {
				t.Errorf("saved %+v, want %+v", got, want)
			}
		}
		for _, m := range all {
			b.confirmed(m.ChatID, m.ID)
			b.confirmed(m.ChatID, m.ID)
		}
		b.confirm("m9", 0)
		b.refused("m9", -404, "MessageNotFound")
		for _, want := range all {
			got := hookTold(t, confirmed)
			if got.ConfirmedAt.IsZero() || got.ConfirmedAt.Before(want.Time) {
				t.Errorf("confirmed at %v", got.ConfirmedAt)
			}
			if got.ConfirmedAt = (time.Time{}); got != want {
				t.Errorf("confirmed %+v, want %+v", got, want)
			}
		}
		if err := s.chat.Close(t.Context()); err != nil {
			t.Fatal(err)
		}
		if len(saved) > 0 || len(confirmed) > 0 {
			t.Errorf("%d more were saved, %d confirmed", len(saved), len(confirmed))
		}
	})
}

// TestSlowHookHarmsNobody: clients go on, the other hook too, and what is too
// much is dropped, counted and logged.
func TestSlowHookHarmsNobody(t *testing.T) {
	t.Parallel()
	const more = 20
	metrics := prometheus.NewRegistry()
	began, goOn := make(chan struct{}, 2000), make(chan struct{})
	confirmed := make(chan chat.Message, 10)
	var saved []int64
	s := serve(t, fiberchat.Config{
		Registerer: metrics, Limits: fiberchat.Limits{SendRate: -1, SendBytes: -1},
		AfterSave: func(_ context.Context, m chat.Message) {
			began <- struct{}{}
			<-goOn
			saved = append(saved, m.ID)
		},
		AfterConfirm: func(_ context.Context, m chat.Message) { confirmed <- m },
	})
	a, b := online(t, s.addr, "alice"), online(t, s.addr, "bob")
	a.tell("first", 2, "x")
	b.message("/user/bob/recive")
	hookTold(t, began) // it has left the queue
	for i := range 1024 + more {
		a.say(fmt.Sprint("m", i), 2, "x")
	}
	for i := range 1024 + more {
		a.message(sendStatus).wantBody(t, success(fmt.Sprint("m", i)))
		b.message("/user/bob/recive")
	}
	b.confirmed("first", 0)
	hookTold(t, confirmed)
	close(goOn)
	if err := s.chat.Close(t.Context()); err != nil {
		t.Fatal(err)
	}
	if len(saved) != 1025 || !slices.IsSorted(saved) {
		t.Errorf("%d were told, in order: %v", len(saved), slices.IsSorted(saved))
	}
	if n := gathered(t, metrics)["hook_dropped_total AfterSave"]; n != more {
		t.Errorf("%v are counted as dropped", n)
	}
	logs := s.logs.String()
	if n := strings.Count(logs, "was not told"); n == 0 || n > more/2 {
		t.Errorf("%d lines are logged", n)
	}
}

// TestAfterSaveFails: what one call does is nothing to the next one.
func TestAfterSaveFails(t *testing.T) {
	t.Parallel()
	for _, fault := range faults[1:] {
		t.Run(fault.name, func(t *testing.T) {
			t.Parallel()
			metrics := prometheus.NewRegistry()
			saved := make(chan chat.Message, 10)
			s := serve(t, fiberchat.Config{
				Registerer: metrics, Timeouts: fiberchat.Timeouts{Store: quick * 10},
				AfterSave: func(ctx context.Context, m chat.Message) {
					if m.ChatID == "m1" {
						_ = fault.do(ctx)
						return
					}
					saved <- m
				},
			})
			a := online(t, s.addr, "alice")
			a.tell("m1", 2, "x")
			a.tell("m2", 2, "x")
			if got := hookTold(t, saved); got.ChatID != "m2" {
				t.Error(got)
			}
			if n := gathered(t, metrics)["hook_failures_total AfterSave"]; n != 1 {
				t.Errorf("%v failures are counted", n)
			}
			if !strings.Contains(s.logs.String(), "hook=AfterSave") {
				t.Error("nothing was logged")
			}
		})
	}
}

// TestAfterSaveOfWhatIsStoredAfterAll: the app hears of it when the client repeats it.
func TestAfterSaveOfWhatIsStoredAfterAll(t *testing.T) {
	t.Parallel()
	store := &faultyStore{Store: openStore(t)}
	saved, confirmed := make(chan chat.Message, 10), make(chan chat.Message, 10)
	s := serve(t, fiberchat.Config{
		Store:        store,
		AfterSave:    func(_ context.Context, m chat.Message) { saved <- m },
		AfterConfirm: func(_ context.Context, m chat.Message) { confirmed <- m },
	})
	a, b := online(t, s.addr, "alice"), online(t, s.addr, "bob")
	store.breakApply(store.storedAllTheSame)
	a.say("m1", 2, "x")
	a.tryAgain("m1")
	b.message("/user/bob/recive")
	b.confirm("m1", 0)
	b.tryAgain("m1")
	store.breakApply(nil)
	for range 2 {
		a.tell("m1", 2, "x")
		b.confirmed("m1", 0)
	}
	if got := hookTold(t, saved); got.ChatID != "m1" {
		t.Error(got)
	}
	if got := hookTold(t, confirmed); got.ChatID != "m1" || got.ConfirmedAt.IsZero() {
		t.Error(got)
	}
	if err := s.chat.Close(t.Context()); err != nil {
		t.Fatal(err)
	}
	if len(saved) > 0 || len(confirmed) > 0 {
		t.Error("told again")
	}
}

// TestHooksMaySend: a bot answers from AfterSave.
func TestHooksMaySend(t *testing.T) {
	t.Parallel()
	var s *server
	var once sync.Once
	ready := make(chan struct{})
	s = serve(t, fiberchat.Config{AfterSave: func(ctx context.Context, m chat.Message) {
		<-ready
		if m.ReceiverName == "bob" {
			once.Do(func() {
				if _, err := s.chat.SendAs(ctx, m.ReceiverID, m.SenderID, "re-"+m.ChatID, "I am a bot"); err != nil {
					t.Error(err)
				}
			})
		}
	}})
	close(ready)
	a := online(t, s.addr, "alice")
	a.tell("m1", 2, "hello")
	if got := a.message("/user/alice/recive").message(t); got.ChatID != "re-m1" || got.SenderName != "bob" {
		t.Error(got)
	}
}

// TestCloseEndsAHook that has not ended in time for it.
func TestCloseEndsAHook(t *testing.T) {
	t.Parallel()
	began, ended := make(chan struct{}), make(chan struct{})
	s := serve(t, fiberchat.Config{AfterSave: func(ctx context.Context, _ chat.Message) {
		close(began)
		<-ctx.Done()
		close(ended)
	}, Timeouts: fiberchat.Timeouts{Store: time.Hour}})
	a := online(t, s.addr, "alice")
	a.tell("m1", 2, "x")
	hookTold(t, began)
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if err := s.chat.Close(ctx); !errors.Is(err, context.Canceled) {
		t.Error(err)
	}
	hookTold(t, ended)
}
