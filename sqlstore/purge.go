package sqlstore

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"time"
)

const (
	// A client may send again after a day offline; its msgID must still be known.
	minPurgeAge = 24 * time.Hour
	// Who is on holiday has not read them yet.
	minUnconfirmedAge = 30 * 24 * time.Hour
	// The ids one step of Purge looks at: the write lock is held for
	// milliseconds, and messages flow between two steps.
	purgeSpan = 1000
	// How far the clocks of several nodes may differ.
	clockSkew = time.Hour
)

// ErrTooYoung: Purge was asked for messages of the last 24 hours, or
// PurgeUnconfirmed for some of the last 30 days.
var ErrTooYoung = errors.New("sqlstore: purge: messages are too young to be deleted")

const (
	// Both ends in one SELECT would make SQLite read a whole index.
	purgeRangeSQL  = "SELECT (SELECT COALESCE(MIN(id), 0) FROM {p}messages) AS first, (SELECT COALESCE(MAX(id), 0) FROM {p}messages) AS last"
	purgeOldestSQL = "SELECT COALESCE(MIN(sent_at), 0) FROM {p}messages WHERE id >= ? AND id < ?"
	// From nobody is what SQLite's trigger leaves in place of the highest id.
	purgeSQL = "DELETE FROM {p}messages WHERE id >= ? AND id < ? AND sent_at < ? AND sender_id <> 0 AND received_at "

	purgeNoticesSQL = "DELETE FROM {p}notices WHERE id >= ? AND id < ? AND sent_at < ? AND received_at "
)

// ofNotices makes a statement about messages one about notices.
var ofNotices = strings.NewReplacer("{p}messages", "{p}notices")

// Purge deletes confirmed messages and notices sent before a time, at least 24
// hours ago, and returns how many messages. It works in small steps, each a transaction, so it
// can run beside the chat, and when ctx ends it stops between two of them.
// The sender of a deleted message can use its msgID again.
func (s *Store) Purge(ctx context.Context, before time.Time) (int64, error) {
	return s.purge(ctx, before, minPurgeAge, "IS NOT NULL")
}

// PurgeUnconfirmed is Purge for what nobody has confirmed, sent at least 30 days
// ago: it was reported as stored and will never be delivered. It is for
// receivers who do not come back, to whom Limits.Pending else refuses more in
// the end.
func (s *Store) PurgeUnconfirmed(ctx context.Context, before time.Time) (int64, error) {
	return s.purge(ctx, before, minUnconfirmedAge, "IS NULL")
}

func (s *Store) purge(ctx context.Context, before time.Time, age time.Duration, received string) (int64, error) {
	if time.Since(before) < age {
		return 0, fmt.Errorf("%w: want a time at least %v ago", ErrTooYoung, age)
	}
	if _, err := s.purgeTable(ctx, before, ofNotices.Replace(purgeRangeSQL), ofNotices.Replace(purgeOldestSQL), purgeNoticesSQL+received); err != nil {
		return 0, fmt.Errorf("purge notices: %w", err)
	}
	return s.purgeTable(ctx, before, purgeRangeSQL, purgeOldestSQL, purgeSQL+received)
}

func (s *Store) purgeTable(ctx context.Context, before time.Time, rangeSQL, oldestSQL, deleteSQL string) (int64, error) {
	var ids struct{ First, Last int64 }
	if err := s.get(ctx, &ids, rangeSQL); err != nil {
		return 0, fmt.Errorf("read range of ids: %w", err)
	}
	var total int64
	for from := ids.First; from <= ids.Last; from += purgeSpan {
		to := min(from+purgeSpan, ids.Last+1)
		var oldest int64
		if err := s.get(ctx, &oldest, oldestSQL, from, to); err != nil {
			return total, fmt.Errorf("read age: %w", err)
		}
		if oldest > before.Add(clockSkew).UnixMilli() {
			break // what comes later is younger
		}
		n, err := s.exec(ctx, deleteSQL, from, to, before.UnixMilli())
		if err != nil {
			return total, fmt.Errorf("delete: %w", err)
		}
		total += n
	}
	return total, nil
}
