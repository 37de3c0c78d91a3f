package sqlstore

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"slices"

	"github.com/jmoiron/sqlx"

	"fiberchat.example/fiberchat/chat"
)

// errConfirmedByAnother: a message was confirmed by another transaction after
// this one chose it.
var errConfirmedByAnother = errors.New("sqlstore: confirmed by another at once")

// callMySQL carries out ops in one transaction with a few statements for all
// of them together: on a network each statement is a way there and back.
//
// Locks of receivers are taken in ascending order, then come the inserted
// keys, then rows to be confirmed in ascending order, so two of them do not
// wait for each other, with one exception: keys are inserted in the order of
// ops, because that is the order of the ids that AUTO_INCREMENT gives. Two
// nodes at which one sender uses the same msgIDs crosswise for different
// receivers can be a deadlock; the server ends one of them at once, and it is
// tried again.
func (s *Store) callMySQL(ctx context.Context, ops []chat.Op) (*batch, error) {
	// Repetitions are rare, so nobody looks for them until an index says so.
	for look := false; ; {
		b := newBatch(ops)
		err := s.transaction(ctx, b, look)
		// The next look finds at least one more that is stored, or confirmed.
		look = look || isDuplicate(err)
		if !isDuplicate(err) && !errors.Is(err, errConfirmedByAnother) {
			return b, err
		}
	}
}

func (s *Store) transaction(ctx context.Context, b *batch, look bool) error {
	// READ COMMITTED: what is read after a lock is what was committed before.
	begun, err := s.write.BeginTxx(ctx, &sql.TxOptions{Isolation: sql.LevelReadCommitted})
	if err != nil {
		return fmt.Errorf("begin: %w", err)
	}
	defer begun.Rollback() // no-op after a commit
	tx := mysqlTx{begun, s}
	if err := tx.lock(ctx, b.slots()); err != nil {
		return fmt.Errorf("lock receivers: %w", err)
	}
	if err := tx.save(ctx, b, look); err != nil {
		return fmt.Errorf("save: %w", err)
	}
	if err := tx.confirm(ctx, b); err != nil {
		return fmt.Errorf("confirm: %w", err)
	}
	return commit(begun)
}

func commit(tx *sqlx.Tx) error {
	err := tx.Commit()
	switch {
	case err == nil:
		return nil
	case wasRolledBack(err):
		return fmt.Errorf("commit: %w", err)
	}
	return fmt.Errorf("commit: %w: %w", errUnknownOutcome, err)
}

type mysqlTx struct {
	*sqlx.Tx
	s *Store
}

func (tx *mysqlTx) lock(ctx context.Context, slots []int32) error {
	if len(slots) == 0 {
		return nil
	}
	_, err := tx.exec(ctx, "SELECT slot FROM {p}slots WHERE slot IN (?) ORDER BY slot FOR UPDATE", slots)
	return err
}

// "+ 0" keeps the server from looking up every pair of the two lists.
const (
	mysqlBySender = "WHERE chat_id IN (?) AND sender_id + 0 IN (?)"
	mysqlByChat   = "WHERE chat_id IN (?) AND receiver_id + 0 IN (?)"
	mysqlByID     = "WHERE id IN (?)"
	mysqlSelect   = "SELECT " + messageColumns + " FROM {p}messages "
	// Without contents: see sqliteCandidates.
	mysqlCandidates = "SELECT id, chat_id, 0, receiver_id, '', '', '', 0, received_at FROM {p}messages " + mysqlByChat
)

// save carries out the Saves of b, in their order.
func (tx *mysqlTx) save(ctx context.Context, b *batch, look bool) error {
	missing := make(map[messageKey]int) // by place in b.ops
	for _, i := range b.saves {
		missing[keyOf(b.ops[i].Save)] = i
	}
	if look {
		err := tx.each(ctx, func(m *chat.Message, _ bool) {
			if _, wanted := missing[keyOf(m)]; wanted { // other pairs of a chat id and a sender are found too
				b.stored[keyOf(m)] = m
				delete(missing, keyOf(m))
			}
		}, mysqlBySender, b.keys(b.saves)...)
		if err != nil {
			return err
		}
	}
	var ops []int
	for _, i := range b.saves {
		if b.stored[keyOf(b.ops[i].Save)] == nil {
			ops = append(ops, i)
		}
	}
	for len(ops) > 0 {
		n, err := tx.insert(ctx, b, ops)
		if err != nil {
			return err
		}
		if err := tx.readIDs(ctx, b, ops[:n], missing); err != nil {
			return err
		}
		ops = ops[n:]
	}
	return nil
}

