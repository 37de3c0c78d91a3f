// Package bustest is the contract of fiberchat.Bus as tests, for our buses and
// for yours:
//
//	func TestBus(t *testing.T) {
//		bustest.Run(t, "127.0.0.1:4222", func(t *testing.T, addr, name string) bustest.Bus {
//			bus := mybus.New(addr, name)
//			t.Cleanup(bus.Close)
//			return bus
//		})
//	}
//
// # Files
//
//	bustest.go  Run and Bus
//	carry.go    what is published arrives
//	gap.go      what may be lost is reported
//	end.go      the ends of subscriptions and buses
//	proxy.go    a broker that can be cut off
package bustest

import (
	"context"
	"crypto/rand"
	"slices"
	"strings"
	"testing"
	"time"
)

// Bus is fiberchat.Bus, which says what each method promises. It stands here
// again so that a bus is tested as it is written: without fiberchat.
type Bus interface {
	Publish(ctx context.Context, data []byte) error
	Subscribe(ctx context.Context, handle func(data []byte)) (cancel func(), err error)
	OnGap(handle func())
	MaxData() int
	Up() bool
}

// closer is a Bus that can be closed, as most can: it then refuses everything.
type closer interface{ Close() }

// Open returns a bus with a connection of its own to the broker at addr, a
// host and port of TCP, and cleans up with t.Cleanup. Buses of one name hear
// each other, and no others. It succeeds although the broker cannot be
// reached. The connection should be made anew without end, and tried several
// times a second.
type Open func(t *testing.T, addr, name string) Bus

// Run checks the contract of the buses that open returns, with a broker that
// runs at the address broker. To cut connections to it, Run stands in between
// with a proxy of its own; nothing happens to the broker.
func Run(t *testing.T, broker string, open Open) {
	for _, test := range []struct {
		name string
		run  func(*testing.T, env)
	}{
		{"all that subscribed get what is published", testAll},
		{"another name gets nothing", testNames},
		{"data comes as it was", testData},
		{"data is the caller's again", testReuse},
		{"longer data than MaxData is refused", testTooLong},
		{"many publish at once", testConcurrent},
		{"one call at a time", testOneCall},
		{"cancel waits and ends the calls", testCancel},
		{"ended context", testEnded},
		{"closed", testClosed},
		{"closed with a subscription", testClosedSubscription},
		{"broker lost and found", testCut},
		{"broker away at the start", testAway},
		{"too slow a handle", testSlow},
	} {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			test.run(t, env{broker, open, "bustest." + rand.Text()})
		})
	}
}

// env is what a test opens its buses with: a name that no other test has.
type env struct {
	broker string
	open   Open
	name   string
}

func (e env) bus(t *testing.T) Bus {
	t.Helper()
	return e.open(t, e.broker, e.name)
}

// patience is how long something that must happen may take.
const patience = 30 * time.Second

func within(t *testing.T) context.Context {
	t.Helper()
	// Not t.Context, which has ended when clean-ups use it.
	ctx, cancel := context.WithTimeout(context.Background(), patience)
	t.Cleanup(cancel)
	return ctx
}

// listen subscribes and returns what comes; the channel takes it all.
func listen(t *testing.T, b Bus) <-chan string {
	t.Helper()
	got := make(chan string, 10_000)
	subscribe(t, b, func(data []byte) { got <- string(data) })
	return got
}

func subscribe(t *testing.T, b Bus, handle func(data []byte)) (cancel func()) {
	t.Helper()
	cancel, err := b.Subscribe(within(t), handle)
	if err != nil {
		t.Fatal("Subscribe:", err)
	}
	t.Cleanup(cancel)
	return cancel
}

func publish(t *testing.T, b Bus, data string) {
	t.Helper()
	if err := b.Publish(within(t), []byte(data)); err != nil {
		t.Fatal("Publish:", err)
	}
}

func await[T any](t *testing.T, c <-chan T, what string) (v T) {
	t.Helper()
	select {
	case v = <-c:
	case <-time.After(patience):
		t.Fatal("waited in vain for ", what)
	}
	return v
}

// wantNext fails the test where something else than want comes next.
func wantNext(t *testing.T, got <-chan string, want string) {
	t.Helper()
	if s := await(t, got, want); s != want {
		t.Fatalf("got %.50q (%d bytes), want %.50q", s, len(s), want)
	}
}

// wantAll waits for all of want, in any order: a bus promises none.
func wantAll(t *testing.T, got <-chan string, want ...string) {
	t.Helper()
	for left := slices.Clone(want); len(left) > 0; {
		s := await(t, got, strings.Join(left, ", "))
		i := slices.Index(left, s)
		if i < 0 {
			t.Fatalf("got %.50q, want %q", s, left)
		}
		left = slices.Delete(left, i, i+1)
	}
}

// until polls, for what comes with no event.
func until(t *testing.T, what string, holds func() bool) {
	t.Helper()
	ticker := time.NewTicker(5 * time.Millisecond)
	defer ticker.Stop()
	for begun := time.Now(); !holds(); <-ticker.C {
		if time.Since(begun) > patience {
			t.Fatal("waited in vain until ", what)
		}
	}
}

// gaps returns a channel that has one element when b has reported a gap.
func gaps(b Bus) <-chan struct{} {
	reported := make(chan struct{}, 1)
	b.OnGap(func() {
		select {
		case reported <- struct{}{}:
		default:
		}
	})
	return reported
}
