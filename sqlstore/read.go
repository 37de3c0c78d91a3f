package sqlstore

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"time"

	"github.com/jmoiron/sqlx"

	"fiberchat.example/fiberchat/chat"
)

const messageColumns = "id, chat_id, sender_id, receiver_id, sender_name, receiver_name, content, sent_at, received_at"

// reads are the reading statements of one user's messages.
type reads struct {
	pending, inbox, before, after, count, last string
	firstOfPair, lastOfPair                    string // sub-queries: see conversationsSQL
	unread, stream                             string // see union
	markable                                   string
}

var commonReads = reads{
	pendingSQL, inboxSQL, conversationSQL("<", "DESC"), conversationSQL(">", "ASC"), countSQL, lastSQL,
	firstOfPairSQL, lastOfPairSQL, unreadSQL, streamSQL, markableSQL,
}

// PostgreSQL may walk the primary key, or the table, and guess that it meets
// enough rows of the user soon; for one who was idle for long it then reads all
// of it. A range of users, in the order of their index, leaves it no other way.
var postgresReads = reads{
	pending: `SELECT ` + messageColumns + ` FROM {p}messages
		WHERE (receiver_id, id) > ($1, $2) AND receiver_id <= $1 AND received_at IS NULL ORDER BY receiver_id, id LIMIT $3`,
	inbox: `SELECT ` + messageColumns + ` FROM {p}messages
		WHERE (receiver_id, id) > ($1, $2) AND receiver_id <= $1 ORDER BY receiver_id, id LIMIT $3`,
	before: postgresConversationSQL("<", ">=", "DESC"),
	after:  postgresConversationSQL(">", "<=", "ASC"),
	count: `SELECT COUNT(*) FROM (SELECT 1 AS one FROM {p}messages
		WHERE receiver_id >= $1 AND receiver_id <= $1 AND received_at IS NULL ORDER BY receiver_id, id LIMIT $2) AS pending`,
	last: `SELECT COALESCE((SELECT id FROM {p}messages
		WHERE receiver_id >= $1 AND receiver_id <= $1 ORDER BY receiver_id DESC, id DESC LIMIT 1), 0)`,
	firstOfPair: postgresFirstOfPairSQL,
	lastOfPair:  postgresLastOfPairSQL,
	unread:      postgresUnreadSQL,
	stream:      postgresStreamSQL,
	markable:    postgresMarkableSQL,
}

// queries are the statements that are carried out often.
type queries struct {
	pending, inbox, before, after, user, token statement
	apply                                      string // PostgreSQL's
}

// statement is prepared once, except on PostgreSQL: there the driver prepares
// what it meets, on each connection, if its address allows it (see pooler.go).
type statement struct {
	db   *sqlx.DB
	text string
	stmt *sqlx.Stmt
}

func (q *statement) QueryContext(ctx context.Context, args ...any) (*sql.Rows, error) {
	if q.stmt != nil {
		return q.stmt.QueryContext(ctx, args...)
	}
	return q.db.QueryContext(ctx, q.text, args...)
}

func (q *statement) QueryRowContext(ctx context.Context, args ...any) *sql.Row {
	if q.stmt != nil {
		return q.stmt.QueryRowContext(ctx, args...)
	}
	return q.db.QueryRowContext(ctx, q.text, args...)
}

func (s *Store) prepare(ctx context.Context) error {
	s.q.apply = s.sql(postgresApplySQL)
	for _, q := range []struct {
		statement *statement
		text      string
	}{
		{&s.q.pending, s.dialect.reads.pending},
		{&s.q.inbox, s.dialect.reads.inbox},
		{&s.q.before, s.dialect.reads.before},
		{&s.q.after, s.dialect.reads.after},
		{&s.q.user, userSQL},
		{&s.q.token, tokenSQL},
	} {
		q.statement.db, q.statement.text = s.read, s.sql(q.text)
		if s.dialect.name == postgresDialect.name {
			continue
		}
		var err error
		if q.statement.stmt, err = s.read.PreparexContext(ctx, q.statement.text); err != nil {
			return fmt.Errorf("prepare statement: %w", err)
		}
	}
	return nil
}

func (q *queries) close() error {
	var errs []error
	for _, s := range []*statement{&q.pending, &q.inbox, &q.before, &q.after, &q.user, &q.token} {
		if s.stmt != nil {
			errs = append(errs, s.stmt.Close())
		}
	}
	return errors.Join(errs...)
}

// messages returns what a statement finds.
func (s *Store) messages(ctx context.Context, q *statement, args ...any) (messages []chat.Message, err error) {
	err = s.retry(ctx, func(ctx context.Context) error {
		messages = nil // of a try that broke off
		rows, err := q.QueryContext(ctx, args...)
		return eachMessage(rows, err, func(m *chat.Message, _ bool) { messages = append(messages, *m) })
	})
	return messages, err
}

// eachMessage calls f for each row of messageColumns.
func eachMessage(rows *sql.Rows, err error, f func(m *chat.Message, confirmed bool)) error {
	if err != nil {
		return err
	}
	defer rows.Close()
	for rows.Next() {
		m, confirmed, err := scanMessage(rows)
		if err != nil {
			return err
		}
		f(m, confirmed)
	}
	return rows.Err()
}

// scanMessage reads messageColumns, and what stands before them.
func scanMessage(rows *sql.Rows, before ...any) (m *chat.Message, confirmed bool, err error) {
	m = new(chat.Message)
	var sent int64
	var at sql.NullInt64
	err = rows.Scan(append(before, &m.ID, &m.ChatID, &m.SenderID, &m.ReceiverID, &m.SenderName, &m.ReceiverName, &m.Content, &sent, &at)...)
	m.Time = fromMillis(sent)
	if at.Valid {
		m.ConfirmedAt = fromMillis(at.Int64)
	}
	return m, at.Valid, err
}

func fromMillis(ms int64) time.Time { return time.UnixMilli(ms).UTC() }
