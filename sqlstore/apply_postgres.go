package sqlstore

import (
	"context"
	"database/sql/driver"
	"errors"
	"fmt"

	"fiberchat.example/fiberchat/chat"
)

const postgresApplySQL = "SELECT * FROM {p}apply(?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)"

// callPostgres carries out ops by one call of a function, which is a
// transaction by itself: one way there and back, and no lock is held while
// this node or the network takes its time.
func (s *Store) callPostgres(ctx context.Context, ops []chat.Op) (*batch, error) {
	b := newBatch(ops)
	if len(b.saves)+len(b.confirms) == 0 {
		return b, nil
	}
	conn, err := s.write.Conn(ctx)
	if err != nil {
		return nil, fmt.Errorf("get connection: %w", err) // nothing was sent, nothing is stored
	}
	defer conn.Close()
	rows, err := conn.QueryContext(ctx, s.q.apply, postgresArgs(b)...)
	if err != nil {
		return nil, outcome(err, 0)
	}
	defer rows.Close()
	n := 0
	for ; rows.Next(); n++ {
		var i int
		var changed bool
		var previous int64
		m, _, err := scanMessage(rows, &i, &changed, &previous)
		switch r := &b.results[i]; {
		case err != nil:
			return nil, outcome(err, n+1)
		case b.ops[i].Save == nil && r.Message.ID == 0:
			*r = chat.Result{Message: *m, Changed: changed}
		case b.ops[i].Save != nil && changed:
			b.saved(i, m.ID, previous)
		case b.ops[i].Save != nil:
			b.stored[keyOf(m)] = m
		}
	}
	if err := rows.Err(); err != nil {
		return nil, outcome(err, n)
	}
	return b, nil
}

// outcome wraps errUnknownOutcome around an error after which the batch may
// be stored. The rows of an answer come before the commit, so the server's
// own error without any row before it says that it is not; that of a
// connection (or of a pooler that lost one) does not say so. The driver gives
// ErrBadConn for what it has not sent.
func outcome(err error, rows int) error {
	code := serverCode(err)
	known := code != "" && code[:2] != "08" && code != "57P02" && code != "40003"
	if wasRolledBack(err) || errors.Is(err, driver.ErrBadConn) || rows == 0 && known {
		return err
	}
	return fmt.Errorf("%w: %w", errUnknownOutcome, err)
}

// postgresArgs are those of the function: see its migration.
func postgresArgs(b *batch) []any {
	n := len(b.saves)
	saveOps, chatIDs, senders, receivers := make([]int32, n), make([]string, n), make([]int64, n), make([]int64, n)
	senderNames, receiverNames, contents, times := make([]string, n), make([]string, n), make([]string, n), make([]int64, n)
	for k, i := range b.saves {
		m := b.ops[i].Save
		saveOps[k], chatIDs[k], senders[k], receivers[k] = int32(i), m.ChatID, m.SenderID, m.ReceiverID
		senderNames[k], receiverNames[k], contents[k], times[k] = m.SenderName, m.ReceiverName, m.Content, m.Time.UnixMilli()
	}
	n = len(b.confirms)
	confirmOps, confirmers, confirmChats, ids := make([]int32, n), make([]int64, n), make([]string, n), make([]int64, n)
	before, confirmTimes, ranges := make([]int32, n), make([]int64, n), make([]int32, n+1)
	after, upTo := make([]int64, 0, n), make([]int64, 0, n)
	saves := 0
	for k, i := range b.confirms {
		for saves < len(b.saves) && b.saves[saves] < i {
			saves++
		}
		c := b.ops[i].Confirm
		confirmOps[k], confirmers[k], confirmChats[k], ids[k] = int32(i), c.ReceiverID, c.ChatID, c.ID
		before[k], confirmTimes[k], ranges[k] = int32(saves), c.Time.UnixMilli(), int32(len(after)+1)
		for _, sent := range c.Sent {
			after, upTo = append(after, sent.After), append(upTo, sent.UpTo)
		}
	}
	ranges[n] = int32(len(after) + 1)
	return []any{b.slots(), saveOps, chatIDs, senders, receivers, senderNames, receiverNames, contents, times,
		confirmOps, confirmers, confirmChats, ids, before, confirmTimes, ranges, after, upTo}
}
