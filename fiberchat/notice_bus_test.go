package fiberchat_test

import (
	"context"
	"encoding/json"
	"math/rand/v2"
	"slices"
	"sync"
	"testing"

	"fiberchat.example/fiberchat/chat"
	"fiberchat.example/fiberchat/storetest"
)

// TestNoticesOnceAndInOrder: whatever the bus does, and whatever messages come
// meanwhile, each subscription gets each notice once, in order of id.
func TestNoticesOnceAndInOrder(t *testing.T) {
	t.Parallel()
	const each = 40
	for name, chaos := range map[string]func(b *broker){
		"sound":     func(*broker) {},
		"all of it": func(b *broker) { b.shuffled, b.copies = true, func([]byte) int { return rand.IntN(4) } },
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			c := newCluster(t, 2, openStore(t))
			c.set(func() { chaos(c.broker) })
			bobs := []*client{native.noticed(t, c.nodes[0].addr), sockws.noticed(t, c.nodes[1].addr)}
			bobs[1].subscribe("/user/2/notice")
			alice := c.online(t, 0, "alice")
			var group sync.WaitGroup
			for _, node := range c.nodes {
				group.Go(func() { // ends with its loop; awaited below
					for range each {
						if _, err := node.chat.Notify(t.Context(), 2, "x", none{}); err != nil {
							t.Error(err)
						}
					}
				})
			}
			group.Go(func() { alice.pour(0, each) })
			for i, b := range bobs {
				last, notices, messages := map[string]int64{}, 0, 0
				for notices < (i+1)*2*each || messages < each {
					f := b.next()
					var body struct {
						ID      int64
						NtcBody struct{ ID int64 }
					}
					if err := json.Unmarshal([]byte(f.Body), &body); err != nil {
						t.Fatal(f, err)
					}
					id, sub := body.ID+body.NtcBody.ID, f.Headers["subscription"]
					if id <= last[sub] {
						t.Fatalf("subscription %s gets %d after %d", sub, id, last[sub])
					}
					last[sub] = id
					if body.ID == 0 {
						notices++
					} else {
						messages++
					}
				}
			}
			group.Wait()
			for _, b := range bobs {
				b.nothing()
			}
		})
	}
}

// lateNotices makes notices of kind "late" visible after others that got higher
// ids, as a database does whose transactions take their time.
type lateNotices struct {
	*storetest.Memory
	got     chan struct{} // the notice has its id
	visible chan struct{} // closed when others see it
}

func (s *lateNotices) hide(page []chat.Notice) []chat.Notice {
	select {
	case <-s.visible:
	default:
		if len(page) > 0 && page[0].Kind == "late" {
			return page[1:]
		}
	}
	return page
}

func (s *lateNotices) SaveNotice(ctx context.Context, n chat.Notice) (int64, error) {
	id, err := s.Memory.SaveNotice(ctx, n)
	if n.Kind == "late" {
		s.got <- struct{}{}
		<-s.visible
	}
	return id, err
}

func (s *lateNotices) InboxNotices(ctx context.Context, userID, afterID int64, limit int) ([]chat.Notice, error) {
	page, err := s.Memory.InboxNotices(ctx, userID, afterID, limit)
	return s.hide(page), err
}

func (s *lateNotices) UnconfirmedNotices(ctx context.Context, afterID int64, limit int) ([]chat.Ref, error) {
	refs, err := s.Memory.UnconfirmedNotices(ctx, afterID, limit)
	select {
	case <-s.visible:
	default:
		refs = slices.DeleteFunc(refs, func(r chat.Ref) bool { return r.ReceiverID == 2 })
	}
	return refs, err
}

func (s *lateNotices) LastNotice(ctx context.Context, userID int64) (int64, error) {
	if userID == 2 {
		return 0, nil // nothing that shows
	}
	return s.Memory.LastNotice(ctx, userID)
}

// TestNoticeThatBecomesVisibleLate is found though a higher id was seen before,
// and the bus lost it.
func TestNoticeThatBecomesVisibleLate(t *testing.T) {
	t.Parallel()
	store := &lateNotices{storetest.NewMemory(), make(chan struct{}), make(chan struct{})}
	c := newCluster(t, 2, store)
	c.set(func() { c.copies = func([]byte) int { return 0 } })
	b := native.noticed(t, c.nodes[1].addr)
	carol := c.online(t, 1, "carol")
	carol.subscribe("/user/carol/notice")
	done := make(chan error)
	go func() { // ends with its one call; awaited below
		_, err := c.nodes[0].chat.Notify(t.Context(), 2, "late", none{})
		done <- err
	}()
	<-store.got
	if _, err := c.nodes[0].chat.Notify(t.Context(), 3, "x", none{}); err != nil {
		t.Fatal(err)
	}
	carol.message("/user/carol/notice") // node 1 has looked
	close(store.visible)
	if err := <-done; err != nil {
		t.Fatal(err)
	}
	b.message(bobsNotices).wantBody(t, noticeText("late", 1))
	b.nothing()
}
