package storetest

import (
	"sync"
	"sync/atomic"
	"testing"

	"fiberchat.example/fiberchat/chat"
)

func testSharedConfirmNotice(t *testing.T, a, b chat.Notices) {
	for range races {
		n := mustNotify(t, a, notice(bob, "x", `{}`))
		var changes atomic.Int64
		var both sync.WaitGroup
		for _, s := range []chat.Notices{a, b} {
			both.Go(func() { // ends with its one call; awaited below
				changed, err := s.ConfirmNotice(t.Context(), bob, n.ID, "", noon)
				if err != nil {
					t.Errorf("ConfirmNotice: %v", err)
				}
				if changed {
					changes.Add(1)
				}
			})
		}
		both.Wait()
		if changes.Load() != 1 {
			t.Fatalf("%d changed it", changes.Load())
		}
	}
}

// testNoticesInOrder lets several writers at each store write to two users,
// while each user is read as a session does: what it has read up to an id must
// be all there is up to that id.
func testNoticesInOrder(t *testing.T, a, b chat.Notices) {
	const writers, each = 4, 40 // writers at each store
	users := []int64{1001, 1002}
	var writing, reading sync.WaitGroup
	var done atomic.Bool
	for _, s := range []chat.Notices{a, b} {
		for w := range writers {
			writing.Go(func() { // ends with its loop; awaited below
				for i := range each {
					if _, err := s.SaveNotice(t.Context(), notice(users[(i+w)%2], "x", `{}`)); err != nil {
						t.Errorf("SaveNotice: %v", err)
					}
				}
			})
		}
	}
	for i, user := range users {
		s := []chat.Notices{a, b}[i]
		reading.Go(func() { // ends when the writers have; awaited below
			count := 0
			var after int64
			for last := false; ; {
				page, err := s.InboxNotices(t.Context(), user, after, 7)
				if err != nil {
					t.Errorf("InboxNotices: %v", err)
					return
				}
				for _, n := range page {
					if n.ID <= after {
						t.Errorf("id %d after %d", n.ID, after)
					}
					after = n.ID
				}
				count += len(page)
				if last && len(page) == 0 {
					break
				}
				last = done.Load() // what was written before this is on the next pages
			}
			if want := 2 * writers * each / len(users); count != want {
				t.Errorf("user %d: a reader that follows the ids saw %d notices of %d", user, count, want)
			}
		})
	}
	writing.Wait()
	done.Store(true)
	reading.Wait()
}
