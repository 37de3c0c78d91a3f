package sqlstore

import (
	"context"
	"fmt"

	"fiberchat.example/fiberchat/chat"
)

// Read along the primary key: what is above afterID is what came in seconds.
const unconfirmedSQL = "SELECT id, receiver_id FROM {p}messages WHERE id > ? AND received_at IS NULL ORDER BY id LIMIT ?"

// Unconfirmed implements chat.Unconfirmed.
func (s *Store) Unconfirmed(ctx context.Context, afterID int64, limit int) ([]chat.Ref, error) {
	return s.refs(ctx, unconfirmedSQL, afterID, limit)
}

func (s *Store) refs(ctx context.Context, query string, afterID int64, limit int) ([]chat.Ref, error) {
	if limit <= 0 {
		return nil, nil
	}
	rows, err := list[refRow](ctx, s, query, afterID, limit)
	if err != nil {
		return nil, fmt.Errorf("read what is unconfirmed: %w", err)
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
