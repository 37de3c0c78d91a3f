package storetest

import (
	"errors"
	"slices"
	"testing"

	"fiberchat.example/fiberchat/chat"
)

// RunUnconfirmed checks chat.Unconfirmed, for stores that offer it. open
// returns an empty store and cleans up with t.Cleanup.
func RunUnconfirmed(t *testing.T, open func(t *testing.T) chat.Store) {
	s := open(t)
	want := func(after int64, limit int, want ...chat.Ref) {
		t.Helper()
		got, err := s.(chat.Unconfirmed).Unconfirmed(t.Context(), after, limit)
		if err != nil || !slices.Equal(got, want) {
			t.Fatalf("unconfirmed after %d: %v, %v, want %v", after, got, err, want)
		}
	}
	want(0, 10)
	a := mustSave(t, s, message(ann, bob, "1", "x"))
	b := mustSave(t, s, message(bob, ann, "2", "x"))
	c := mustSave(t, s, message(ann, eve, "3", "x"))
	refA, refB, refC := chat.Ref{ID: a.ID, ReceiverID: bob}, chat.Ref{ID: b.ID, ReceiverID: ann}, chat.Ref{ID: c.ID, ReceiverID: eve}
	want(0, 10, refA, refB, refC)
	want(0, 2, refA, refB)
	want(0, 0)
	want(a.ID, 10, refB, refC)
	apply(t, s, confirm(chat.Confirmation{ReceiverID: ann, ID: b.ID}))
	want(0, 10, refA, refC)
	want(c.ID, 10)
}

// RunCounter checks chat.Counter, for stores that offer it. open returns an
// empty store and cleans up with t.Cleanup.
func RunCounter(t *testing.T, open func(t *testing.T) chat.Store) {
	s := open(t)
	counter := s.(chat.Counter)
	counted := func(receiver int64, atMost, want int) {
		t.Helper()
		if n, err := counter.CountPending(t.Context(), receiver, atMost); err != nil || n != want {
			t.Fatalf("%d pending, %v, want %d", n, err, want)
		}
	}
	counted(bob, 10, 0)
	mustSave(t, s, message(ann, bob, "1", "x"))
	b := mustSave(t, s, message(bob, ann, "2", "x"))
	mustSave(t, s, message(ann, eve, "3", "x"))
	apply(t, s, confirm(chat.Confirmation{ReceiverID: ann, ID: b.ID}))
	counted(ann, 10, 0)
	counted(bob, 10, 1)
	mustSave(t, s, message(ann, bob, "4", "x"))
	mustSave(t, s, message(ann, bob, "5", "x"))
	counted(bob, 10, 3)
	counted(bob, 2, 2)
	counted(bob, 0, 0)
}

// RunFinder checks chat.Finder, for stores that offer it. open returns an
// empty store and cleans up with t.Cleanup.
func RunFinder(t *testing.T, open func(t *testing.T) chat.Store) {
	s := open(t)
	finder := s.(chat.Finder)
	a := mustSave(t, s, message(ann, bob, "1", "起来聊天"))
	b := mustSave(t, s, message(bob, ann, "1", "of bob"))
	c := mustSave(t, s, message(ann, eve, "3", "confirmed"))
	apply(t, s, confirm(chat.Confirmation{ReceiverID: eve, ID: c.ID}))
	for _, want := range []chat.Message{a, b, confirmed(c)} {
		found, err := finder.Find(t.Context(), want.SenderID, want.ChatID)
		if err != nil {
			t.Fatalf("find %q of %d: %v", want.ChatID, want.SenderID, err)
		}
		wantMessage(t, found, want)
	}
	for _, none := range []chat.Message{{SenderID: eve, ChatID: "1"}, {SenderID: bob, ChatID: "3"}, {SenderID: ann, ChatID: "6"}, {SenderID: ann}} {
		if found, err := finder.Find(t.Context(), none.SenderID, none.ChatID); !errors.Is(err, chat.ErrNotFound) {
			t.Errorf("find %q of %d: %+v, %v, want ErrNotFound", none.ChatID, none.SenderID, found, err)
		}
	}
}
