package storetest

import (
	"cmp"
	"context"
	"maps"
	"slices"
	"time"

	"fiberchat.example/fiberchat/chat"
)

// memoryOverdue is what Memory has for chat.OverdueQueue.
type memoryOverdue struct {
	begun  bool
	looked int64 // up to this id
	marks  []overdueMark
	queue  map[int64]overdueReceiver
}

// overdueMark says that the log ended at an id at a time.
type overdueMark struct {
	id int64
	at time.Time
}

type overdueReceiver struct {
	chat.OverdueClaim // as it would be now
	due               time.Time
}

// QueueOverdue implements chat.OverdueQueue.
func (s *Memory) QueueOverdue(ctx context.Context, now time.Time, after time.Duration) (more bool, err error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	o, last := &s.overdue, int64(len(s.messages))
	if !o.begun {
		*o = memoryOverdue{begun: true, looked: last, queue: make(map[int64]overdueReceiver)}
	}
	for len(o.marks) > 0 && !o.marks[0].at.After(now.Add(-after)) {
		for _, m := range s.messages[o.looked:o.marks[0].id] {
			r, queued := o.queue[m.ReceiverID]
			if !queued {
				r.due = now
			}
			if r.ReceiverID, r.UpTo = m.ReceiverID, m.ID; !m.confirmed {
				o.queue[m.ReceiverID] = r
			}
		}
		o.looked, o.marks = o.marks[0].id, o.marks[1:]
	}
	if len(o.marks) == 0 && last > o.looked || len(o.marks) > 0 && last > o.marks[len(o.marks)-1].id {
		o.marks = append(o.marks, overdueMark{last, now})
	}
	return false, ctx.Err()
}

// ClaimOverdue implements chat.OverdueQueue.
func (s *Memory) ClaimOverdue(ctx context.Context, now, until time.Time, limit int) (claims []chat.OverdueClaim, err error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	all := slices.SortedFunc(maps.Values(s.overdue.queue), func(a, b overdueReceiver) int {
		return cmp.Or(a.due.Compare(b.due), cmp.Compare(a.ReceiverID, b.ReceiverID))
	})
	for _, r := range all {
		if r.due.After(now) || len(claims) >= limit {
			break
		}
		r.due = until.UTC().Truncate(time.Millisecond)
		r.Until = r.due
		s.overdue.queue[r.ReceiverID] = r
		claims = append(claims, r.OverdueClaim)
	}
	return claims, ctx.Err()
}

// SettleOverdue implements chat.OverdueQueue.
func (s *Memory) SettleOverdue(ctx context.Context, c chat.OverdueClaim, now, retry time.Time) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	r, queued := s.overdue.queue[c.ReceiverID]
	switch {
	case !queued || !r.due.Equal(c.Until):
		return ctx.Err()
	case !retry.IsZero():
		r.due = retry
		r.Tries++
	case r.UpTo == c.UpTo:
		delete(s.overdue.queue, c.ReceiverID)
		return ctx.Err()
	default:
		r.due, r.Tries = now, 0
	}
	s.overdue.queue[c.ReceiverID] = r
	return ctx.Err()
}
