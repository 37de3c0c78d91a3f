package sqlstore

import (
	"context"
	"errors"
	"slices"
	"time"

	"fiberchat.example/fiberchat/chat"
)

// batch is a call of Apply on a server. All Saves are carried out before the
// Confirmations, because each kind is a few statements for all of them.
type batch struct {
	ops     []chat.Op
	results []chat.Result
	// saves are the places in ops of those Saves that are the first with
	// their key, confirms those of the Confirmations; without what is not valid.
	saves, confirms []int
	stored          map[messageKey]*chat.Message // under the keys of saves
}

// applyServer is Apply on a server: see the dialect's call.
func (s *Store) applyServer(ctx context.Context, ops []chat.Op) ([]chat.Result, error) {
	var b *batch
	err := s.retry(ctx, func(ctx context.Context) (err error) {
		b, err = s.dialect.call(s, ctx, ops)
		return err
	})
	if err != nil {
		return nil, err
	}
	b.finish()
	return b.results, nil
}

type messageKey struct {
	sender int64
	chatID string
}

func keyOf(m *chat.Message) messageKey { return messageKey{m.SenderID, m.ChatID} }

func newBatch(ops []chat.Op) *batch {
	b := &batch{ops: ops, results: make([]chat.Result, len(ops)), stored: make(map[messageKey]*chat.Message)}
	for i, op := range ops {
		if b.results[i].Err = checkOp(op); b.results[i].Err != nil {
			continue
		}
		if op.Confirm != nil {
			b.confirms = append(b.confirms, i)
		} else if _, again := b.stored[keyOf(op.Save)]; !again {
			b.stored[keyOf(op.Save)] = nil
			b.saves = append(b.saves, i)
		}
	}
	return b
}

// Users share so many locks.
const lockSlots = 1 << 16

// slots are the locks of the receivers of Saves. Held from before their ids
// are given to the commit, they make a receiver's ids visible in ascending
// order. They are taken in ascending order and before any row, so that two
// nodes do not wait for each other.
func (b *batch) slots() []int32 {
	slots := make([]int32, 0, len(b.saves))
	for _, i := range b.saves {
		slots = append(slots, slotOf(b.ops[i].Save.ReceiverID))
	}
	slices.Sort(slots)
	return slices.Compact(slots)
}

func slotOf(userID int64) int32 { return int32(uint64(userID) % lockSlots) }

// saved sets the result of a Save that stored its message.
func (b *batch) saved(i int, id, previous int64) {
	m := *b.ops[i].Save
	m.ID, m.Time, m.ConfirmedAt = id, fromMillis(m.Time.UnixMilli()), time.Time{}
	b.stored[keyOf(&m)] = &m
	b.results[i] = chat.Result{Message: m, Previous: previous, Changed: true}
}

// errGone: a unique index refused the message for one that is not there. It
// was purged in between.
var errGone = errors.New("sqlstore: message was purged while it was saved again")

// finish sets the results that are left: of repetitions, and of Confirmations
// that named no message.
func (b *batch) finish() {
	confirmedAt := make(map[int64]time.Time)
	for i, op := range b.ops {
		r := &b.results[i]
		switch {
		case r.Err != nil:
		case op.Confirm != nil && r.Message.ID == 0:
			r.Err = chat.ErrNotFound
		case r.Changed && op.Confirm != nil:
			confirmedAt[r.Message.ID] = r.Message.ConfirmedAt
		case r.Changed || op.Confirm != nil:
		case b.stored[keyOf(op.Save)] == nil:
			r.Err = errGone
		default:
			*r = sameOrConflict(*b.stored[keyOf(op.Save)], *op.Save)
			// It was read before the Confirmations of this batch.
			if at, ok := confirmedAt[r.Message.ID]; ok {
				r.Message.ConfirmedAt = at
			}
		}
	}
}
