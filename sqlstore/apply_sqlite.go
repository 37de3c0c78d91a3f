package sqlstore

import (
	"context"
	"crypto/sha256"
	"database/sql/driver"
	"encoding/binary"
	"fmt"
	"io"
	"time"

	"fiberchat.example/fiberchat/chat"
)

const (
	sqliteInsert = "INSERT INTO {p}messages (chat_key, chat_id, sender_id, receiver_id, sender_name, receiver_name, content, sent_at) VALUES (?, ?, ?, ?, ?, ?, ?, ?)"

	sqliteSelect   = "SELECT " + messageColumns + " FROM {p}messages "
	sqliteBySender = sqliteSelect + "WHERE chat_key = ? AND sender_id = ?"
	sqliteByChat   = sqliteSelect + "WHERE chat_key = ? AND receiver_id = ? AND chat_id = ? LIMIT 2"
	sqliteByID     = sqliteSelect + "WHERE id = ?"
	// It meets one message of every sender who chose this ChatID, so it does
	// without what lies behind the content in a row: that would be a way through
	// all pages of the content. An index with the receiver would be one more
	// random page to write for each message.
	sqliteCandidates = "SELECT m.id, EXISTS (SELECT 1 FROM {p}messages AS open INDEXED BY {p}messages_pending " +
		"WHERE open.receiver_id = ? AND open.id = m.id AND open.received_at IS NULL) " +
		"FROM {p}messages AS m WHERE m.chat_key = ? AND m.receiver_id = ? AND m.chat_id = ?"

	sqlitePairs   = "INSERT INTO {p}pairs (user_id, other_id) VALUES (?, ?), (?, ?) ON CONFLICT DO NOTHING"
	sqliteConfirm = "UPDATE {p}messages SET received_at = ? WHERE id = ? AND received_at IS NULL"
)

// applySQLite works on the driver's own statements: database/sql around each
// of them costs as much again as SQLite itself. They run without a context
// that can end, because the driver then starts a goroutine for each; the
// time is bounded by busy_timeout instead.
func (s *Store) applySQLite(ctx context.Context, ops []chat.Op) (results []chat.Result, err error) {
	conn, err := s.write.Conn(ctx)
	if err != nil {
		return nil, fmt.Errorf("get connection: %w", err)
	}
	defer conn.Close()
	rawErr := conn.Raw(func(driverConn any) error {
		w := s.writer
		if w == nil || w.conn != driverConn {
			w = &sqliteWriter{store: s, conn: driverConn.(driver.Conn)}
		}
		if results, err = w.run(ctx, ops); err != nil {
			// Whatever state the connection is in, the next call gets another one.
			w.close()
			if s.owned {
				s.writer = nil
			}
			return driver.ErrBadConn
		}
		if s.owned {
			s.writer = w
		} else {
			w.close() // the app's pool may hand the connection to anybody
		}
		s.previous.fill(ops, results)
		return nil
	})
	if err == nil {
		err = rawErr
	}
	return results, err
}

// sqliteWriter is a connection and the statements prepared on it. Whoever
// holds the connection owns it.
type sqliteWriter struct {
	store      *Store
	conn       driver.Conn
	statements []sqliteStatement
}

type sqliteStatement struct {
	text string
	driver.Stmt
}

func (w *sqliteWriter) run(ctx context.Context, ops []chat.Op) (results []chat.Result, err error) {
	results = make([]chat.Result, len(ops))
	unknown := w.store.pairs.unknown(ops)
	// One operation writes once, and that is a transaction by itself.
	if len(ops) == 1 && len(unknown) == 0 {
		results[0], err = w.apply(ops[0])
		return results, err
	}
	if _, err := w.exec("BEGIN IMMEDIATE"); err != nil {
		return nil, err
	}
	err = w.addPairs(unknown)
	for i := 0; i < len(ops) && err == nil; i++ {
		results[i], err = w.apply(ops[i])
	}
	if err == nil {
		err = ctx.Err()
	}
	if err == nil {
		_, err = w.exec("COMMIT")
	}
	if err != nil {
		_, _ = w.exec("ROLLBACK") // fails where SQLite has done so by itself, or the connection is gone
		return nil, err
	}
	w.store.pairs.stored(unknown)
	return results, nil
}

// addPairs stores pairs with their messages: a commit of their own would take
// as long as that of a message.
func (w *sqliteWriter) addPairs(unknown []pair) error {
	for _, p := range unknown {
		if _, err := w.exec(sqlitePairs, p.user, p.other, p.other, p.user); err != nil {
			return fmt.Errorf("store pair: %w", err)
		}
	}
	return nil
}

// apply returns an error for what ends the whole transaction.
func (w *sqliteWriter) apply(op chat.Op) (chat.Result, error) {
	if err := checkOp(op); err != nil {
		return chat.Result{Err: err}, nil
	}
	if op.Save != nil {
		return w.save(*op.Save)
	}
	return w.confirm(op.Confirm)
}

