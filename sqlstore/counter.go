package sqlstore

import (
	"context"
	"fmt"
)

const countSQL = "SELECT COUNT(*) FROM (SELECT 1 AS one FROM {p}messages WHERE receiver_id = ? AND received_at IS NULL LIMIT ?) AS pending"

// CountPending implements chat.Counter.
func (s *Store) CountPending(ctx context.Context, receiverID int64, atMost int) (int, error) {
	var n int
	if err := s.get(ctx, &n, s.dialect.reads.count, receiverID, max(atMost, 0)); err != nil {
		return 0, fmt.Errorf("count pending messages: %w", err)
	}
	return n, nil
}

const (
	storedSQL       = "SELECT COUNT(*) FROM {p}messages WHERE chat_id = ? AND sender_id = ?"
	sqliteStoredSQL = "SELECT COUNT(*) FROM {p}messages WHERE chat_key = ? AND sender_id = ? AND chat_id = ?"
)

// Stored implements chat.Counter.
func (s *Store) Stored(ctx context.Context, senderID int64, chatID string) (bool, error) {
	query, args := storedSQL, []any{chatID, senderID}
	if !s.dialect.server {
		query, args = sqliteStoredSQL, []any{chatKey(chatID), senderID, chatID}
	}
	var n int
	if err := s.get(ctx, &n, query, args...); err != nil {
		return false, fmt.Errorf("look for a message: %w", err)
	}
	return n > 0, nil
}
