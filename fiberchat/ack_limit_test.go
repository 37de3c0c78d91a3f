package fiberchat

import (
	"fmt"
	"regexp"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"fiberchat.example/fiberchat/chat"
	"fiberchat.example/fiberchat/storetest"
)

var ackHeader = regexp.MustCompile(`\nack:(\d+-\d+-)\d+\n`)

// acking connects a user whose subscription has this ack header, and returns
// what the value of its ACKs begins with.
func (ch *Chat) acking(t *testing.T, id int64, mode string) (c *pipe, prefix string) {
	c = ch.listen(t, id)
	c.in <- fmt.Sprintf("UNSUBSCRIBE\nid:1\n\n\x00SUBSCRIBE\nid:2\nack:%s\ndestination:/user/%d/recive\n\n\x00"+
		"SUBSCRIBE\nid:3\ndestination:/user/queue/recive/status\n\n\x00SUBSCRIBE\nid:4\ndestination:/user/queue/status\n\n\x00SEND\ndestination:/socket/chat/init\n\n\x00", mode, id)
	m := ackHeader.FindStringSubmatch(<-c.out)
	if m == nil {
		t.Fatal("no ack header")
	}
	return c, m[1]
}

// TestAcksOfNothingArePaced: an ACK that confirms nothing waits as a
// confirmation of that kind does, also where its id is somebody else's, which
// lies between those that the subscription was sent.
func TestAcksOfNothingArePaced(t *testing.T) {
	t.Parallel()
	const n = 1000
	for _, mode := range []string{"client", "client-individual"} {
		for _, id := range []int{1, 2} {
			synctest.Test(t, func(t *testing.T) {
				store := storetest.NewMemory()
				cfg := pipeConfig(store, quiet())
				cfg.Limits.SendRate = 50 // bursts of 200
				ch := openConfig(t, cfg)
				stranger := chat.Op{Save: &chat.Message{ChatID: "other", SenderID: 1, ReceiverID: 3, Content: "x"}}
				if _, err := store.Apply(t.Context(), []chat.Op{stranger}); err != nil { // id 1
					t.Fatal(err)
				}
				stored(t, store, "m") // id 2
				c, prefix := ch.acking(t, 2, mode)
				c.in <- fmt.Sprintf("ACK\nid:%s2\nreceipt:r\n\n\x00", prefix)
				c.want(t, `"code":200`)
				c.want(t, "receipt-id:r")
				start := time.Now()
				c.in <- strings.Repeat(fmt.Sprintf("ACK\nid:%s%d\nreceipt:r\n\n\x00", prefix, id), n)
				for range n {
					if id == 2 {
						c.want(t, `"code":200`)
					}
					c.want(t, "receipt-id:r")
				}
				if took := time.Since(start); took < 15*time.Second || took > 17*time.Second {
					t.Errorf("ack:%s of id %d: %d of them took %v at 50 a second, bursts of 200", mode, id, n, took)
				}
			})
		}
	}
}
