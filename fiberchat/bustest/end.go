package bustest

import (
	"context"
	"errors"
	"sync"
	"sync/atomic"
	"testing"
)

func testCancel(t *testing.T, e env) {
	b := e.bus(t)
	beside := listen(t, b) // goes on
	endInCall(t, e, b, func(cancel func()) { cancel() })
	last := "after cancel"
	publish(t, e.bus(t), last)
	skipTo(t, beside, last)
}

// testClosedSubscription: Close ends what was not cancelled, and cancel may
// come after it, as it does here in the clean-up.
func testClosedSubscription(t *testing.T, e env) {
	b := e.bus(t)
	c, ok := b.(closer)
	if !ok {
		t.Skip("the bus has no Close")
	}
	endInCall(t, e, b, func(func()) { c.Close() })
}

// endInCall ends a subscription of b while a call is running, which is waited
// for, and sees that none follows.
func endInCall(t *testing.T, e env, b Bus, end func(cancel func())) {
	a := e.bus(t)
	witness := listen(t, e.bus(t))
	const after = 20 // messages after the end, to give a call time to come
	entered, release := make(chan struct{}, after+2), make(chan struct{})
	letGo := sync.OnceFunc(func() { close(release) })
	defer letGo() // or the clean-up would wait for ever
	var calls, ended atomic.Int32
	cancel := subscribe(t, b, func([]byte) {
		calls.Add(1)
		entered <- struct{}{}
		<-release
		ended.Add(1)
	})
	publish(t, a, "1")
	await(t, entered, "a call")
	finished := make(chan struct{})
	go func() { // waited for below
		defer close(finished)
		end(cancel)
		if ended.Load() != calls.Load() {
			t.Error("the end did not wait for a running call")
		}
	}()
	// The time that a message takes is time for an end that does not wait.
	publish(t, a, "2")
	wantAll(t, witness, "1", "2")
	letGo()
	await(t, finished, "the end")
	n := calls.Load() // 1, or 2 where the second call came before the end
	for range after {
		publish(t, a, "after")
		wantNext(t, witness, "after")
	}
	if calls.Load() != n {
		t.Error("called after the end")
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
