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
		apply(t, s, confirm(chat.Confirmation{ReceiverID: bob, ID: bobs[i].ID}))
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

func testInbox(t *testing.T, s chat.Store) {
	wantMessages(t, inbox(t, s, bob, 0, 10))
	var bobs []chat.Message
	for i := range 20 {
		bobs = append(bobs, mustSave(t, s, message(ann+int64(i%2)*2, bob, fmt.Sprint(i), "x")))
		mustSave(t, s, message(bob, eve, fmt.Sprint(i), "x"))
		if got := inbox(t, s, bob, bobs[i].ID-1, 10); len(got) != 1 {
			t.Fatalf("%v is in the inbox after Apply of %d", ids(got), bobs[i].ID)
		}
	}
	for _, i := range []int{19, 7, 0} {
		apply(t, s, confirm(chat.Confirmation{ReceiverID: bob, ID: bobs[i].ID}))
		bobs[i] = confirmed(bobs[i])
	}
	wantMessages(t, inbox(t, s, bob, 0, 1000), bobs...)
	wantMessages(t, inbox(t, s, bob, 0, 6), bobs[:6]...)
	wantMessages(t, inbox(t, s, bob, bobs[5].ID, 6), bobs[6:12]...)
	wantMessages(t, inbox(t, s, bob, bobs[19].ID, 10))
	wantMessages(t, inbox(t, s, bob, 0, 0))
	wantMessages(t, inbox(t, s, ann, 0, 10))
	wantMessages(t, inbox(t, s, 999, 0, 10))
}

func testLast(t *testing.T, s chat.Store) {
	for _, receiver := range []int64{0, ann, bob} {
		if id := last(t, s, receiver); id != 0 {
			t.Errorf("last of %d is %d in an empty store", receiver, id)
		}
	}
	highest := make(map[int64]int64)
	for i := range 20 {
		// Also of those who got nothing yet: the next one's must be above it.
		before := map[int64]int64{ann: last(t, s, ann), bob: last(t, s, bob), eve: last(t, s, eve)}
		m := mustSave(t, s, message(ann, ann+int64(i%3), fmt.Sprint(i), "x"))
		if m.ID <= before[m.ReceiverID] {
			t.Errorf("%d came when the last of %d was %d", m.ID, m.ReceiverID, before[m.ReceiverID])
		}
		highest[m.ReceiverID] = m.ID
		if i%2 == 0 { // makes no difference
			apply(t, s, confirm(chat.Confirmation{ReceiverID: m.ReceiverID, ID: m.ID}))
		}
		if id := last(t, s, 0); id != m.ID {
			t.Errorf("last of all is %d, want %d", id, m.ID)
		}
		for receiver, id := range highest {
			if got := last(t, s, receiver); got < id || got > m.ID {
				t.Errorf("last of %d is %d, want %d at least and %d at most", receiver, got, id, m.ID)
			}
		}
	}
}

func testConversation(t *testing.T, s chat.Store) {
	first := mustSave(t, s, message(ann, eve, "first", "x"))
	var both []chat.Message // oldest first
	for i := range 20 {
		from, to := ann, bob
		if i%3 == 0 {
			from, to = bob, ann
		}
		both = append(both, mustSave(t, s, message(from, to, fmt.Sprint(i), "x")))
		mustSave(t, s, message(ann, eve, fmt.Sprint("e", i), "x"))
		mustSave(t, s, message(eve, bob, fmt.Sprint("e", i), "x"))
	}
	apply(t, s, confirm(chat.Confirmation{ReceiverID: both[16].ReceiverID, ID: both[16].ID}))
	both[16] = confirmed(both[16])
	newestFirst := slices.Clone(both)
	slices.Reverse(newestFirst)

	for _, test := range []struct {
		want []chat.Message
		page chat.Page
		next func(id int64) chat.Page
	}{
		{newestFirst, chat.Page{}, func(id int64) chat.Page { return chat.Page{Before: id} }},
		{both, chat.Page{After: first.ID}, func(id int64) chat.Page { return chat.Page{After: id} }},
	} {
		wantMessages(t, conversation(t, s, ann, bob, test.page, 100), test.want...)
		wantMessages(t, conversation(t, s, bob, ann, test.page, 100), test.want...)
		var paged []chat.Message
		for page := test.page; ; page = test.next(paged[len(paged)-1].ID) {
			got := conversation(t, s, ann, bob, page, 7)
			if len(got) > 7 {
				t.Fatalf("%d messages, limit was 7", len(got))
			}
			if paged = append(paged, got...); len(got) < 7 {
				break
			}
		}
		wantMessages(t, paged, test.want...)
		wantMessages(t, conversation(t, s, ann, bob, test.page, 0))
		wantMessages(t, conversation(t, s, ann, ann, test.page, 10))
		wantMessages(t, conversation(t, s, ann, 999, test.page, 10))
	}
	wantMessages(t, conversation(t, s, ann, bob, chat.Page{Before: both[0].ID}, 10))
	wantMessages(t, conversation(t, s, ann, bob, chat.Page{After: both[19].ID}, 10))
	wantMessages(t, conversation(t, s, ann, bob, chat.Page{After: both[4].ID}, 3), both[5:8]...)
	wantMessages(t, conversation(t, s, ann, bob, chat.Page{Before: both[5].ID}, 2), both[4], both[3])
	if got, err := s.Conversation(t.Context(), ann, bob, chat.Page{Before: both[5].ID, After: both[2].ID}, 10); err == nil {
		t.Errorf("both before and after: %v, want an error", ids(got))
	}
	own := mustSave(t, s, message(ann, ann, "own", "x"))
	wantMessages(t, conversation(t, s, ann, ann, chat.Page{}, 10), own)
}

func testCancelled(t *testing.T, s chat.Store) {
	m := mustSave(t, s, message(ann, bob, "1", "hello"))
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if _, err := s.Apply(ctx, []chat.Op{save(message(ann, bob, "2", "late")), confirm(chat.Confirmation{ReceiverID: bob, ID: m.ID})}); !errors.Is(err, context.Canceled) {
		t.Errorf("Apply: %v, want context.Canceled", err)
	}
	if _, err := s.Pending(ctx, bob, 0, 10); !errors.Is(err, context.Canceled) {
		t.Errorf("Pending: %v, want context.Canceled", err)
	}
	if _, err := s.Inbox(ctx, bob, 0, 10); !errors.Is(err, context.Canceled) {
		t.Errorf("Inbox: %v, want context.Canceled", err)
	}
	for _, receiver := range []int64{0, bob} {
		if _, err := s.Last(ctx, receiver); !errors.Is(err, context.Canceled) {
			t.Errorf("Last of %d: %v, want context.Canceled", receiver, err)
		}
	}
	if _, err := s.Conversation(ctx, ann, bob, chat.Page{}, 10); !errors.Is(err, context.Canceled) {
		t.Errorf("Conversation: %v, want context.Canceled", err)
	}
	// Nothing of it was stored, and the store works on.
	wantMessages(t, pending(t, s, bob, 0, 10), m)
	mustSave(t, s, message(ann, bob, "2", "in time"))
}
