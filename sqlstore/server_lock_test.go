package sqlstore

import (
	"fmt"
	"slices"
	"sync"
	"testing"
	"time"

	"fiberchat.example/fiberchat/chat"
)

func saveFrom(sender, receiver int64, chatID string) chat.Op {
	op := saveOp(chatID)
	op.Save.SenderID, op.Save.ReceiverID = sender, receiver
	return op
}

// Two nodes work on the same messages, each in its own order and by its own
// names for them. Neither ends the other's transaction: there is no duplicate
// and no deadlock, which PostgreSQL would find after a second only.
func TestServerNodesDoNotBlockEachOther(t *testing.T) {
	t.Parallel()
	eachServer(t, func(t *testing.T, kind string) {
		dsn := scratch(t, kind)
		nodes := [2]*Store{openAt(t, dsn), openAt(t, dsn)}
		const size = 20
		for round := range 25 {
			id := func(i int) string { return fmt.Sprint(round, "-", i) }
			var old []chat.Op
			for i := range size {
				old = append(old, saveFrom(1, int64(i%3)+2, id(i)))
			}
			saved := mustApply(t, nodes[0], old...)
			for _, op := range []func(node, i int) chat.Op{
				func(node, i int) chat.Op {
					r := &chat.Confirmation{ReceiverID: saved[i].Message.ReceiverID, ChatID: id(i), Time: time.Now()}
					if (i < size/2) == (node == 0) {
						r.ChatID, r.ID = "", saved[i].Message.ID
					}
					return chat.Op{Confirm: r}
				},
				func(node, i int) chat.Op { return saveFrom(5, int64(10+node), id(i)) },
			} {
				var both sync.WaitGroup
				for n, s := range nodes {
					var ops []chat.Op
					for i := range size {
						ops = append(ops, op(n, i))
					}
					if n == 1 {
						slices.Reverse(ops)
					}
					both.Go(func() { // ends with its one call; awaited below
						if _, err := s.applyOnce(t.Context(), ops, true); err != nil {
							t.Errorf("node %d: %v", n, err)
						}
					})
				}
				both.Wait()
			}
		}
	})
}

// The database ends the transaction of a node whose machine vanished, whose
// receivers would else get nothing any more.
func TestServerEndsTheTransactionOfAVanishedNode(t *testing.T) {
	t.Parallel()
	eachServer(t, func(t *testing.T, kind string) {
		s := openAt(t, scratch(t, kind))
		begun, err := s.write.Beginx()
		if err != nil {
			t.Fatal(err)
		}
		defer begun.Rollback()
		tx := serverTx{Tx: begun, s: s}
		if err := tx.lockUsers(t.Context(), []chat.Op{saveOp("1")}); err != nil {
			t.Fatal(err)
		}
		setting, want := "SELECT @@wait_timeout", "20"
		if kind == "postgres" {
			setting, want = "SHOW idle_in_transaction_session_timeout", "15s"
		}
		var got string
		if err := tx.Get(&got, setting); err != nil || got != want {
			t.Errorf("%s: %q, %v, want %s", setting, got, err, want)
		}
	})
}
