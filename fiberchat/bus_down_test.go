package fiberchat_test

import (
	"context"
	"strings"
	"sync"
	"testing"
	"time"

	"fiberchat.example/fiberchat"
	"fiberchat.example/fiberchat/chat"
	"fiberchat.example/fiberchat/storetest"
)

func TestBusNeedsUnconfirmed(t *testing.T) {
	t.Parallel()
	cfg, _ := configFor(t, fiberchat.Config{Store: struct{ chat.Store }{storetest.NewMemory()}, Bus: new(broker).join(t)})
	if _, err := fiberchat.New(newApp(), cfg); err == nil || !strings.Contains(err.Error(), "chat.Unconfirmed") {
		t.Error("New gave", err)
	}
}

func TestNewFailsWhenTheBusDoes(t *testing.T) {
	t.Parallel()
	bus := new(broker).join(t)
	bus.before = func(context.Context) error { return errAway }
	cfg, _ := configFor(t, fiberchat.Config{Store: storetest.NewMemory(), Bus: bus})
	if _, err := fiberchat.New(newApp(), cfg); err == nil || !strings.Contains(err.Error(), errAway.Error()) {
		t.Error("New gave", err)
	}
}

// TestWithoutTheBus: messages are stored and answered, delivered on the same
// node at once, and on others by catching up; the gauge says so.
func TestWithoutTheBus(t *testing.T) {
	t.Parallel()
	c := newCluster(t, 2, openStore(t))
	if c.busUp(t, 0) != 1 || c.busUp(t, 1) != 1 {
		t.Error("the bus is up, and the gauge says otherwise")
	}
	early := c.online(t, 1, "bob")
	for _, bus := range c.buses {
		bus.cut()
		c.set(func() { bus.before = func(context.Context) error { return errAway } })
	}
	a, here, there := c.online(t, 0, "alice"), c.online(t, 0, "bob"), c.online(t, 1, "bob")
	a.tell("m1", 2, "x")
	for _, b := range []*client{here, early, there} {
		if got := b.message("/user/bob/recive").message(t).ChatID; got != "m1" {
			t.Error("got", got)
		}
	}
	if c.busUp(t, 0) != 0 || c.busUp(t, 1) != 0 {
		t.Error("the bus is down, and the gauge says otherwise")
	}
	for _, bus := range c.buses {
		c.set(func() { bus.before = nil })
		bus.mend()
	}
	a.tell("m2", 2, "x")
	for _, b := range []*client{here, early, there} {
		if got := b.message("/user/bob/recive").message(t).ChatID; got != "m2" {
			t.Error("got", got)
		}
		b.nothing()
	}
	// It says so after a publication, which is not waited for.
	for deadline := time.After(patience); c.busUp(t, 0) != 1 || c.busUp(t, 1) != 1; {
		select {
		case <-time.After(5 * time.Millisecond):
		case <-deadline:
			t.Fatal("the bus is up again, and the gauge says otherwise")
		}
	}
}

// TestBusThatHangs holds up nobody: not the sender, not the receiver, not a
// revocation.
func TestBusThatHangs(t *testing.T) {
	t.Parallel()
	c := newCluster(t, 2, nil)
	a, here, there := c.online(t, 0, "alice"), c.online(t, 0, "bob"), c.online(t, 1, "bob")
	c.set(func() {
		c.buses[0].before = func(ctx context.Context) error {
			<-ctx.Done()
			return ctx.Err()
		}
	})
	const n = 5000 // more than a node keeps
	var group sync.WaitGroup
	group.Go(func() { a.pour(0, n) })
	defer group.Wait()
	for range n {
		a.message(sendStatus)
	}
	wantOrdered(t, here, false, n)
	wantOrdered(t, there, false, n)
	if c.busUp(t, 0) != 0 {
		t.Error("the bus hangs, and the gauge says otherwise")
	}
	victim := connect(t, c.nodes[0].addr, "t-carol")
	c.nodes[0].chat.Disconnect(3)
	victim.fails("disconnected", 1008)
}
