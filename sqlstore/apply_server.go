package sqlstore

import (
	"context"
	"database/sql"
	"fmt"
	"slices"
	"time"

	"github.com/jmoiron/sqlx"

	"fiberchat.example/fiberchat/chat"
)

// applyServer carries out ops in one transaction with a few statements for
// all of them together: on a network each statement is a way there and back.
//
// Measured on one busy machine with two cores, one save and one confirmation
// being an exchange, in ms each, for batches of 1, 4, 16 and 64:
//
//	PostgreSQL  1 writer  3.6  0.67  0.19  0.09    MariaDB  3.8  0.63  0.27  0.12
//	            4         2.4  0.75  0.17  0.17             2.3  0.73  0.49  0.13
//	           16         1.6  0.58  0.39  0.49             3.3  1.2   0.37  0.28
//
// So one committer with large batches is best; more of them only where batches are small.
func (s *Store) applyServer(ctx context.Context, ops []chat.Op) (results []chat.Result, err error) {
	// Repetitions are rare, so nobody looks for them until an index says so.
	// Once is enough: nobody else stores a sender's messages meanwhile.
	look := false
	err = s.retry(ctx, func(ctx context.Context) error {
		results, err = s.applyOnce(ctx, ops, look)
		if isDuplicate(err) {
			look = true
			results, err = s.applyOnce(ctx, ops, look)
		}
		return err
	})
	return results, err
}

func (s *Store) applyOnce(ctx context.Context, ops []chat.Op, look bool) ([]chat.Result, error) {
	begun, err := s.write.BeginTxx(ctx, &sql.TxOptions{Isolation: sql.LevelReadCommitted})
	if err != nil {
		return nil, fmt.Errorf("begin: %w", err)
	}
	defer begun.Rollback() // no-op after a commit
	tx := serverTx{Tx: begun, s: s, look: look, results: make([]chat.Result, len(ops))}
	if err := tx.lockUsers(ctx, ops); err != nil {
		return nil, fmt.Errorf("lock users: %w", err)
	}
	if err := tx.save(ctx, ops); err != nil {
		return nil, fmt.Errorf("save: %w", err)
	}
	if err := tx.receive(ctx, ops); err != nil {
		return nil, fmt.Errorf("confirm: %w", err)
	}
	if err := tx.Commit(); err != nil {
		if wasRolledBack(err) || ctx.Err() != nil {
			return nil, fmt.Errorf("commit: %w", err)
		}
		return nil, fmt.Errorf("commit: %w: %w", errUnknownOutcome, err)
	}
	return tx.results, nil
}

type serverTx struct {
	*sqlx.Tx
	s       *Store
	look    bool // for messages that are stored already, before inserting
	results []chat.Result
}

// lockUsers takes a lock of every user that ops are about and holds it to the
// commit. So a receiver's ids become visible in ascending order and nobody else
// confirms the same messages, and a sender's msgIDs are stored by one at a
// time. Locks are taken in ascending order and before any row, so that two
// nodes do not wait for each other.
func (tx *serverTx) lockUsers(ctx context.Context, ops []chat.Op) error {
	var slots []int32
	add := func(user int64) { slots = append(slots, int32(uint64(user)%lockSlots)) }
	for _, op := range ops {
		if op.Save != nil {
			add(op.Save.SenderID)
			add(op.Save.ReceiverID)
		}
		if op.Confirm != nil {
			add(op.Confirm.ReceiverID)
		}
	}
	slices.Sort(slots)
	slots = slices.Compact(slots)
	if tx.s.dialect.name == "postgres" {
		// A table that was empty when its statements were planned is read as a
		// whole until it is analyzed, which takes a busy minute: not here.
		// And a node whose machine vanished must not keep its locks.
		return tx.exec(ctx, `SELECT set_config('enable_seqscan', 'off', true) UNION ALL
			SELECT set_config('idle_in_transaction_session_timeout', '15s', true) UNION ALL
			SELECT pg_advisory_xact_lock(hashtext('{p}messages'::regclass::oid::text), slot)::text FROM unnest(?::int[]) AS slot`, slots)
	}
	if len(slots) == 0 {
		return nil
	}
	return tx.exec(ctx, "SELECT slot FROM {p}slots WHERE slot IN (?) ORDER BY slot FOR UPDATE", slots)
}

