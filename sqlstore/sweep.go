package sqlstore

import (
	"context"
	"fmt"

	"fiberchat.example/fiberchat/chat"
)

var _ chat.Sweeper = (*Store)(nil)

// Newest implements chat.Sweeper.
func (s *Store) Newest(ctx context.Context) (int64, error) {
	var id int64
	if err := s.read.GetContext(ctx, &id, s.sql("SELECT COALESCE(MAX(id), 0) FROM {p}messages")); err != nil {
		return 0, fmt.Errorf("read newest id: %w", err)
	}
	return id, nil
}

// NewestOf implements chat.Sweeper.
func (s *Store) NewestOf(ctx context.Context, receiverID int64) (int64, error) {
	var id int64
	query := s.sql("SELECT COALESCE(MAX(id), 0) FROM {p}messages WHERE receiver_id = ? AND received_at IS NULL")
	if err := s.read.GetContext(ctx, &id, query, receiverID); err != nil {
		return 0, fmt.Errorf("read newest id of a receiver: %w", err)
	}
	return id, nil
}

// Read along the primary key: what is above afterID is what came in seconds.
const unconfirmedSQL = "SELECT id, receiver_id FROM {p}messages WHERE id > ? AND received_at IS NULL ORDER BY id LIMIT ?"

// Unconfirmed implements chat.Sweeper.
func (s *Store) Unconfirmed(ctx context.Context, afterID int64, limit int) ([]chat.Ref, error) {
	if limit <= 0 {
		return nil, nil
	}
	rows, err := s.read.QueryContext(ctx, s.sql(unconfirmedSQL), afterID, limit)
	if err != nil {
		return nil, fmt.Errorf("read unconfirmed messages: %w", err)
	}
	defer rows.Close()
	var refs []chat.Ref
	for rows.Next() {
		var ref chat.Ref
		if err := rows.Scan(&ref.ID, &ref.ReceiverID); err != nil {
			return nil, fmt.Errorf("read unconfirmed messages: %w", err)
		}
		refs = append(refs, ref)
	}
	if err := rows.Err(); err != nil {
		return nil, fmt.Errorf("read unconfirmed messages: %w", err)
	}
	return refs, nil
}
