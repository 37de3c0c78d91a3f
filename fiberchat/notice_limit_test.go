package fiberchat

import (
	"fmt"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"fiberchat.example/fiberchat/chat"
	"fiberchat.example/fiberchat/storetest"
)

// TestNoticeConfirmationsArePaced: what confirms nothing, an ACK too, waits as a
// message's confirmation of that kind does, and nobody else does.
func TestNoticeConfirmationsArePaced(t *testing.T) {
	t.Parallel()
	const n = 1000
	confirm := func(id any) string { return fmt.Sprintf("SEND\ndestination:/socket/ntc/rcv\n\n{\"id\":%v}\x00", id) }
	for name, frame := range map[string]string{"confirmed": confirm(1), "unknown": confirm(99999), "ACK": "ACK\nid:1-2-1\nreceipt:r\n\n\x00", "ACK of another's": "ACK\nid:1-2-2\nreceipt:r\n\n\x00"} {
		synctest.Test(t, func(t *testing.T) {
			store := storetest.NewMemory()
			cfg := pipeConfig(store, quiet())
			cfg.Limits.SendRate = 50 // bursts of 200
			ch := openConfig(t, cfg)
			for _, user := range []int64{2, 3, 2} {
				if _, err := store.SaveNotice(t.Context(), chat.Notice{UserID: user, Kind: "x", Body: []byte("{}")}); err != nil {
					t.Fatal(err)
				}
			}
			c := ch.listen(t, 2)
			c.in <- "SUBSCRIBE\nid:n\nack:client-individual\ndestination:/user/2/notice\n\n\x00SEND\ndestination:/socket/chat/init\n\n\x00"
			c.want(t, `"id":1`)
			c.want(t, `"id":3`)
			c.in <- confirm(1)
			start := time.Now()
			c.in <- strings.Repeat(frame, n) + "UNSUBSCRIBE\nid:none\nreceipt:end\n\n\x00"
			for f := range c.out {
				if strings.Contains(f, "receipt-id:end") {
					break
				}
			}
			if took := time.Since(start); took < 15*time.Second || took > 17*time.Second {
				t.Errorf("%s: %d of them took %v at 50 a second, bursts of 200", name, n, took)
			}
		})
	}
}
