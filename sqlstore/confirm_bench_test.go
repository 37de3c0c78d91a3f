package sqlstore

import (
	"fmt"
	"path/filepath"
	"strings"
	"testing"

	"fiberchat.example/fiberchat/chat"
)

// sameMsgID stores messages to user 2 from so many senders, all under one
// msgID and as long as they may be by default.
func sameMsgID(t testing.TB, s *Store, senders int) {
	for sender := range senders {
		op := saveOp("same")
		op.Save.SenderID, op.Save.Content = int64(sender)+10, strings.Repeat("x", 48<<10)
		mustApply(t, s, op)
	}
}

// BenchmarkConfirmSameMsgID confirms without an id where others have the same
// msgID: one has been confirmed before, or nothing has and nothing was sent.
func BenchmarkConfirmSameMsgID(b *testing.B) {
	for _, kind := range []string{"sqlite", "postgres", "mysql"} {
		for _, senders := range []int{1, 200} {
			b.Run(fmt.Sprintf("%s/senders=%d", kind, senders), func(b *testing.B) {
				dsn := filepath.Join(b.TempDir(), "chat.db")
				if kind != "sqlite" {
					dsn = scratch(b, kind)
				}
				s := openAt(b, dsn)
				sameMsgID(b, s, senders)
				c := chat.Op{Confirm: &chat.Confirmation{ReceiverID: 2, ChatID: "same"}}
				mustApply(b, s, c)
				for b.Loop() {
					if r := mustApply(b, s, c)[0]; r.Err != nil || r.Changed {
						b.Fatalf("%+v", r)
					}
				}
			})
		}
	}
}
