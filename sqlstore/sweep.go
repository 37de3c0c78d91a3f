package sqlstore

import (
	"context"
	"fmt"

	"fiberchat.example/fiberchat/chat"
)

var _ chat.Sweeper = (*Store)(nil)

const newestSQL = "SELECT COALESCE(MAX(id), 0) FROM {p}messages"

// Newest implements chat.Sweeper.
func (s *Store) Newest(ctx context.Context) (int64, error) {
	var id int64
	if err := s.get(ctx, &id, newestSQL); err != nil {
		return 0, fmt.Errorf("read newest id: %w", err)
	}
	return id, nil
}

const newestOfSQL = "SELECT COALESCE(MAX(id), 0) FROM {p}messages {by received} WHERE receiver_id = ?"

// NewestOf implements chat.Sweeper.
func (s *Store) NewestOf(ctx context.Context, receiverID int64) (int64, error) {
	// SQLite has one writer at a time, so there the order of ids holds for all
	// receivers together, and an index of each one's own is saved.
	if !s.dialect.server {
		return s.Newest(ctx)
	}
	var id int64
	if err := s.get(ctx, &id, s.dialect.reads.newestOf, receiverID); err != nil {
		return 0, fmt.Errorf("read newest id of a receiver: %w", err)
	}
	return id, nil
}

// On SQLite along the primary key: what is above afterID came since the
// session that asks was last sent something.
const receivedSQL = `SELECT ` + messageColumns + ` FROM {p}messages {by received}
	WHERE receiver_id = ? AND id > ? ORDER BY id LIMIT ?`

// Received implements chat.Sweeper.
func (s *Store) Received(ctx context.Context, receiverID, afterID int64, limit int) ([]chat.Message, error) {
	if limit <= 0 {
		return nil, nil
	}
	messages, err := s.messages(ctx, s.q.received, receiverID, afterID, limit)
	if err != nil {
		return nil, fmt.Errorf("read received messages: %w", err)
	}
	return messages, nil
}

// Read along the primary key: what is above afterID is what came in seconds.
const unconfirmedSQL = "SELECT id, receiver_id FROM {p}messages WHERE id > ? AND received_at IS NULL ORDER BY id LIMIT ?"

// Unconfirmed implements chat.Sweeper.
func (s *Store) Unconfirmed(ctx context.Context, afterID int64, limit int) ([]chat.Ref, error) {
	if limit <= 0 {
		return nil, nil
	}
	rows, err := list[refRow](ctx, s, unconfirmedSQL, afterID, limit)
	if err != nil {
		return nil, fmt.Errorf("read unconfirmed messages: %w", err)
	}
	refs := make([]chat.Ref, len(rows))
	for i, row := range rows {
		refs[i] = chat.Ref(row)
	}
	return refs, nil
}

type refRow struct {
	ID         int64
	ReceiverID int64 `db:"receiver_id"`
}
