package sqlstore

import (
	"fmt"
	"testing"
	"time"

	"fiberchat.example/fiberchat/chat"
)

// BenchmarkOverdue is what Overdue costs a second while 100,000 messages are
// unconfirmed: "quiet" when all of them were looked at, "busy" with 1,000 more a
// second to as many receivers, eight of whom are claimed and settled.
func BenchmarkOverdue(b *testing.B) {
	const after = 10 * time.Second
	for _, more := range []int{0, 1000} {
		b.Run(map[int]string{0: "quiet", 1000: "busy"}[more], func(b *testing.B) {
			s := openSQLiteStore(b)
			now, sent := time.Now(), 0
			send := func(n int) {
				for n > 0 {
					ops := make([]chat.Op, min(n, 1000))
					for i := range ops {
						sent++
						ops[i].Save = &chat.Message{ChatID: fmt.Sprint(sent), SenderID: 1, ReceiverID: int64(sent%50_000 + 2), SenderName: "ann", ReceiverName: "bob", Content: "hello, how are you?", Time: now}
					}
					if _, err := s.Apply(b.Context(), ops); err != nil {
						b.Fatal(err)
					}
					n -= len(ops)
				}
			}
			look := func() {
				now = now.Add(time.Second)
				for more := true; more; {
					var err error
					if more, err = s.QueueOverdue(b.Context(), now, after); err != nil {
						b.Fatal(err)
					}
				}
			}
			claim := func() []chat.OverdueClaim {
				claims, err := s.ClaimOverdue(b.Context(), now, now.Add(30*time.Second), 8)
				if err != nil {
					b.Fatal(err)
				}
				return claims
			}
			look()
			send(100_000)
			for range 2 + int(after/time.Second) {
				look()
			}
			s.write.MustExec(s.sql("DELETE FROM {p}overdue")) // as if all were told
			for range 2 + int(after/time.Second) {
				send(more)
				look()
			}
			s.write.MustExec(s.sql("DELETE FROM {p}overdue"))
			for b.Loop() {
				b.StopTimer()
				send(more)
				b.StartTimer()
				look()
				for _, c := range claim() {
					if err := s.SettleOverdue(b.Context(), c, now, time.Time{}); err != nil {
						b.Fatal(err)
					}
				}
			}
		})
	}
}
