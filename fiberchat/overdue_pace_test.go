package fiberchat

import (
	"context"
	"errors"
	"log/slog"
	"testing"
	"testing/synctest"
	"time"

	"fiberchat.example/fiberchat/chat"
	"fiberchat.example/fiberchat/storetest"
)

// endlessQueue always has more to look at, and gives nobody out.
type endlessQueue struct {
	*storetest.Memory
	looks int
	chat  *Chat
}

func (q *endlessQueue) QueueOverdue(context.Context, time.Time, time.Duration) (bool, error) {
	if q.looks++; q.looks == 100 {
		close(q.chat.closing)
	}
	return true, nil
}

func (*endlessQueue) ClaimOverdue(context.Context, time.Time, time.Time, int) ([]chat.OverdueClaim, error) {
	return nil, errors.New("no claims")
}

// TestOverdueTakesItsTime: where there is more to look at, a store that fails is
// asked once a second all the same.
func TestOverdueTakesItsTime(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		q := &endlessQueue{Memory: storetest.NewMemory()}
		q.chat = &Chat{ctx: t.Context(), closing: make(chan struct{})}
		q.chat.cfg = Config{Store: q, Logger: slog.New(slog.DiscardHandler)}.withDefaults()
		q.chat.sessions.Add(1)
		begun := time.Now()
		q.chat.keepOverdue()
		if took := time.Since(begun); took < 99*overdueEvery {
			t.Errorf("looked %d times in %v", q.looks, took)
		}
	})
}
