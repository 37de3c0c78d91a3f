package storetest

import (
	"errors"
	"fmt"
	"sync"
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
	if got := apply(t, b, receipt(chat.Receipt{ReceiverID: bob, ChatID: "1"}))[0]; got.Err != nil || !got.Changed {
		t.Errorf("receipt through the other: %+v", got)
	}
	if got := apply(t, a, receipt(chat.Receipt{ReceiverID: bob, ChatID: "1"}))[0]; got.Err != nil || got.Changed {
		t.Errorf("receipt again: %+v", got)
	}
	wantMessages(t, pending(t, a, bob, 0, 10), r[2].Message)
	wantMessages(t, conversation(t, a, bob, ann, 0, 10), r[2].Message, one)
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

func testSharedReceipt(t *testing.T, a, b chat.Store) {
	for i := range races {
		m := mustSave(t, a, message(ann, bob, fmt.Sprint(i), "hello"))
		r := race(t, a, b, receipt(chat.Receipt{ReceiverID: bob, ChatID: m.ChatID, Sent: upTo(m.ID)}))
		if r[0].Changed == r[1].Changed || r[0].Message.ID != m.ID || r[1].Message.ID != m.ID {
			t.Fatalf("confirmed through both at once: %+v", r)
		}
	}
	wantMessages(t, pending(t, b, bob, 0, 10))
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
