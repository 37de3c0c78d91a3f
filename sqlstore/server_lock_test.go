package sqlstore

import (
	"context"
	"errors"
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

// Two nodes work on the same users and the same messages at once, each in its
// own order and by its own names for them. Neither ends the other's
// transaction: there is no deadlock, which PostgreSQL would find after a
// second only. Each thing is done once.
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
			results := atOnce(t, nodes, func(node, i int) []chat.Op {
				c := &chat.Confirmation{ReceiverID: saved[i].Message.ReceiverID, ChatID: id(i), Time: time.Now()}
				if (i < size/2) == (node == 0) {
					c.ChatID, c.ID = "", saved[i].Message.ID
				}
				return []chat.Op{
					{Confirm: c},
					saveFrom(int64(i%3)+2, int64((i+node)%3)+2, fmt.Sprint(id(i), "-of-", node)),
					saveFrom(9, 3, fmt.Sprint(id(i), "-of-both")),
				}
			}, size, callOnce)
			for i := range size {
				of := [2][]chat.Result{results[0][3*i:], results[1][3*i:]}
				for node := range nodes {
					if r := of[node][1]; r.Err != nil || !r.Changed {
						t.Errorf("node %d, save: %+v", node, r)
					}
				}
				for k, what := range map[int]string{0: "confirmation", 2: "save of both"} {
					a, b := of[0][k], of[1][k]
					if a.Err != nil || b.Err != nil || a.Changed == b.Changed || a.Message.ID != b.Message.ID {
						t.Errorf("%s: %+v and %+v, want the same message changed once", what, a, b)
					}
				}
			}
		}
	})
}

// One sender uses the same msgIDs at two nodes for different receivers, in the
// opposite order.
func TestServerCrossedMessageIDs(t *testing.T) {
	t.Parallel()
	eachServer(t, func(t *testing.T, kind string) {
		dsn := scratch(t, kind)
		nodes := [2]*Store{openAt(t, dsn), openAt(t, dsn)}
		apply := callOnce
		if kind == "mysql" { // it may be a deadlock there: see callMySQL
			apply = func(s *Store, ctx context.Context, ops []chat.Op) ([]chat.Result, error) { return s.Apply(ctx, ops) }
		}
		const size = 20
		for round := range 25 {
			results := atOnce(t, nodes, func(node, i int) []chat.Op {
				return []chat.Op{saveFrom(5, int64(10+node), fmt.Sprint(round, "-", i))}
			}, size, apply)
			for i := range size {
				a, b := results[0][i], results[1][i]
				if a.Changed == b.Changed || errors.Is(a.Err, chat.ErrConflict) == a.Changed || errors.Is(b.Err, chat.ErrConflict) == b.Changed {
					t.Errorf("%+v and %+v, want one stored and one conflict", a, b)
				}
			}
		}
	})
}

// callOnce is Apply without the retry that would hide a deadlock.
func callOnce(s *Store, ctx context.Context, ops []chat.Op) ([]chat.Result, error) {
	b, err := s.dialect.call(s, ctx, ops)
	if err != nil {
		return nil, err
	}
	b.finish()
	return b.results, nil
}

// atOnce applies size times ops at both nodes, at the second one backwards,
// and returns the results in the order of i.
func atOnce(t *testing.T, nodes [2]*Store, ops func(node, i int) []chat.Op, size int, apply func(*Store, context.Context, []chat.Op) ([]chat.Result, error)) (results [2][]chat.Result) {
	t.Helper()
	var both sync.WaitGroup
	for n, s := range nodes {
		var all []chat.Op
		for i := range size {
			all = append(all, ops(n, i)...)
		}
		if n == 1 {
			slices.Reverse(all)
		}
		both.Go(func() { // ends with its one call; awaited below
			got, err := apply(s, t.Context(), all)
			if err != nil {
				t.Errorf("node %d: %v", n, err)
			}
			if n == 1 {
				slices.Reverse(got)
			}
			results[n] = got
		})
	}
	both.Wait()
	if t.Failed() {
		t.FailNow()
	}
	return results
}

// MySQL ends the transaction of a node whose machine vanished, whose
// receivers would else get nothing any more. On PostgreSQL no lock outlives a
// statement.
func TestMySQLEndsTheTransactionOfAVanishedNode(t *testing.T) {
	t.Parallel()
	s := openAt(t, scratch(t, "mysql"))
	var got string
	if err := s.write.Get(&got, "SELECT @@wait_timeout"); err != nil || got != "20" {
		t.Errorf("wait_timeout: %q, %v, want 20", got, err)
	}
}
