package sqlstore

import (
	"context"
	"database/sql"
	"fmt"
	"slices"
	"strings"
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
	if err := tx.lockReceivers(ctx, ops); err != nil {
		return nil, fmt.Errorf("lock receivers: %w", err)
	}
	for from, to := range segments(ops) {
		if err := tx.save(ctx, ops, from, to); err != nil {
			return nil, fmt.Errorf("save: %w", err)
		}
		if err := tx.receive(ctx, ops, from, to); err != nil {
			return nil, fmt.Errorf("confirm: %w", err)
		}
	}
	if err := tx.Commit(); err != nil {
		if serverCode(err) == "40001" || ctx.Err() != nil {
			return nil, fmt.Errorf("commit: %w", err)
		}
		return nil, fmt.Errorf("commit: %w: %w", errUnknownOutcome, err)
	}
	return tx.results, nil
}

// segments cuts ops so that in each all Saves can go before all Receipts: no
// Receipt may see a message that comes after it.
func segments(ops []chat.Op) func(yield func(from, to int) bool) {
	return func(yield func(from, to int) bool) {
		from, confirmed := 0, make(map[string]bool)
		for i, op := range ops {
			if op.Receipt != nil {
				confirmed[op.Receipt.ChatID] = true
			} else if op.Save != nil && confirmed[op.Save.ChatID] {
				if !yield(from, i) {
					return
				}
				from = i
				clear(confirmed)
			}
		}
		yield(from, len(ops))
	}
}

type serverTx struct {
	*sqlx.Tx
	s       *Store
	look    bool // for messages that are stored already, before inserting
	results []chat.Result
}

// Receivers share so many locks.
const lockSlots = 1 << 16

// lockReceivers makes the ids of a receiver visible in ascending order: they
// are given under a lock of that receiver which is held to the commit. Locks
// are taken in ascending order, so that two nodes do not wait for each other.
func (tx *serverTx) lockReceivers(ctx context.Context, ops []chat.Op) error {
	var slots []int32
	for _, op := range ops {
		if op.Save != nil {
			slots = append(slots, int32(uint64(op.Save.ReceiverID)%lockSlots))
		}
	}
	slices.Sort(slots)
	slots = slices.Compact(slots)
	if tx.s.dialect.name == "postgres" {
		// A table that was empty when its statements were planned is read as a
		// whole until it is analyzed, which takes a busy minute: not here.
		return tx.exec(ctx, `SELECT set_config('enable_seqscan', 'off', true) UNION ALL
			SELECT pg_advisory_xact_lock(hashtext(current_schema() || ' {p}receivers'), slot)::text FROM unnest(?::int[]) AS slot`, slots)
	}
	if len(slots) == 0 {
		return nil
	}
	return tx.exec(ctx, "SELECT slot FROM {p}slots WHERE slot IN (?) ORDER BY slot FOR UPDATE", slots)
}

type messageKey struct {
	sender int64
	chatID string
}

func keyOf(m *chat.Message) messageKey { return messageKey{m.SenderID, m.ChatID} }