type candidate struct {
	message   *chat.Message
	confirmed bool
	since     int // the op that stored it, 0 for an older one
}

// confirm carries out the Confirmations of b. All Saves came before; a
// Confirmation does not see the messages of those that follow it.
func (tx *mysqlTx) confirm(ctx context.Context, b *batch) error {
	since := make(map[int64]int)
	for _, i := range b.saves {
		if b.results[i].Changed {
			since[b.results[i].Message.ID] = i
		}
	}
	var ids, receivers []int64
	var chatIDs []string
	for _, i := range b.confirms {
		if c := b.ops[i].Confirm; c.ID != 0 {
			ids = append(ids, c.ID)
		} else {
			chatIDs, receivers = append(chatIDs, c.ChatID), append(receivers, c.ReceiverID)
		}
	}
	found := make(map[int64]*candidate)
	byChat := make(map[string][]*candidate)
	add := func(m *chat.Message, confirmed bool) {
		if found[m.ID] == nil {
			found[m.ID] = &candidate{m, confirmed, since[m.ID]}
			byChat[m.ChatID] = append(byChat[m.ChatID], found[m.ID])
		}
	}
	if len(ids) > 0 {
		if err := tx.each(ctx, add, mysqlByID, ids); err != nil {
			return err
		}
	}
	bare, err := tx.byChat(ctx, add, chatIDs, receivers)
	if err != nil {
		return err
	}
	var confirmed []int64
	var times []any // pairs of an id and a time
	for _, i := range b.confirms {
		c := b.ops[i].Confirm
		candidates := byChat[c.ChatID]
		if c.ID != 0 {
			candidates = nil
			if named := found[c.ID]; named != nil {
				candidates = []*candidate{named}
			}
		}
		var best choice
		for _, m := range candidates {
			if m.since <= i {
				best.offer(c, m.message, m.confirmed)
			}
		}
		if best.rank == 0 {
			continue // b.finish says so
		}
		if !best.confirmed {
			ms, chosen := c.Time.UnixMilli(), found[best.message.ID]
			best.message.ConfirmedAt = fromMillis(ms)
			chosen.confirmed, chosen.message.ConfirmedAt = true, best.message.ConfirmedAt
			confirmed, times = append(confirmed, chosen.message.ID), append(times, chosen.message.ID, ms)
		}
		b.results[i] = chat.Result{Message: best.message, Changed: !best.confirmed}
	}
	if len(confirmed) > 0 {
		n, err := tx.exec(ctx, mysqlConfirm(len(confirmed)), append(times, confirmed)...)
		if err == nil && n < int64(len(confirmed)) {
			err = errConfirmedByAnother
		}
		if err != nil {
			return err
		}
	}
	if bare {
		return tx.readConfirmed(ctx, b)
	}
	return nil
}

// byChat calls f for the messages under chatIDs. Usually there is one for each;
// where there are many, f gets what decides among them only, and bare is true.
func (tx *mysqlTx) byChat(ctx context.Context, f func(m *chat.Message, confirmed bool), chatIDs []string, receivers []int64) (bare bool, err error) {
	if len(chatIDs) == 0 {
		return false, nil
	}
	slices.Sort(chatIDs)
	chatIDs = slices.Compact(chatIDs)
	limit := len(chatIDs) + 1
	var whole []candidate
	err = tx.each(ctx, func(m *chat.Message, confirmed bool) {
		whole = append(whole, candidate{message: m, confirmed: confirmed})
	},
		mysqlByChat+" LIMIT ?", chatIDs, receivers, limit)
	if err == nil && len(whole) == limit {
		rows, err := tx.query(ctx, mysqlCandidates, chatIDs, receivers)
		return true, eachMessage(rows, err, f)
	}
	for _, c := range whole {
		f(c.message, c.confirmed)
	}
	return false, err
}

// readConfirmed reads the messages that the Confirmations of b have chosen.
func (tx *mysqlTx) readConfirmed(ctx context.Context, b *batch) error {
	var ids []int64
	for _, i := range b.confirms {
		if id := b.results[i].Message.ID; id != 0 {
			ids = append(ids, id)
		}
	}
	if len(ids) == 0 {
		return nil
	}
	whole := make(map[int64]chat.Message)
	err := tx.each(ctx, func(m *chat.Message, _ bool) { whole[m.ID] = *m }, mysqlByID, ids)
	for _, i := range b.confirms {
		if id := b.results[i].Message.ID; id != 0 {
			b.results[i].Message = whole[id]
		}
	}
	return err
}
