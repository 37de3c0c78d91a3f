package fiberchat_test

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"strings"
	"testing"
	"time"

	"github.com/prometheus/client_golang/prometheus"

	"fiberchat.example/fiberchat"
	"fiberchat.example/fiberchat/chat"
	"fiberchat.example/fiberchat/storetest"
)

// TestReplayOfLongMessages: a frame with all its escapes is more than half of
// the queue, and ends no session.
func TestReplayOfLongMessages(t *testing.T) {
	t.Parallel()
	s := serve(t, fiberchat.Config{})
	for _, n := range []int{40 << 10, 48 << 10, 48 << 10} {
		if _, err := s.chat.Send(t.Context(), 1, 2, strings.Repeat("\x01", n)); err != nil {
			t.Fatal(err)
		}
	}
	for range 20 {
		b := online(t, s.addr, "bob")
		b.init()
		for range 3 {
			b.message("/user/bob/recive")
		}
		b.receipt("init")
	}
}

// TestReconnectingDoesNotLiftTheRate: a frame that waits for its token goes
// with its session.
func TestReconnectingDoesNotLiftTheRate(t *testing.T) {
	t.Parallel()
	registry := prometheus.NewRegistry()
	s := serve(t, fiberchat.Config{Limits: fiberchat.Limits{SendRate: 0.01}, Registerer: registry})
	for i := range 10 {
		a := online(t, s.addr, "alice")
		a.say(fmt.Sprint("m", i), 2, "x")
		a.say(fmt.Sprint("n", i), 2, "x")
		for gathered(t, registry)["rate_limited_total"] <= float64(i) { // the reader is on its way there
			<-time.After(time.Millisecond)
		}
		s.chat.Disconnect(1)
		for f := a.next(); f.Command != "ERROR"; f = a.next() {
		}
	}
	page, err := s.chat.Conversation(t.Context(), 1, 2, chat.Page{}, 100)
	if err != nil || len(page) != 1 {
		t.Error(len(page), "messages at a rate of one in 100 s", err)
	}
}

func TestTooManyInitsNamesTheReceipt(t *testing.T) {
	t.Parallel()
	s := serve(t, fiberchat.Config{Limits: fiberchat.Limits{SendRate: -1}})
	a := connect(t, s.addr, "t-alice")
	for i := range 65 {
		a.raw(fmt.Sprintf("SEND\ndestination:/socket/chat/init\nreceipt:r%d\n\n\x00", i))
	}
	if e := a.fails("not-allowed", 1008); e.Headers["receipt-id"] != "r64" {
		t.Error("got", e)
	}
}

// TestRefusedAfterWhatWasTaken: the ERROR of a refused frame comes after the
// answers to those before it.
func TestRefusedAfterWhatWasTaken(t *testing.T) {
	t.Parallel()
	s := serve(t, fiberchat.Config{})
	for i := range 20 {
		a := online(t, s.addr, "alice")
		a.raw("SEND\ndestination:/socket/chat/send\nreceipt:r1\n\n" + sendBody(fmt.Sprint("m", i), 2, "x") + "\x00" +
			"SEND\ndestination:/socket/chat/send\nreceipt:r2\n\n{}\x00")
		a.message(sendStatus)
		a.receipt("r1")
		a.message(failures)
		if e := a.fails("refused", 1008); e.Headers["receipt-id"] != "r2" {
			t.Error("got", e)
		}
	}
}

// angryLog panics at whatever is logged.
type angryLog struct{ logged chan struct{} }

func (angryLog) Enabled(context.Context, slog.Level) bool { return true }
func (h angryLog) WithAttrs([]slog.Attr) slog.Handler     { return h }
func (h angryLog) WithGroup(string) slog.Handler          { return h }
func (h angryLog) Handle(context.Context, slog.Record) error {
	select {
	case h.logged <- struct{}{}:
	default:
	}
	panic("no space for logs")
}

// TestLoggerPanicsAnywhere: also in the goroutine that publishes.
func TestLoggerPanicsAnywhere(t *testing.T) {
	t.Parallel()
	bus, log := new(broker).join(t), angryLog{make(chan struct{}, 1)}
	s := serve(t, fiberchat.Config{Store: storetest.NewMemory(), Bus: bus, Logger: slog.New(log)})
	bus.cut()
	a, b := online(t, s.addr, "alice"), online(t, s.addr, "bob")
	a.tell("m1", 2, "x")
	<-log.logged
	a.tell("m2", 2, "x")
	b.message("/user/bob/recive")
	b.message("/user/bob/recive")
}

// TestNoticeTooLongForTheBus does not come without its body.
func TestNoticeTooLongForTheBus(t *testing.T) {
	t.Parallel()
	c := newCluster(t, 2, nil)
	c.set(func() { c.broker.maxData = 100 })
	a, b := c.online(t, 0, "alice"), c.online(t, 1, "bob")
	a.subscribe("/user/queue/delivered")
	a.tell("m1", 2, "x")
	b.confirmed("m1", b.message("/user/bob/recive").message(t).ID)
	a.nothing()
}

// TestNewAfterTheBusFailed: what failed leaves no metrics behind.
func TestNewAfterTheBusFailed(t *testing.T) {
	t.Parallel()
	b := new(broker)
	bus := b.join(t)
	b.set(func() { bus.before = func(context.Context) error { return errors.New("away") } })
	cfg, _ := configFor(t, fiberchat.Config{Store: storetest.NewMemory(), Bus: bus, Registerer: prometheus.NewRegistry()})
	if _, err := fiberchat.New(newApp(), cfg); err == nil {
		t.Fatal("want an error")
	}
	b.set(func() { bus.before = nil })
	ch, err := fiberchat.New(newApp(), cfg)
	if err != nil {
		t.Fatal("again:", err)
	}
	if err := ch.Close(t.Context()); err != nil {
		t.Error(err)
	}
}

// TestCloseWithStuckBus waits for one publication, not for each.
func TestCloseWithStuckBus(t *testing.T) {
	t.Parallel()
	b := new(broker)
	b.set(func() { b.maxData = 64 << 10 })
	bus := b.join(t)
	calls := 0
	s := serve(t, fiberchat.Config{Store: storetest.NewMemory(), Bus: bus})
	b.set(func() {
		bus.before = func(ctx context.Context) error {
			calls++ // by one goroutine
			<-ctx.Done()
			return ctx.Err()
		}
	})
	for range 20 {
		if _, err := s.chat.Send(t.Context(), 1, 2, strings.Repeat("x", 40<<10)); err != nil {
			t.Fatal(err)
		}
	}
	if err := s.chat.Close(t.Context()); err != nil {
		t.Error(err)
	}
	if calls > 3 {
		t.Error("Close waited for", calls, "publications")
	}
}
