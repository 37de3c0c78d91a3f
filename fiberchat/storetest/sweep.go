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
		if m.ReceiverID == receiverID && !m.confirmed {
			return m.ID, nil
		}
	}
	return 0, nil
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
	newestOf := func(receiverID, want int64) {
		t.Helper()
		if got, err := sweeper.NewestOf(t.Context(), receiverID); err != nil || got != want {
			t.Fatalf("newest of %d is %d, %v, want %d", receiverID, got, err, want)
		}
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
	apply(t, s, receipt(chat.Receipt{ReceiverID: ann, ID: b.ID}))
	unconfirmed(0, 10, refA, refC)
	newestOf(ann, 0)
	newestOf(bob, a.ID)
	unconfirmed(c.ID, 10)
	newest(c.ID)

	counted(ann, 10, 0) // confirmed
	counted(bob, 10, 1)
	mustSave(t, s, message(ann, bob, "4", "x"))
	mustSave(t, s, message(ann, bob, "5", "x"))
	counted(bob, 10, 3)
	counted(bob, 2, 2)
	counted(bob, 0, 0)
}
