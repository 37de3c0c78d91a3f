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

// TestRepeatedConfirmationsArePaced: what confirms nothing has to wait beyond
// the burst, and nobody else does, nor what another session of the user
// confirms for the first time while there are tokens.
func TestRepeatedConfirmationsArePaced(t *testing.T) {
	t.Parallel()
	const n = 1000
	for _, body := range []string{`{"msgID":"m0"}`, `{"msgID":"m0","id":1}`, `{"msgID":"never"}`, `{"msgID":`} {
		synctest.Test(t, func(t *testing.T) {
			store := storetest.NewMemory()
			cfg := pipeConfig(store, quiet())
			cfg.Limits.SendRate = 50 // bursts of 200
			ch := openConfig(t, cfg)
			var ops []chat.Op
			for i := range n {
				ops = append(ops, chat.Op{Save: &chat.Message{ChatID: fmt.Sprint("m", i), SenderID: 1, ReceiverID: 2, Content: "x"}},
					chat.Op{Save: &chat.Message{ChatID: fmt.Sprint("x", i), SenderID: 1, ReceiverID: 3, Content: "x"}})
			}
			if _, err := store.Apply(t.Context(), ops); err != nil {
				t.Fatal(err)
			}
			attacker, honest := ch.listen(t, 2), ch.listen(t, 3)
			for _, c := range []*pipe{attacker, honest} {
				c.in <- "SUBSCRIBE\nid:2\ndestination:/user/queue/recive/status\n\n\x00SUBSCRIBE\nid:3\ndestination:/user/queue/status\n\n\x00"
			}
			confirm := func(body string) string { return "SEND\ndestination:/socket/chat/recive\n\n" + body + "\x00" }
			attacker.in <- confirm(`{"msgID":"m0"}`)
			attacker.want(t, `"code":200`)
			start := time.Now()
			attacker.in <- strings.Repeat(confirm(body), n)
			var all strings.Builder
			for i := range n {
				all.WriteString(confirm(fmt.Sprintf(`{"msgID":"x%d"}`, i)))
			}
			honest.in <- all.String()
			for range n {
				honest.want(t, `"code":200`)
			}
			if took := time.Since(start); took > 0 {
				t.Errorf("%s: who confirms each message once waited %v", body, took)
			}
			for range n {
				<-attacker.out
			}
			if took := time.Since(start); took < 15*time.Second || took > 17*time.Second {
				t.Errorf("%s: %d of them took %v at 50 a second, bursts of 200", body, n, took)
			}
		})
	}
}
