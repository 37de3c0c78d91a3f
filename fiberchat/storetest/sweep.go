package storetest

import (
	"context"
	"slices"
	"testing"

	"fiberchat.example/fiberchat/chat"
)

// Newest implements chat.Sweeper.
func (s *Memory) Newest(context.Context) (int64, error) {
	s.mu.RLock()
	defer s.mu.RUnlock()
	return int64(len(s.messages)), nil
}

// NewestOf implements chat.Sweeper.
func (s *Memory) NewestOf(_ context.Context, receiverID int64) (int64, error) {
	s.mu.RLock()
	defer s.mu.RUnlock()
	for _, m := range slices.Backward(s.messages) {
		if m.ReceiverID == receiverID {
			return m.ID, nil
		}
	}
	return 0, nil
}

// Received implements chat.Sweeper.
func (s *Memory) Received(ctx context.Context, receiverID, afterID int64, limit int) ([]chat.Message, error) {
	return s.receivedBy(receiverID, afterID, limit, true), ctx.Err()
}

// Unconfirmed implements chat.Sweeper.
func (s *Memory) Unconfirmed(_ context.Context, afterID int64, limit int) ([]chat.Ref, error) {
	s.mu.RLock()
	defer s.mu.RUnlock()
	var refs []chat.Ref
	for _, m := range s.messages[min(max(afterID, 0), int64(len(s.messages))):] {
		if len(refs) >= limit {
			break
		}
		if !m.confirmed {
			refs = append(refs, chat.Ref{ID: m.ID, ReceiverID: m.ReceiverID})
		}
	}
	return refs, nil
}

// CountPending implements chat.Counter.
func (s *Memory) CountPending(ctx context.Context, receiverID int64, atMost int) (int, error) {
	pending, err := s.Pending(ctx, receiverID, 0, atMost)
	return len(pending), err
}

// Stored implements chat.Counter.
func (s *Memory) Stored(_ context.Context, senderID int64, chatID string) (bool, error) {
	s.mu.RLock()
	defer s.mu.RUnlock()
	return slices.ContainsFunc(s.byChat[chatID], func(i int) bool { return s.messages[i].SenderID == senderID }), nil
}

// RunSweeper checks chat.Sweeper and chat.Counter, for stores that offer them.
// open returns an empty store, and cleans up with t.Cleanup.
func RunSweeper(t *testing.T, open func(t *testing.T) chat.Store) {
	s := open(t)
	sweeper := s.(chat.Sweeper)
	newest := func(want int64) {
		t.Helper()
		if got, err := sweeper.Newest(t.Context()); err != nil || got != want {
			t.Fatalf("newest is %d, %v, want %d", got, err, want)
		}
	}
	// What is not above it, and what comes later is.
	newestOf := func(receiverID, atLeast int64) {
		t.Helper()
		got, err := sweeper.NewestOf(t.Context(), receiverID)
		all, e := sweeper.Newest(t.Context())
		if err != nil || e != nil || got < atLeast || got > all {
			t.Fatalf("newest of %d is %d, %v, want %d at least, and %d, %v at most", receiverID, got, err, atLeast, all, e)
		}
	}
	received := func(receiverID, after int64, limit int, want ...chat.Message) {
		t.Helper()
		got, err := sweeper.Received(t.Context(), receiverID, after, limit)
		if err != nil {
			t.Fatal(err)
		}
		wantMessages(t, got, want...)
	}
	unconfirmed := func(after int64, limit int, want ...chat.Ref) {
		t.Helper()
		got, err := sweeper.Unconfirmed(t.Context(), after, limit)
		if err != nil || !slices.Equal(got, want) {
			t.Fatalf("unconfirmed after %d: %v, %v, want %v", after, got, err, want)
		}
	}
	counted := func(receiver int64, atMost, want int) {
		t.Helper()
		if n, err := s.(chat.Counter).CountPending(t.Context(), receiver, atMost); err != nil || n != want {
			t.Fatalf("%d pending, %v, want %d", n, err, want)
		}
	}
	newest(0)
	newestOf(bob, 0)
	unconfirmed(0, 10)
	counted(bob, 10, 0)
	a := mustSave(t, s, message(ann, bob, "1", "x"))
	b := mustSave(t, s, message(bob, ann, "2", "x"))
	c := mustSave(t, s, message(ann, eve, "3", "x"))
	newest(c.ID)
	newestOf(bob, a.ID)
	newestOf(ann, b.ID)
	refA, refB, refC := chat.Ref{ID: a.ID, ReceiverID: bob}, chat.Ref{ID: b.ID, ReceiverID: ann}, chat.Ref{ID: c.ID, ReceiverID: eve}
	unconfirmed(0, 10, refA, refB, refC)
	unconfirmed(0, 2, refA, refB)
	unconfirmed(0, 0)
	unconfirmed(a.ID, 10, refB, refC)
	apply(t, s, receipt(chat.Confirmation{ReceiverID: ann, ID: b.ID}))
	unconfirmed(0, 10, refA, refC)
	newestOf(ann, b.ID) // confirmed as it is
	newestOf(bob, a.ID)
	received(ann, 0, 10, b)
	received(ann, b.ID, 10)
	unconfirmed(c.ID, 10)
	newest(c.ID)

	counted(ann, 10, 0) // confirmed
	counted(bob, 10, 1)
	d := mustSave(t, s, message(ann, bob, "4", "x"))
	e := mustSave(t, s, message(ann, bob, "5", "x"))
	received(bob, 0, 10, a, d, e)
	received(bob, 0, 2, a, d)
	received(bob, a.ID, 10, d, e)
	received(bob, 0, 0)
	received(99, 0, 10)
	counted(bob, 10, 3)
	counted(bob, 2, 2)
	counted(bob, 0, 0)

	for _, want := range []struct {
		sender int64
		chatID string
		stored bool
	}{{ann, "1", true}, {ann, "3", true}, {bob, "2", true}, {bob, "1", false}, {ann, "6", false}, {ann, "", false}} {
		if stored, err := s.(chat.Counter).Stored(t.Context(), want.sender, want.chatID); err != nil || stored != want.stored {
			t.Errorf("%q of %d is stored: %v, %v", want.chatID, want.sender, stored, err)
		}
	}
}
