package bustest

import (
	"context"
	"errors"
	"sync"
	"sync/atomic"
	"testing"
)

func testCancel(t *testing.T, e env) {
	a, b := e.bus(t), e.bus(t)
	witness := listen(t, e.bus(t))
	entered, release := make(chan struct{}, 3), make(chan struct{})
	var calls, ended atomic.Int32
	letGo := sync.OnceFunc(func() { close(release) })
	defer letGo() // or the clean-up would wait for ever
	cancel := subscribe(t, b, func([]byte) {
		calls.Add(1)
		entered <- struct{}{}
		<-release
		ended.Add(1)
	})
	// The subscription beside it goes on.
	beside := listen(t, b)

	publish(t, a, "1")
	await(t, entered, "a call")
	cancelled := make(chan struct{})
	go func() { // waited for below
		defer close(cancelled)
		cancel()
		if ended.Load() != calls.Load() {
			t.Error("cancel returned while a call was running")
		}
	}()
	// The time that a message takes is time for a cancel that does not wait.
	publish(t, a, "2")
	wantAll(t, witness, "1", "2")
	letGo()
	await(t, cancelled, "cancel")
	n := calls.Load() // 1, or 2 where the second call came before cancel

	publish(t, a, "3")
	wantNext(t, witness, "3")
	wantAll(t, beside, "1", "2", "3")
	if calls.Load() != n {
		t.Error("called after cancel")
	}
}

func testEnded(t *testing.T, e env) {
	a := e.bus(t)
	got := listen(t, e.bus(t))
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if err := a.Publish(ctx, []byte("in vain")); !errors.Is(err, context.Canceled) {
		t.Errorf("Publish with an ended context: %v, want %v", err, context.Canceled)
	}
	publish(t, a, "after it")
	wantNext(t, got, "after it")
}

func testClosed(t *testing.T, e env) {
	b := e.bus(t)
	c, ok := b.(closer)
	if !ok {
		t.Skip("the bus has no Close")
	}
	c.Close()
	if err := b.Publish(within(t), []byte("in vain")); err == nil {
		t.Error("Publish on a closed bus: want an error")
	}
	if _, err := b.Subscribe(within(t), func([]byte) {}); err == nil {
		t.Error("Subscribe on a closed bus: want an error")
	}
	if b.Up() {
		t.Error("a closed bus is up")
	}
	if b.MaxData() <= 0 {
		t.Error("MaxData is", b.MaxData())
	}
}

// testClosedSubscription: Close ends what was not cancelled, and cancel may
// come after it.
func testClosedSubscription(t *testing.T, e env) {
	a, b := e.bus(t), e.bus(t)
	c, ok := b.(closer)
	if !ok {
		t.Skip("the bus has no Close")
	}
	witness := listen(t, e.bus(t))
	var closed atomic.Bool
	cancel := subscribe(t, b, func([]byte) {
		if closed.Load() {
			t.Error("called after Close")
		}
	})
	publish(t, a, "before")
	c.Close()
	closed.Store(true)
	publish(t, a, "after")
	wantAll(t, witness, "before", "after")
	cancel()
}
