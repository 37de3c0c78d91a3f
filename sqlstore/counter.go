package sqlstore

import (
	"context"
	"fmt"

	"fiberchat.example/fiberchat/chat"
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
	findSQL       = "SELECT " + messageColumns + " FROM {p}messages WHERE chat_id = ? AND sender_id = ?"
	sqliteFindSQL = "SELECT " + messageColumns + " FROM {p}messages WHERE chat_key = ? AND sender_id = ? AND chat_id = ?"
)

// Find implements chat.Finder.
func (s *Store) Find(ctx context.Context, senderID int64, chatID string) (chat.Message, error) {
	query, args := findSQL, []any{chatID, senderID}
	if !s.dialect.server {
		query, args = sqliteFindSQL, []any{chatKey(chatID), senderID, chatID}
	}
	found, err := s.messages(ctx, &statement{db: s.read, text: s.sql(query)}, args...)
	switch {
	case err != nil:
		return chat.Message{}, fmt.Errorf("find message: %w", err)
	case len(found) == 0:
		return chat.Message{}, chat.ErrNotFound
	}
	return found[0], nil
}
