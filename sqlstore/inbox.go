package sqlstore

import (
	"context"
	"fmt"

	"fiberchat.example/fiberchat/chat"
)

const pendingSQL = `SELECT ` + messageColumns + ` FROM {p}messages {by pending}
	WHERE receiver_id = ? AND received_at IS NULL AND id > ? ORDER BY id LIMIT ?`

// Pending implements chat.Store.
func (s *Store) Pending(ctx context.Context, receiverID, afterID int64, limit int) ([]chat.Message, error) {
	if limit <= 0 {
		return nil, nil
	}
	messages, err := s.follow(ctx, &s.q.pending, receiverID, afterID, limit)
	if err != nil {
		return nil, fmt.Errorf("read pending messages: %w", err)
	}
	return messages, nil
}

// On SQLite along the primary key: what is above afterID came since the
// session that asks was last sent something.
const inboxSQL = `SELECT ` + messageColumns + ` FROM {p}messages {by received}
	WHERE receiver_id = ? AND id > ? ORDER BY id LIMIT ?`

// Inbox implements chat.Store.
func (s *Store) Inbox(ctx context.Context, receiverID, afterID int64, limit int) ([]chat.Message, error) {
	if limit <= 0 {
		return nil, nil
	}
	messages, err := s.follow(ctx, &s.q.inbox, receiverID, afterID, limit)
	if err != nil {
		return nil, fmt.Errorf("read inbox: %w", err)
	}
	return messages, nil
}

const (
	lastOfAllSQL = "SELECT COALESCE(MAX(id), 0) FROM {p}messages"
	lastSQL      = lastOfAllSQL + " {by received} WHERE receiver_id = ?"
)

// Last implements chat.Store.
func (s *Store) Last(ctx context.Context, receiverID int64) (id int64, err error) {
	if receiverID == 0 || !s.dialect.server {
		// SQLite has one writer at a time, so there the order of ids holds for
		// all receivers together, and an index of each one's own is saved.
		err = s.get(ctx, &id, lastOfAllSQL)
	} else {
		err = s.get(ctx, &id, s.dialect.reads.last, receiverID)
	}
	if err != nil {
		return 0, fmt.Errorf("read last id: %w", err)
	}
	return id, nil
}
