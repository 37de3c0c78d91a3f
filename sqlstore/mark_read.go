package sqlstore

import (
	"context"
	"fmt"
)

const (
	// The highest id that can be noted, and what is.
	markableSQL = `SELECT
		COALESCE((SELECT id FROM {p}messages {by pair} WHERE sender_id = ? AND receiver_id = ? AND id <= ? ORDER BY id DESC LIMIT 1), 0) AS highest,
		COALESCE((SELECT upto FROM {p}reads WHERE reader_id = ? AND sender_id = ?), 0) AS noted`
	postgresMarkableSQL = `SELECT
		COALESCE((SELECT id FROM {p}messages WHERE sender_id = $1 AND (receiver_id, id) <= ($2, $3) AND receiver_id >= $2
			ORDER BY receiver_id DESC, id DESC LIMIT 1), 0) AS highest,
		COALESCE((SELECT upto FROM {p}reads WHERE reader_id = $4 AND sender_id = $5), 0) AS noted`

	markSQL = `INSERT INTO {p}reads (reader_id, sender_id, upto) VALUES (?, ?, ?)
		ON CONFLICT (reader_id, sender_id) DO UPDATE SET upto = excluded.upto WHERE excluded.upto > {p}reads.upto`
	notedSQL     = "SELECT upto FROM {p}reads WHERE reader_id = ? AND sender_id = ?"
	mysqlMarkSQL = "INSERT INTO {p}reads (reader_id, sender_id, upto) VALUES (?, ?, ?) ON DUPLICATE KEY UPDATE upto = GREATEST(upto, VALUES(upto))"
)

// MarkRead implements chat.Conversations. Nothing is written where nothing changes.
func (s *Store) MarkRead(ctx context.Context, readerID, senderID, upTo int64) (readUpTo int64, changed bool, err error) {
	var now struct{ Highest, Noted int64 }
	if err := s.get(ctx, &now, s.dialect.reads.markable, senderID, readerID, upTo, readerID, senderID); err != nil {
		return 0, false, fmt.Errorf("look for what was read: %w", err)
	}
	if now.Highest <= now.Noted {
		return now.Noted, false, nil
	}
	return s.noteRead(ctx, readerID, senderID, now.Highest)
}

// noteRead is for what was found to be more than is noted; by now more may be.
func (s *Store) noteRead(ctx context.Context, readerID, senderID, id int64) (readUpTo int64, changed bool, err error) {
	mark := markSQL
	if s.dialect.name == mysqlDialect.name {
		mark = mysqlMarkSQL
	}
	n, err := s.exec(ctx, mark, readerID, senderID, id)
	if err != nil {
		return 0, false, fmt.Errorf("note what was read: %w", err)
	}
	if n > 0 {
		return id, true, nil
	}
	if err := s.get(ctx, &readUpTo, notedSQL, readerID, senderID); err != nil {
		return 0, false, fmt.Errorf("look for what was read: %w", err)
	}
	return readUpTo, readUpTo == id, nil // a first try, whose answer was lost, may have noted it
}
