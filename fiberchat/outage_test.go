package fiberchat

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"fiberchat.example/fiberchat/storetest"
)

// switchedBus is a bus for one node, which can be switched off.
type switchedBus struct{ down, fails atomic.Bool }

func (b *switchedBus) Publish(context.Context, []byte) error {
	if b.down.Load() || b.fails.Load() {
		return errors.New("no broker")
	}
	return nil
}
func (*switchedBus) Subscribe(context.Context, func([]byte)) (func(), error) { return func() {}, nil }
func (*switchedBus) OnGap(func())                                            {}
func (*switchedBus) MaxData() int                                            { return 1 << 20 }
func (b *switchedBus) Up() bool                                              { return !b.down.Load() }

// lines is a log of levels and messages.
type lines struct {
	slog.Handler
	mu  sync.Mutex
	all []string
}

func (l *lines) take() []string {
	l.mu.Lock()
	defer l.mu.Unlock()
	all := l.all
	l.all = nil
	return all
}

func (l *lines) Enabled(context.Context, slog.Level) bool { return true }

func (l *lines) Handle(_ context.Context, r slog.Record) error {
	l.mu.Lock()
	defer l.mu.Unlock()
	r.Attrs(func(a slog.Attr) bool {
		if a.Key == "error" && a.Value.Any() == nil {
			l.all = append(l.all, r.Message+" without a cause")
		}
		return true
	})
	l.all = append(l.all, fmt.Sprint(r.Level, " ", strings.SplitN(r.Message, ":", 2)[0]))
	return nil
}

// TestOutage: one line when the bus has been away for a while, also from the
// start, and one when it is back.
func TestOutage(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		logged := &lines{Handler: slog.DiscardHandler}
		bus := new(switchedBus)
		bus.down.Store(true)
		cfg := pipeConfig(storetest.NewMemory(), slog.New(logged))
		cfg.Bus = bus
		ch := openConfig(t, cfg)
		after := func(d time.Duration, want ...string) {
			t.Helper()
			time.Sleep(d)
			synctest.Wait()
			if got := logged.take(); !slices.Equal(got, want) {
				t.Errorf("logged %q, want %q", got, want)
			}
		}
		const away, back = "WARN the bus is away", "INFO the bus is back"
		after(5 * time.Second)
		after(5*time.Second, away)
		after(time.Minute)
		bus.down.Store(false)
		after(5*time.Second, back)
		after(time.Minute)
		bus.down.Store(true)
		after(3 * time.Second)
		bus.down.Store(false)
		after(time.Minute)
		bus.fails.Store(true) // it says that it is up, and takes nothing
		ch.Disconnect(1)
		after(10*time.Second, away)
		bus.fails.Store(false)
		after(10*time.Second, back)
		bus.down.Store(true)
		after(10*time.Second, away)
	})
}