func (w *sqliteWriter) save(m chat.Message) (chat.Result, error) {
	ms := m.Time.UnixMilli()
	key := chatKey(m.ChatID)
	inserted, err := w.exec(sqliteInsert, key, m.ChatID, m.SenderID, m.ReceiverID, m.SenderName, m.ReceiverName, m.Content, ms)
	if err == nil {
		m.Time, m.ConfirmedAt = fromMillis(ms), time.Time{}
		m.ID, err = inserted.LastInsertId()
		return chat.Result{Message: m, Changed: true}, err
	}
	if !isSQLiteDuplicate(err) {
		return chat.Result{}, err
	}
	var old chat.Message
	err = w.each(sqliteBySender, func(m *chat.Message, _ bool) { old = *m }, key, m.SenderID)
	return sameOrConflict(old, m), err
}

func (w *sqliteWriter) confirm(r *chat.Confirmation) (chat.Result, error) {
	best, err := w.choose(r)
	switch {
	case err != nil:
		return chat.Result{}, err
	case best.rank == 0:
		return chat.Result{Err: chat.ErrNotFound}, nil
	case best.confirmed:
		return chat.Result{Message: best.message}, nil
	}
	ms := r.Time.UnixMilli()
	updated, err := w.exec(sqliteConfirm, ms, best.message.ID)
	if err != nil {
		return chat.Result{}, err
	}
	best.message.ConfirmedAt = fromMillis(ms)
	n, err := updated.RowsAffected()
	if err == nil && n == 0 { // another process was first: one operation is two transactions here
		err = w.each(sqliteByID, func(m *chat.Message, _ bool) { best.message = *m }, best.message.ID)
	}
	return chat.Result{Message: best.message, Changed: n == 1}, err
}

// choose finds the message that r names.
func (w *sqliteWriter) choose(r *chat.Confirmation) (best choice, err error) {
	n := 0
	offer := func(m *chat.Message, confirmed bool) {
		n++
		best.offer(r, m, confirmed)
	}
	if r.ID != 0 {
		return best, w.each(sqliteByID, offer, r.ID)
	}
	key := chatKey(r.ChatID)
	if err = w.each(sqliteByChat, offer, key, r.ReceiverID, r.ChatID); err != nil || n < 2 {
		return best, err
	}
	best = choice{}
	err = w.rows(sqliteCandidates, func(v []driver.Value) {
		best.offer(r, &chat.Message{ID: v[0].(int64), ChatID: r.ChatID, ReceiverID: r.ReceiverID}, v[1].(int64) == 0)
	}, r.ReceiverID, key, r.ReceiverID, r.ChatID)
	if err == nil {
		err = w.each(sqliteByID, func(m *chat.Message, _ bool) { best.message = *m }, best.message.ID)
	}
	return best, err
}

// chatKey stands for a ChatID in the index.
func chatKey(chatID string) int64 {
	sum := sha256.Sum256([]byte(chatID))
	return int64(binary.BigEndian.Uint64(sum[:]))
}

func (w *sqliteWriter) stmt(text string) (driver.Stmt, error) {
	for _, s := range w.statements {
		if s.text == text {
			return s.Stmt, nil
		}
	}
	stmt, err := w.conn.Prepare(w.store.sql(text))
	if err == nil {
		w.statements = append(w.statements, sqliteStatement{text, stmt})
	}
	return stmt, err
}

func (w *sqliteWriter) close() {
	for _, s := range w.statements {
		_ = s.Close() // reports the statement's last error once more
	}
}

// closeWriter lets an Apply in progress end. A connection closed with
// statements open would keep its file.
func (s *Store) closeWriter() {
	conn, err := s.write.Conn(context.Background())
	if err != nil {
		return // closed already
	}
	if s.writer != nil {
		s.writer.close()
		s.writer = nil
	}
	_ = conn.Close() // back to the pool
}

func (w *sqliteWriter) exec(text string, args ...driver.Value) (driver.Result, error) {
	stmt, err := w.stmt(text)
	if err != nil {
		return nil, err
	}
	return stmt.Exec(args) //nolint:staticcheck // without a context, on purpose
}

// each calls f for every row of a sqliteSelect.
func (w *sqliteWriter) each(text string, f func(m *chat.Message, confirmed bool), args ...driver.Value) error {
	return w.rows(text, func(v []driver.Value) {
		m := &chat.Message{
			ID: v[0].(int64), ChatID: v[1].(string), SenderID: v[2].(int64), ReceiverID: v[3].(int64),
			SenderName: v[4].(string), ReceiverName: v[5].(string), Content: v[6].(string),
			Time: fromMillis(v[7].(int64)),
		}
		at, confirmed := v[8].(int64)
		if confirmed {
			m.ConfirmedAt = fromMillis(at)
		}
		f(m, confirmed)
	}, args...)
}

// rows calls f for every row, whose values are good until it returns.
func (w *sqliteWriter) rows(text string, f func(v []driver.Value), args ...driver.Value) error {
	stmt, err := w.stmt(text)
	if err != nil {
		return err
	}
	rows, err := stmt.Query(args) //nolint:staticcheck // without a context, on purpose
	if err != nil {
		return err
	}
	defer rows.Close()
	v := make([]driver.Value, len(rows.Columns()))
	for {
		if err := rows.Next(v); err == io.EOF {
			return nil
		} else if err != nil {
			return err
		}
		f(v)
	}
}
