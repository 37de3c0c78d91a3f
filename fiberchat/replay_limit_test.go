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

const initFrame = "SEND\ndestination:/socket/chat/init\nreceipt:init\n\n\x00"

// await reads frames up to the one that holds text, and returns how many bytes
// they have.
func (c *pipe) await(text string) (n int) {
	for f := ""; !strings.Contains(f, text); n += len(f) {
		f = <-c.out
	}
	return n
}

// TestReplaysArePaced: the same backlog again and again, by several sessions,
// comes as fast as the user's share, all of it; others do not wait, nor does
// what comes live.
func TestReplaysArePaced(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		store := storetest.NewMemory()
		var ops []chat.Op
		for i := range 32 {
			for to := range int64(2) {
				ops = append(ops, chat.Op{Save: &chat.Message{ChatID: fmt.Sprint("m", to, i), SenderID: 1, ReceiverID: 2 + to, Content: strings.Repeat("x", 32<<10)}})
			}
		}
		if _, err := store.Apply(t.Context(), ops); err != nil {
			t.Fatal(err)
		}
		cfg := pipeConfig(store, quiet())
		cfg.Limits.SendBytes = 0 // 4 MiB a second, bursts of 16 MiB
		ch := openConfig(t, cfg)
		greedy := []*pipe{ch.listen(t, 2), ch.listen(t, 2), ch.listen(t, 2), ch.listen(t, 2)}
		start := time.Now()
		ended := make(chan int, len(greedy))
		for _, c := range greedy {
			go func() { // joined below
				n := 0
				for range 10 {
					c.in <- initFrame
					n += c.await("receipt-id:init")
				}
				ended <- n
			}()
		}
		honest := ch.listen(t, 3)
		honest.in <- initFrame
		honest.await("receipt-id:init")
		if took := time.Since(start); took > 0 {
			t.Error("another user waited", took)
		}
		total := 0
		for range greedy {
			total += <-ended
		}
		took, want := time.Since(start), time.Duration(float64(total-16<<20)/(4<<20)*float64(time.Second))
		if total < 40<<20 || took < want-time.Second || took > want+time.Second {
			t.Errorf("%d bytes took %v, want %v", total, took, want)
		}
	})
}

// TestSubscribingAnewIsLimited: with an init that waits each new subscription
// begins a replay, so it costs what an init does. The first is free.
func TestSubscribingAnewIsLimited(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		cfg := pipeConfig(storetest.NewMemory(), quiet())
		cfg.Limits.SendRate = 50 // bursts of 200
		ch := openConfig(t, cfg)
		start := time.Now()
		for range 300 { // connecting anew is no subscribing anew
			c := ch.listen(t, 1)
			c.in <- "DISCONNECT\nreceipt:bye\n\n\x00"
			c.want(t, "receipt-id:bye")
		}
		if took := time.Since(start); took > 0 {
			t.Error("first subscriptions waited", took)
		}
		c := ch.listen(t, 1)
		const again = "UNSUBSCRIBE\nid:1\n\n\x00SUBSCRIBE\nid:1\ndestination:/user/1/recive\n\n\x00"
		c.in <- strings.Repeat(again, 700) + "UNSUBSCRIBE\nid:none\nreceipt:end\n\n\x00"
		c.await("receipt-id:end")
		if took := time.Since(start).Round(time.Second); took != 10*time.Second {
			t.Error("700 at 50 a second, bursts of 200, took", took)
		}
	})
}
