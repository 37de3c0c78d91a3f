package fiberchat

import (
	"context"
	"testing"
	"testing/synctest"
	"time"

	"fiberchat.example/fiberchat/chat"
	"fiberchat.example/fiberchat/storetest"
)

// slowSync is a store for which a sync is hard work.
type slowSync struct{ *storetest.Memory }

func (s slowSync) Since(ctx context.Context, userID, after int64, limit int) ([]chat.Message, error) {
	time.Sleep(time.Second)
	return s.Memory.Since(ctx, userID, after, limit)
}

// TestSlowAsksCostMore: what keeps the store busy for a second is worth 200
// questions, which is what a user has at once, and 4 seconds' share.
func TestSlowAsksCostMore(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		cfg := pipeConfig(slowSync{storetest.NewMemory()}, quiet())
		cfg.Limits.SendRate = 0 // 50 a second, bursts of 200
		ch := openConfig(t, cfg)
		c := ch.listen(t, 1)
		c.in <- "SUBSCRIBE\nid:2\nreceipt:s\ndestination:/user/queue/sync\n\n\x00"
		c.await("receipt-id:s")
		begun := time.Now()
		for range 3 {
			c.in <- "SEND\ndestination:/socket/chat/sync\nreceipt:sync\n\n{}\x00"
			c.await("receipt-id:sync")
		}
		if took := time.Since(begun).Round(time.Second); took != 6*time.Second {
			t.Errorf("three took %v", took)
		}
	})
}