// save carries out the Saves among ops[from:to].
func (tx *serverTx) save(ctx context.Context, ops []chat.Op, from, to int) error {
	var wanted []*chat.Message // one for each key, in order
	stored := make(map[messageKey]*chat.Message)
	for i, op := range ops[from:to] {
		if err := checkOp(op); err != nil {
			tx.results[from+i].Err = err
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
	for i, op := range ops[from:to] {
		if op.Save == nil || tx.results[from+i].Err != nil {
			continue
		}
		key := keyOf(op.Save)
		if id := inserted[key]; id != 0 {
			delete(inserted, key) // what follows under the key is a repetition
			m := *op.Save
			m.ID, m.Time = id, time.UnixMilli(m.Time.UnixMilli()).UTC()
			stored[key] = &m
			tx.results[from+i] = chat.Result{Message: m, Changed: true}
		} else {
			tx.results[from+i] = sameOrConflict(*stored[key], *op.Save)
		}
	}
	return nil
}

// "+ 0" keeps the databases from looking up every pair of the two lists.
const (
	serverBySender = "WHERE chat_id IN (?) AND sender_id + 0 IN (?)"
	serverByChat   = "WHERE chat_id IN (?) AND receiver_id + 0 IN (?) ORDER BY id FOR UPDATE"
	serverByID     = "WHERE id IN (?) ORDER BY id FOR UPDATE"
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

const (
	serverColumns = "(chat_id, sender_id, receiver_id, sender_name, receiver_name, content, sent_at)"

	// A statement carries at most so much, below MySQL's limits of a packet
	// and of placeholders.
	insertRows   = 1000
	insertOctets = 4 << 20
)

// insert stores messages and returns their ids, which ascend in their order.
func (tx *serverTx) insert(ctx context.Context, messages []*chat.Message) (map[messageKey]int64, error) {
	ids := make(map[messageKey]int64, len(messages))
	for len(messages) > 0 {
		n, octets := 0, 0
		for n < len(messages) && n < insertRows && (n == 0 || octets+len(messages[n].Content) < insertOctets) {
			octets += len(messages[n].Content)
			n++
		}
		insert := tx.insertMySQL
		if tx.s.dialect.name == "postgres" {
			insert = tx.insertPostgres
		}
		if err := insert(ctx, messages[:n], ids); err != nil {
			return nil, err
		}
		messages = messages[n:]
	}
	return ids, nil
}

func (tx *serverTx) insertPostgres(ctx context.Context, messages []*chat.Message, ids map[messageKey]int64) error {
	chatIDs, senders := keyLists(messages)
	var receivers, times []int64
	var senderNames, receiverNames, contents []string
	for _, m := range messages {
		receivers, times = append(receivers, m.ReceiverID), append(times, m.Time.UnixMilli())
		senderNames, receiverNames = append(senderNames, m.SenderName), append(receiverNames, m.ReceiverName)
		contents = append(contents, m.Content)
	}
	return tx.readIDs(ctx, ids, `INSERT INTO {p}messages `+serverColumns+`
		SELECT a, b, c, d, e, f, g
		FROM unnest(?::text[], ?::bigint[], ?::bigint[], ?::text[], ?::text[], ?::text[], ?::bigint[]) WITH ORDINALITY AS t (a, b, c, d, e, f, g, n)
		ORDER BY n RETURNING id, chat_id, sender_id`,
		chatIDs, senders, receivers, senderNames, receiverNames, contents, times)
}

func (tx *serverTx) insertMySQL(ctx context.Context, messages []*chat.Message, ids map[messageKey]int64) error {
	args := make([]any, 0, 7*len(messages))
	for _, m := range messages {
		args = append(args, m.ChatID, m.SenderID, m.ReceiverID, m.SenderName, m.ReceiverName, m.Content, m.Time.UnixMilli())
	}
	rows := strings.TrimSuffix(strings.Repeat("(?, ?, ?, ?, ?, ?, ?), ", len(messages)), ", ")
	if _, err := tx.ExecContext(ctx, tx.s.sql("INSERT INTO {p}messages "+serverColumns+" VALUES "+rows), args...); err != nil {
		return err
	}
	// LAST_INSERT_ID is the first row's only, and in a cluster the next ones do not follow by one.
	chatIDs, senders := keyLists(messages)
	return tx.readIDs(ctx, ids, "SELECT id, chat_id, sender_id FROM {p}messages "+serverBySender, chatIDs, senders)
}

func (tx *serverTx) readIDs(ctx context.Context, ids map[messageKey]int64, query string, lists ...any) error {
	rows, err := tx.query(ctx, query, lists...)
	if err != nil {
		return err
	}
	defer rows.Close()
	for rows.Next() {
		var id int64
		var key messageKey
		if err := rows.Scan(&id, &key.chatID, &key.sender); err != nil {
			return err
		}
		ids[key] = id
	}
	return rows.Err()
}

type candidate struct {
	message   *chat.Message
	confirmed bool
}

// receive carries out the Receipts among ops[from:to].
func (tx *serverTx) receive(ctx context.Context, ops []chat.Op, from, to int) error {
	var ids, receivers []int64
	var chatIDs []string
	for i, op := range ops[from:to] {
		switch r := op.Receipt; {
		case r == nil || tx.results[from+i].Err != nil:
		case r.ID != 0:
			ids = append(ids, r.ID)
		default:
			chatIDs, receivers = append(chatIDs, r.ChatID), append(receivers, r.ReceiverID)
		}
	}
	// The rows stay locked, so that no other node confirms one of them meanwhile.
	found := make(map[int64]*candidate)
	byChat := make(map[string][]*candidate)
	add := func(m *chat.Message, confirmed bool) {
		if found[m.ID] == nil {
			found[m.ID] = &candidate{m, confirmed}
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
	for i, op := range ops[from:to] {
		r := op.Receipt
		if r == nil || tx.results[from+i].Err != nil {
			continue
		}
		var best choice
		if r.ID == 0 {
			for _, c := range byChat[r.ChatID] {
				best.offer(r, c.message, c.confirmed)
			}
		} else if c := found[r.ID]; c != nil {
			best.offer(r, c.message, c.confirmed)
		}
		if best.rank == 0 {
			tx.results[from+i].Err = chat.ErrNotFound
			continue
		}
		tx.results[from+i] = chat.Result{Message: best.message, Changed: !best.confirmed}
		if !best.confirmed {
			found[best.message.ID].confirmed = true
			confirmed, at = append(confirmed, best.message.ID), r.Time
		}
	}
	if len(confirmed) == 0 {
		return nil
	}
	slices.Sort(confirmed)
	// All under one time, the last one's: they were committed together.
	return tx.exec(ctx, serverConfirm, at.UnixMilli(), confirmed)
}

// lists writes a query whose arguments are lists: PostgreSQL takes each as an
// array, for MySQL "IN (?)" becomes as many placeholders.
func (tx *serverTx) lists(query string, args []any) (string, []any, error) {
	if tx.s.dialect.name == "postgres" {
		return tx.s.sql(strings.ReplaceAll(query, "IN (?)", "= ANY (?)")), args, nil
	}
	query, args, err := sqlx.In(query, args...)
	return tx.s.sql(query), args, err
}

func (tx *serverTx) exec(ctx context.Context, query string, args ...any) error {
	query, args, err := tx.lists(query, args)
	if err == nil {
		_, err = tx.ExecContext(ctx, query, args...)
	}
	return err
}

func (tx *serverTx) query(ctx context.Context, query string, args ...any) (*sql.Rows, error) {
	query, args, err := tx.lists(query, args)
	if err != nil {
		return nil, err
	}
	return tx.QueryContext(ctx, query, args...)
}

// each calls f for the messages that a WHERE clause names.
func (tx *serverTx) each(ctx context.Context, f func(m *chat.Message, confirmed bool), where string, lists ...any) error {
	rows, err := tx.query(ctx, "SELECT "+messageColumns+", received_at IS NOT NULL FROM {p}messages "+where, lists...)
	if err != nil {
		return err
	}
	defer rows.Close()
	for rows.Next() {
		var m chat.Message
		var ms int64
		var confirmed bool
		if err := rows.Scan(&m.ID, &m.ChatID, &m.SenderID, &m.ReceiverID, &m.SenderName, &m.ReceiverName, &m.Content, &ms, &confirmed); err != nil {
			return err
		}
		m.Time = time.UnixMilli(ms).UTC()
		f(&m, confirmed)
	}
	return rows.Err()
}
