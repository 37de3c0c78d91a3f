package storetest

import (
	"errors"
	"fmt"
	"sync"
	"sync/atomic"
	"testing"

	"fiberchat.example/fiberchat/chat"
)

func testSharedState(t *testing.T, a, b chat.Store) {
	one := mustSave(t, a, message(ann, bob, "1", "hello"))
	wantMessages(t, pending(t, b, bob, 0, 10), one)
	r := apply(t, b, save(message(ann, bob, "1", "hello")), save(message(ann, bob, "1", "other")), save(message(ann, bob, "2", "two")))
	if r[0].Err != nil || r[0].Changed || !errors.Is(r[1].Err, chat.ErrConflict) || r[2].Message.ID <= one.ID {
		t.Errorf("saved again through the other: %+v", r)
	}
	wantMessage(t, r[0].Message, one)
	if got := apply(t, b, confirm(chat.Confirmation{ReceiverID: bob, ChatID: "1"}))[0]; got.Err != nil || !got.Changed {
		t.Errorf("confirm through the other: %+v", got)
	}
	if got := apply(t, a, confirm(chat.Confirmation{ReceiverID: bob, ChatID: "1"}))[0]; got.Err != nil || got.Changed {
		t.Errorf("confirm again: %+v", got)
	}
	wantMessages(t, pending(t, a, bob, 0, 10), r[2].Message)
	wantMessages(t, conversation(t, a, bob, ann, chat.Page{}, 10), r[2].Message, confirmed(one))
	for _, s := range []chat.Store{a, b} {
		wantMessages(t, inbox(t, s, bob, 0, 10), confirmed(one), r[2].Message)
		if id := last(t, s, bob); id < r[2].Message.ID {
			t.Errorf("last of bob is %d, want %d at least", id, r[2].Message.ID)
		}
	}
}

const races = 30

func testSharedSave(t *testing.T, a, b chat.Store) {
	for i := range races {
		m := message(ann, bob, fmt.Sprint(i), "hello")
		r := race(t, a, b, save(m))
		if r[0].Changed == r[1].Changed || r[0].Message.ID != r[1].Message.ID {
			t.Fatalf("saved through both at once: %+v", r)
		}
	}
	if got := pending(t, a, bob, 0, 2*races); len(got) != races {
		t.Errorf("%d messages, want %d", len(got), races)
	}
}

func testSharedConfirm(t *testing.T, a, b chat.Store) {
	for i := range races {
		m := mustSave(t, a, message(ann, bob, fmt.Sprint(i), "hello"))
		r := race(t, a, b, confirm(chat.Confirmation{ReceiverID: bob, ChatID: m.ChatID, Sent: upTo(m.ID)}))
		if r[0].Changed == r[1].Changed || r[0].Message.ID != m.ID || r[1].Message.ID != m.ID {
			t.Fatalf("confirmed through both at once: %+v", r)
		}
	}
	wantMessages(t, pending(t, b, bob, 0, 10))
}

// testSharedSender lets one sender use the same msgIDs for several receivers
// at once: one message of each msgID is stored, and whoever shares the calls
// with them is not harmed.
func testSharedSender(t *testing.T, a, b chat.Store) {
	const writers, size = 4, 6
	var next atomic.Int64
	stored := make([]map[string]bool, writers)
	var all sync.WaitGroup
	for n := range writers {
		s, to := []chat.Store{a, b}[n%2], int64(n)+10
		again := mustSave(t, s, message(ann, to, fmt.Sprint("again-", n), "x"))
		stored[n] = map[string]bool{again.ChatID: true}
		all.Go(func() { // ends with its loop; awaited below
			for round := range 4 * races {
				ops := []chat.Op{save(again)}
				first := next.Add(1)
				for i := range size { // of those that the others are at, each in another order
					ops = append(ops, save(message(ann, to, fmt.Sprint(first+int64(i*5+n)%7), "x")))
				}
				ops = append(ops, save(message(to+100, to+200, fmt.Sprint(round), "of another")))
				results, err := s.Apply(t.Context(), ops)
				if err != nil {
					t.Errorf("Apply: %v", err)
					return
				}
				if r := results[0]; r.Err != nil || r.Changed || r.Message.ID != again.ID {
					t.Errorf("a repetition: %+v", r)
				}
				for i, r := range results[1 : size+1] {
					if r.Changed {
						stored[n][r.Message.ChatID] = true
					} else if mine := stored[n][ops[i+1].Save.ChatID]; mine != (r.Err == nil) || !mine && !errors.Is(r.Err, chat.ErrConflict) {
						t.Errorf("%+v, stored by this writer: %v", r, mine)
					}
				}
				if r := results[size+1]; r.Err != nil || !r.Changed {
					t.Errorf("another sender's: %+v", r)
				}
			}
		})
	}
	all.Wait()
	owner := make(map[string]int)
	for n := range stored {
		for chatID := range stored[n] {
			if other, twice := owner[chatID]; twice {
				t.Errorf("msgID %s was stored by writers %d and %d", chatID, other, n)
			}
			owner[chatID] = n
		}
		if got := pending(t, a, int64(n)+10, 0, 1<<20); len(got) != len(stored[n]) {
			t.Errorf("receiver %d has %d messages, want %d", n, len(got), len(stored[n]))
		}
	}
}

// race applies op through both stores at once.
func race(t *testing.T, a, b chat.Store, op chat.Op) [2]chat.Result {
	var results [2]chat.Result
	var both sync.WaitGroup
	for i, s := range []chat.Store{a, b} {
		both.Go(func() { // ends with its one call; awaited below
			got, err := s.Apply(t.Context(), []chat.Op{op})
			if err != nil {
				t.Errorf("Apply: %v", err)
				return
			}
			results[i] = got[0]
		})
	}
	both.Wait()
	for _, r := range results {
		if r.Err != nil {
			t.Errorf("result: %v", r.Err)
		}
	}
	return results
}
