package sqlstore

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"strings"
	"time"
	"unicode/utf8"

	"github.com/jmoiron/sqlx"

	"fiberchat.example/fiberchat/chat"
)

const messageColumns = "id, chat_id, sender_id, receiver_id, sender_name, receiver_name, content, sent_at"

// queries are the reading statements, prepared once.
type queries struct {
	pending, received, conversation, user, token *sqlx.Stmt
}

func (s *Store) prepare(ctx context.Context) error {
	var err error
	for _, q := range []struct {
		stmt **sqlx.Stmt
		text string
	}{
		{&s.q.pending, s.dialect.reads.pending},
		{&s.q.received, s.dialect.reads.received},
		{&s.q.conversation, s.dialect.reads.conversation},
		{&s.q.user, userSQL},
		{&s.q.token, tokenSQL},
	} {
		if *q.stmt, err = s.read.PreparexContext(ctx, s.sql(q.text)); err != nil {
			return fmt.Errorf("prepare statement: %w", err)
		}
	}
	return nil
}

func (q *queries) close() error {
	var errs []error
	for _, stmt := range []*sqlx.Stmt{q.pending, q.received, q.conversation, q.user, q.token} {
		if stmt != nil {
			errs = append(errs, stmt.Close())
		}
	}
	return errors.Join(errs...)
}

const pendingSQL = `SELECT ` + messageColumns + ` FROM {p}messages {by pending}
	WHERE receiver_id = ? AND received_at IS NULL AND id > ? ORDER BY id LIMIT ?`

// Pending implements chat.Store.
func (s *Store) Pending(ctx context.Context, receiverID, afterID int64, limit int) ([]chat.Message, error) {
	if limit <= 0 {
		return nil, nil
	}
	messages, err := s.messages(ctx, s.q.pending, receiverID, afterID, limit)
	if err != nil {
		return nil, fmt.Errorf("read pending messages: %w", err)
	}
	return messages, nil
}

// Each direction is read from the index in order and cut on its own, so that
// no more than twice the limit is looked at.
const conversationSQL = `SELECT ` + messageColumns + ` FROM (
	SELECT * FROM (SELECT ` + messageColumns + ` FROM {p}messages {by pair} WHERE sender_id = ? AND receiver_id = ? AND id < ? ORDER BY id DESC LIMIT ?) AS a
	UNION
	SELECT * FROM (SELECT ` + messageColumns + ` FROM {p}messages {by pair} WHERE sender_id = ? AND receiver_id = ? AND id < ? ORDER BY id DESC LIMIT ?) AS b
	) AS c ORDER BY id DESC LIMIT ?`

// Conversation implements chat.Store.
func (s *Store) Conversation(ctx context.Context, userID, peerID, beforeID int64, limit int) ([]chat.Message, error) {
	if limit <= 0 {
		return nil, nil
	}
	if beforeID <= 0 {
		beforeID = 1<<63 - 1
	}
	messages, err := s.messages(ctx, s.q.conversation,
		userID, peerID, beforeID, limit, peerID, userID, beforeID, limit, limit)
	if err != nil {
		return nil, fmt.Errorf("read conversation: %w", err)
	}
	return messages, nil
}

func (s *Store) messages(ctx context.Context, stmt *sqlx.Stmt, args ...any) (messages []chat.Message, err error) {
	err = s.retry(ctx, func(ctx context.Context) error {
		messages, err = scanMessages(stmt.QueryContext(ctx, args...))
		return err
	})
	return messages, err
}

func scanMessages(rows *sql.Rows, err error) ([]chat.Message, error) {
	if err != nil {
		return nil, err
	}
	defer rows.Close()
	var messages []chat.Message
	for rows.Next() {
		var m chat.Message
		var ms int64
		if err := rows.Scan(&m.ID, &m.ChatID, &m.SenderID, &m.ReceiverID, &m.SenderName, &m.ReceiverName, &m.Content, &ms); err != nil {
			return nil, err
		}
		m.Time = time.UnixMilli(ms).UTC()
		messages = append(messages, m)
	}
	return messages, rows.Err()
}

// Apply implements chat.Store. An Op outside chat's contract, such as a
// content that is not UTF-8, fails alone.
func (s *Store) Apply(ctx context.Context, ops []chat.Op) ([]chat.Result, error) {
	if err := ctx.Err(); err != nil {
		return nil, fmt.Errorf("apply operations: %w", err)
	}
	if len(ops) == 0 {
		return nil, nil
	}
	results, err := s.dialect.apply(s, ctx, ops)
	if err != nil {
		return nil, fmt.Errorf("apply operations: %w", err)
	}
	return results, nil
}

var errBadOp = errors.New("sqlstore: operation not valid")

// checkOp refuses what one database would take and another would not, or
// what would fail a whole transaction.
func checkOp(op chat.Op) error {
	switch m := op.Save; {
	case (m == nil) == (op.Confirm == nil):
		return fmt.Errorf("%w: neither or both of Save and Receipt", errBadOp)
	case m == nil:
		return checkText("ChatID", op.Confirm.ChatID, 64)
	case m.ChatID == "":
		return fmt.Errorf("%w: ChatID is empty", errBadOp)
	default:
		return errors.Join(checkText("ChatID", m.ChatID, 64), checkText("SenderName", m.SenderName, 1024),
			checkText("ReceiverName", m.ReceiverName, 1024), checkText("Content", m.Content, 8<<20))
	}
}

func checkText(field, text string, limit int) error {
	if len(text) > limit || strings.IndexByte(text, 0) >= 0 || !utf8.ValidString(text) {
		return fmt.Errorf("%w: %s is too long or not text", errBadOp, field)
	}
	return nil
}
