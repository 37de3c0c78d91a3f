package storetest

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"testing"

	"fiberchat.example/fiberchat/chat"
)

func testPending(t *testing.T, s chat.Store) {
	var bobs []chat.Message
	for i := range 25 {
		bobs = append(bobs, mustSave(t, s, message(ann+int64(i%2)*2, bob, fmt.Sprint(i), "x")))
		mustSave(t, s, message(bob, eve, fmt.Sprint(i), "x"))
	}
	// Confirmed in another order than sent, some in the middle, the first, the last.
	for _, i := range []int{24, 7, 0, 8, 9} {
		apply(t, s, receipt(chat.Confirmation{ReceiverID: bob, ID: bobs[i].ID}))
	}
	want := slices.Concat(bobs[1:7], bobs[10:24])
	wantMessages(t, pending(t, s, bob, 0, 1000), want...)

	var paged []chat.Message
	for after := int64(0); ; after = paged[len(paged)-1].ID {
		page := pending(t, s, bob, after, 6)
		if len(page) > 6 {
			t.Fatalf("%d messages, limit was 6", len(page))
		}
		if paged = append(paged, page...); len(page) < 6 {
			break
		}
	}
	wantMessages(t, paged, want...)
	wantMessages(t, pending(t, s, bob, 0, 1), want[0])
	wantMessages(t, pending(t, s, bob, 0, 0))
	wantMessages(t, pending(t, s, bob, bobs[24].ID, 10))
	wantMessages(t, pending(t, s, ann, 0, 10))
	wantMessages(t, pending(t, s, 999, 0, 10))
}

func testConversation(t *testing.T, s chat.Store) {
	var both []chat.Message // newest first
	for i := range 20 {
		from, to := ann, bob
		if i%3 == 0 {
			from, to = bob, ann
		}
		both = slices.Insert(both, 0, mustSave(t, s, message(from, to, fmt.Sprint(i), "x")))
		mustSave(t, s, message(ann, eve, fmt.Sprint("e", i), "x"))
		mustSave(t, s, message(eve, bob, fmt.Sprint("e", i), "x"))
	}
	apply(t, s, receipt(chat.Confirmation{ReceiverID: both[3].ReceiverID, ID: both[3].ID})) // makes no difference
	wantMessages(t, conversation(t, s, ann, bob, 0, 100), both...)
	wantMessages(t, conversation(t, s, bob, ann, 0, 100), both...)
	var paged []chat.Message
	for before := int64(0); ; before = paged[len(paged)-1].ID {
		page := conversation(t, s, ann, bob, before, 7)
		if len(page) > 7 {
			t.Fatalf("%d messages, limit was 7", len(page))
		}
		if paged = append(paged, page...); len(page) < 7 {
			break
		}
	}
	wantMessages(t, paged, both...)
	wantMessages(t, conversation(t, s, ann, bob, both[19].ID, 10))
	wantMessages(t, conversation(t, s, ann, bob, 0, 0))
	wantMessages(t, conversation(t, s, ann, ann, 0, 10))
	wantMessages(t, conversation(t, s, ann, 999, 0, 10))
}

func testCancelled(t *testing.T, s chat.Store) {
	m := mustSave(t, s, message(ann, bob, "1", "hello"))
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if _, err := s.Apply(ctx, []chat.Op{save(message(ann, bob, "2", "late")), receipt(chat.Confirmation{ReceiverID: bob, ID: m.ID})}); !errors.Is(err, context.Canceled) {
		t.Errorf("Apply: %v, want context.Canceled", err)
	}
	if _, err := s.Pending(ctx, bob, 0, 10); !errors.Is(err, context.Canceled) {
		t.Errorf("Pending: %v, want context.Canceled", err)
	}
	if _, err := s.Conversation(ctx, ann, bob, 0, 10); !errors.Is(err, context.Canceled) {
		t.Errorf("Conversation: %v, want context.Canceled", err)
	}
	// Nothing of it was stored, and the store works on.
	wantMessages(t, pending(t, s, bob, 0, 10), m)
	mustSave(t, s, message(ann, bob, "2", "in time"))
}
