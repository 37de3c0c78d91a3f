package storetest

import (
	"errors"
	"fmt"
	"sync"
	"sync/atomic"
	"testing"

	"fiberchat.example/fiberchat/chat"
)

// visibleInOrder lets several writers at each store send to two receivers,
// with confirmations between, while each receiver is read as a replay does:
// what it has read up to an id must be all there is up to that id.
func visibleInOrder(t *testing.T, stores []chat.Store) {
	const writers, batches, size = 4, 25, 4 // writers at each store
	receivers := []int64{1001, 1002}
	perReceiver := len(stores) * writers * batches * size / len(receivers)

	var all logs
	var writing sync.WaitGroup
	var done atomic.Bool
	for n, s := range stores {
		for w := range writers {
			writing.Go(func() { // ends with its loop; awaited below
				sender := int64(n*writers + w + 1)
				for b := range batches {
					var ops []chat.Op
					for i := range size {
						// Half of the writers go through the receivers the other way round.
						to := receivers[(i+w)%len(receivers)]
						ops = append(ops, save(message(sender, to, fmt.Sprint(b, "-", i), "x")))
					}
					ops = append(ops, confirm(chat.Confirmation{ReceiverID: sender, ChatID: "none"}))
					if results, err := s.Apply(t.Context(), ops); err != nil {
						t.Errorf("Apply: %v", err)
					} else if last := results[size]; !errors.Is(last.Err, chat.ErrNotFound) {
						t.Errorf("confirm for nothing: %+v", last)
					} else {
						all.add(ops, results)
					}
				}
			})
		}
	}

	var reading sync.WaitGroup
	for i, receiver := range receivers {
		s := stores[i%len(stores)]
		reading.Go(func() { // ends when the writers have; awaited below
			var after int64
			seen := make(map[int64]int64) // highest place by sender
			var count int
			for last := false; ; {
				page, err := s.Pending(t.Context(), receiver, after, 7)
				if err != nil {
					t.Errorf("Pending: %v", err)
					return
				}
				for _, m := range page {
					var batch, place int64
					if _, err := fmt.Sscanf(m.ChatID, "%d-%d", &batch, &place); err != nil {
						t.Errorf("ChatID %q: %v", m.ChatID, err)
					}
					if at := batch*size + place + 1; m.ID <= after || at <= seen[m.SenderID] {
						t.Errorf("id %d of sender %d, place %d, came after id %d and place %d", m.ID, m.SenderID, at, after, seen[m.SenderID])
					} else {
						seen[m.SenderID] = at
					}
					after = m.ID
				}
				count += len(page)
				if last && len(page) == 0 {
					break
				}
				last = done.Load() // what was written before this is on the next pages
			}
			if count != perReceiver {
				t.Errorf("receiver %d: a reader that follows the ids saw %d messages of %d", receiver, count, perReceiver)
			}
		})
	}
	for i, receiver := range receivers {
		s := stores[(i+1)%len(stores)]
		reading.Go(func() { // ends when the writers have; awaited below
			samples := make(map[int64]int) // Last and how many there were up to it
			for last := false; !last && len(samples) < 50; {
				last = done.Load()
				id, err := s.Last(t.Context(), receiver)
				if err != nil {
					t.Errorf("Last: %v", err)
					return
				}
				samples[id] = countUpTo(t, s, receiver, id)
			}
			writing.Wait()
			for id, n := range samples {
				if now := countUpTo(t, s, receiver, id); now != n {
					t.Errorf("receiver %d: %d messages up to its last, %d, became %d", receiver, n, id, now)
				}
			}
		})
	}
	writing.Wait()
	done.Store(true)
	reading.Wait()
	all.check(t)
}

// countUpTo counts the messages to a receiver up to an id.
func countUpTo(t *testing.T, s chat.Store, receiver, id int64) (n int) {
	messages, err := s.Inbox(t.Context(), receiver, 0, 1<<20)
	if err != nil {
		t.Errorf("Inbox: %v", err)
	}
	for _, m := range messages {
		if m.ID <= id {
			n++
		}
	}
	return n
}