// save carries out the Saves among ops, all before the Receipts: see receive.
func (tx *serverTx) save(ctx context.Context, ops []chat.Op) error {
	var wanted []*chat.Message // one for each key, in order
	stored := make(map[messageKey]*chat.Message)
	for i, op := range ops {
		if err := checkOp(op); err != nil {
			tx.results[i].Err = err
		} else if m := op.Save; m != nil && stored[keyOf(m)] == nil {
			stored[keyOf(m)] = m
			wanted = append(wanted, m)
		}
	}
	if len(wanted) == 0 {
		return nil
	}
	missing := wanted
	if tx.look {
		old, err := tx.find(ctx, wanted)
		if err != nil {
			return err
		}
		missing = slices.DeleteFunc(slices.Clone(wanted), func(m *chat.Message) bool { return old[keyOf(m)] != nil })
		for key, m := range old {
			stored[key] = m
		}
	}
	inserted, err := tx.insert(ctx, missing)
	if err != nil {
		return err
	}
	for i, op := range ops {
		if op.Save == nil || tx.results[i].Err != nil {
			continue
		}
		key := keyOf(op.Save)
		if id := inserted[key]; id != 0 {
			delete(inserted, key) // what follows under the key is a repetition
			m := *op.Save
			m.ID, m.Time, m.ConfirmedAt = id, fromMillis(m.Time.UnixMilli()), time.Time{}
			stored[key] = &m
			tx.results[i] = chat.Result{Message: m, Previous: id - 1, Changed: true}
		} else {
			tx.results[i] = sameOrConflict(*stored[key], *op.Save)
		}
	}
	return nil
}

// serverByChat is bounded by the number of accounts: see sqliteByChat.
// "+ 0" keeps the databases from looking up every pair of the two lists.
const (
	serverBySender = "WHERE chat_id IN (?) AND sender_id + 0 IN (?)"
	serverByChat   = "WHERE chat_id IN (?) AND receiver_id + 0 IN (?)"
	serverByID     = "WHERE id IN (?)"
	serverConfirm  = "UPDATE {p}messages SET received_at = ? WHERE id IN (?)"
)

// find returns those of messages that are stored already.
func (tx *serverTx) find(ctx context.Context, messages []*chat.Message) (map[messageKey]*chat.Message, error) {
	chatIDs, senders := keyLists(messages)
	found := make(map[messageKey]*chat.Message)
	err := tx.each(ctx, func(m *chat.Message, _ bool) { found[keyOf(m)] = m }, serverBySender, chatIDs, senders)
	return found, err
}

func keyLists(messages []*chat.Message) (chatIDs []string, senders []int64) {
	for _, m := range messages {
		chatIDs = append(chatIDs, m.ChatID)
		senders = append(senders, m.SenderID)
	}
	return chatIDs, senders
}

type candidate struct {
	message   *chat.Message
	confirmed bool
	since     int // the op that stored it, 0 for an older one
}

// receive carries out the Receipts among ops. All Saves came before; a Receipt
// does not see the messages of those that follow it. The rows are not locked,
// because who confirms holds the receiver's lock.
func (tx *serverTx) receive(ctx context.Context, ops []chat.Op) error {
	var ids, receivers []int64
	var chatIDs []string
	since := make(map[int64]int)
	for i, op := range ops {
		switch r := op.Confirm; {
		case tx.results[i].Err != nil:
		case r == nil:
			if tx.results[i].Changed {
				since[tx.results[i].Message.ID] = i
			}
		case r.ID != 0:
			ids = append(ids, r.ID)
		default:
			chatIDs, receivers = append(chatIDs, r.ChatID), append(receivers, r.ReceiverID)
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
		if err := tx.each(ctx, add, serverByID, ids); err != nil {
			return err
		}
	}
	if len(chatIDs) > 0 {
		if err := tx.each(ctx, add, serverByChat, chatIDs, receivers); err != nil {
			return err
		}
	}
	var confirmed []int64
	var at time.Time
	for i, op := range ops {
		r := op.Confirm
		if r == nil || tx.results[i].Err != nil {
			continue
		}
		candidates := byChat[r.ChatID]
		if r.ID != 0 {
			candidates = nil
			if c := found[r.ID]; c != nil {
				candidates = []*candidate{c}
			}
		}
		var best choice
		for _, c := range candidates {
			if c.since <= i {
				best.offer(r, c.message, c.confirmed)
			}
		}
		if best.rank == 0 {
			tx.results[i].Err = chat.ErrNotFound
			continue
		}
		tx.results[i] = chat.Result{Message: best.message, Changed: !best.confirmed}
		if !best.confirmed {
			found[best.message.ID].confirmed = true
			confirmed, at = append(confirmed, best.message.ID), r.Time
		}
	}
	if len(confirmed) == 0 {
		return nil
	}
	// All under one time, the last one's: they were committed together.
	return tx.exec(ctx, serverConfirm, at.UnixMilli(), confirmed)
}
