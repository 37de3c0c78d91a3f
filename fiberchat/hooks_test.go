package fiberchat

import (
	"context"
	"log/slog"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"fiberchat.example/fiberchat/chat"
	"fiberchat.example/fiberchat/internal/hub"
	"fiberchat.example/fiberchat/internal/metrics"
)

// bareHooks is hooks of a Chat that has nothing else.
func bareHooks(cfg Config) *hooks {
	cfg.Logger = slog.New(slog.DiscardHandler)
	ch := &Chat{cfg: cfg.withDefaults(), metrics: metrics.New(), hub: hub.New[*client](), ctx: context.Background()}
	return newHooks(ch)
}

// TestCloseWaitsForHooksAWhile, and then ends their context.
func TestCloseWaitsForHooksAWhile(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		var done, ended int
		h := bareHooks(Config{AfterSave: func(ctx context.Context, _ chat.Message) {
			select {
			case <-time.After(2 * time.Second):
				done++
			case <-ctx.Done():
				ended++
			}
		}})
		for id := range int64(10) {
			h.saved.add(1, "m", &chat.Result{Message: chat.Message{ID: id}, Changed: true}, nil)
		}
		begun := time.Now()
		h.close()
		if took := time.Since(begun); took != lastHooked || done != 2 || ended != 1 {
			t.Errorf("after %v %d calls were done, %d were ended", took, done, ended)
		}
		if h.report(); len(h.dropped) > 0 {
			t.Error("what was dropped is reported twice")
		}
	})
}

// TestWaitingConnectionsAreBounded: a hook that does not end cannot make more
// wait than there may be sessions.
func TestWaitingConnectionsAreBounded(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		goOn := make(chan struct{})
		h := bareHooks(Config{Limits: Limits{Sessions: 3}, OnConnect: func(context.Context, chat.User) { <-goOn }})
		come := func(userID int64) {
			c := &client{}
			c.identity.User.ID = userID
			h.chat.hub.Add(userID, c, 0)
			h.connections.changed(userID)
		}
		come(1)
		synctest.Wait() // it is being told
		for userID := range int64(5) {
			come(userID + 2)
			come(userID + 2)
		}
		h.mu.Lock()
		if n := h.dropped["OnConnect"]; n != 4 {
			t.Errorf("%d were dropped", n)
		}
		h.mu.Unlock()
		close(goOn)
		h.close()
		if n := len(h.connections.told); n != 4 {
			t.Errorf("%d were told", n)
		}
	})
}

// slowLog is a log handler that waits.
type slowLog struct {
	slog.Handler
	began, goOn chan struct{}
}

func (l slowLog) Handle(context.Context, slog.Record) error {
	l.began <- struct{}{}
	<-l.goOn
	return nil
}

// TestReportHoldsUpNobody: the committer drops what is too much while the app's
// log takes its time.
func TestReportHoldsUpNobody(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		h := bareHooks(Config{})
		log := slowLog{slog.NewTextHandler(t.Output(), nil), make(chan struct{}), make(chan struct{})}
		h.chat.cfg.Logger = slog.New(log)
		h.drop("AfterSave")
		var reported, dropped sync.WaitGroup
		reported.Go(h.report) // waited for below
		<-log.began
		dropped.Go(func() { h.drop("AfterSave") }) // waited for below
		synctest.Wait()
		if held := !h.mu.TryLock(); held {
			t.Error("what is dropped waits for the log")
		} else {
			if h.dropped["AfterSave"] != 1 {
				t.Errorf("%d calls are to be reported, want the one after the report began", h.dropped["AfterSave"])
			}
			h.mu.Unlock()
		}
		close(log.goOn)
		reported.Wait()
		dropped.Wait()
	})
}
