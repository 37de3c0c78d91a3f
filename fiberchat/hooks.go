package fiberchat

import (
	"context"
	"errors"
	"maps"
	"sync"
	"time"

	"fiberchat.example/fiberchat/chat"
)

// lastHooked is how long Close goes on with what the app is yet to be told: half
// of what the app's shutdown has.
const lastHooked = shutdownTime / 2

// call calls a hook, which has Timeouts.Store: what it says later does not count.
// A refusal is no failure of it.
func (ch *Chat) call(ctx context.Context, hook string, f func(ctx context.Context) error) error {
	ctx, cancel := context.WithTimeout(ctx, ch.cfg.Timeouts.Store)
	defer cancel()
	begun := time.Now()
	_, err := guard(func() (struct{}, error) { return struct{}{}, f(ctx) })
	if err == nil {
		err = ctx.Err()
	}
	ch.metrics.HookTime.WithLabelValues(hook).Observe(time.Since(begun).Seconds())
	if err != nil && !errors.Is(err, chat.ErrForbidden) {
		ch.metrics.HookFailures.WithLabelValues(hook).Inc()
	}
	return err
}

// hookFailed notes that a hook failed, and returns what a client that waits for
// it is answered.
func (ch *Chat) hookFailed(hook string, err error, userID int64) *failure {
	ch.cfg.Logger.Error("call the app", "hook", hook, "error", err, "user", userID)
	return ch.tryAgain(err)
}

// hooks is what the app is told after the fact: by a goroutine for each, so
// that a slow one holds up no other. What there is no hook for is nil.
type hooks struct {
	chat             *Chat
	saved, confirmed *messageHook
	connections      *connectionHooks

	ctx     context.Context
	cancel  context.CancelFunc
	running sync.WaitGroup

	mu      sync.Mutex
	dropped map[string]int // calls, by hook, since the last report
}

func newHooks(ch *Chat) *hooks {
	h := &hooks{chat: ch, dropped: make(map[string]int)}
	h.ctx, h.cancel = context.WithCancel(ch.ctx)
	if f := ch.cfg.AfterSave; f != nil {
		h.saved = newMessageHook(h, "AfterSave", f)
	}
	if f := ch.cfg.AfterConfirm; f != nil {
		h.confirmed = newMessageHook(h, "AfterConfirm", f)
	}
	if ch.cfg.OnConnect != nil || ch.cfg.OnDisconnect != nil {
		h.connections = newConnectionHooks(h)
	}
	return h
}

// close goes on with what waits, for a while, and waits for the goroutines. No
// session and no operation is left.
func (h *hooks) close() {
	defer time.AfterFunc(lastHooked, h.cancel).Stop()
	defer h.cancel()
	if h.saved != nil {
		close(h.saved.waiting)
	}
	if h.confirmed != nil {
		close(h.confirmed.waiting)
	}
	if h.connections != nil {
		close(h.connections.wake)
	}
	h.running.Wait()
	h.report()
}

// tell calls a hook whose only faults are a panic and not to end in time.
func (h *hooks) tell(hook string, userID int64, f func(ctx context.Context)) {
	if h.ctx.Err() != nil { // Close has waited for long enough
		h.drop(hook)
		return
	}
	defer h.chat.recovered("call the app") // the Logger is the app's too
	err := h.chat.call(h.ctx, hook, func(ctx context.Context) error {
		f(ctx)
		return nil
	})
	if err != nil {
		h.chat.hookFailed(hook, err, userID)
	}
}

// drop counts a call that is not made.
func (h *hooks) drop(hook string) {
	h.chat.metrics.HookDropped.WithLabelValues(hook).Inc()
	h.mu.Lock()
	defer h.mu.Unlock()
	h.dropped[hook]++
}

// report logs what was dropped since the last time: one line for each hook.
func (h *hooks) report() {
	defer h.chat.recovered("log") // the Logger is the app's, and so called without mu, for which the committer waits in drop
	h.mu.Lock()
	dropped := maps.Clone(h.dropped)
	clear(h.dropped)
	h.mu.Unlock()
	for hook, n := range dropped {
		h.chat.cfg.Logger.Error("the app was not told: its hook is too slow", "hook", hook, "times", n)
	}
}
