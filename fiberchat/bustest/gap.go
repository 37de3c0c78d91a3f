package bustest

import (
	"fmt"
	"sync"
	"sync/atomic"
	"testing"
	"time"
)

func testCut(t *testing.T, e env) {
	between := startProxy(t, e.broker)
	a, b := e.open(t, between.addr(), e.name), e.bus(t)
	gap, got, answers := gaps(a), listen(t, a), listen(t, b)
	publish(t, b, "before")
	wantNext(t, got, "before")
	for i := range 3 { // it is made anew as often as it takes
		between.cut()
		until(t, "Up is false", func() bool { return !a.Up() })
		if err := a.Publish(within(t), []byte("in vain")); err == nil {
			t.Error("Publish without a broker: want an error")
		}
		forget(gap)
		between.join()
		await(t, gap, "OnGap")
		// From here on all is heard again.
		after, answer := fmt.Sprint("after ", i), fmt.Sprint("answer ", i)
		publish(t, b, after)
		skipTo(t, got, after)
		until(t, "Up is true", a.Up)
		publish(t, a, answer)
		skipTo(t, answers, answer)
	}
}

// skipTo waits for want and skips others: a bus may bring back its own.
func skipTo(t *testing.T, got <-chan string, want string) {
	t.Helper()
	for await(t, got, want) != want {
	}
}

// forget empties gap.
func forget(gap <-chan struct{}) {
	select {
	case <-gap:
	default:
	}
}

func testAway(t *testing.T, e env) {
	between := startProxy(t, e.broker)
	between.cut()
	a, b := e.open(t, between.addr(), e.name), e.bus(t)
	gap, got := gaps(a), listen(t, a)
	if a.Up() {
		t.Error("Up is true without a broker")
	}
	if a.MaxData() <= 0 {
		t.Error("without a broker MaxData is", a.MaxData())
	}
	if err := a.Publish(within(t), []byte("in vain")); err == nil {
		t.Error("Publish without a broker: want an error")
	}
	// What cannot be reached does not hold up the end of a subscription.
	subscribe(t, a, func([]byte) {})()

	between.join()
	await(t, gap, "OnGap")
	publish(t, b, "after")
	wantNext(t, got, "after")
}

// testSlow: where a bus drops something because handle took its time, it reports
// a gap.
func testSlow(t *testing.T, e env) {
	a, b := e.bus(t), e.bus(t)
	const enough = 128 << 20 // bytes; more than buses and sockets keep
	release := make(chan struct{})
	letGo := sync.OnceFunc(func() { close(release) })
	defer letGo() // or the clean-up would wait for ever
	var handled atomic.Int64
	last := make(chan struct{}, 1)
	gap := gaps(b)
	subscribe(t, b, func(data []byte) {
		<-release
		if string(data) != "last" {
			handled.Add(1)
			return
		}
		select {
		case last <- struct{}{}:
		default:
		}
	})
	forget(gap)
	data := make([]byte, a.MaxData())
	sent := int64(enough / len(data))
	for range sent {
		if err := a.Publish(within(t), data); err != nil {
			t.Fatal(err)
		}
	}
	letGo()
	until(t, "everything came, or a gap was reported", func() bool { return handled.Load() == sent || len(gap) > 0 })
	t.Logf("%d of %d messages came", handled.Load(), sent)
	// And it goes on: the last is published until it comes.
	for {
		publish(t, a, "last")
		select {
		case <-last:
			return
		case <-gap:
		case <-time.After(patience):
			t.Fatal("waited in vain for what was published after the gap")
		}
	}
}
