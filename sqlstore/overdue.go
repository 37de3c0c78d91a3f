package sqlstore

import (
	"cmp"
	"context"
	"database/sql"
	"errors"
	"fmt"
	"slices"
	"time"

	"github.com/jmoiron/sqlx"

	"fiberchat.example/fiberchat/chat"
)

const (
	// A server shows ids in another order than it gives them, until the
	// operations that got them have ended.
	overdueSettles = opTimeout + 6*time.Second
	// At most so many marks are between the end of the log and what is old enough.
	overdueMarks = 60
	// The ids that one call looks at: the write lock is held for milliseconds.
	overdueSpan = 1000

	marksSQL     = "SELECT id, marked_at FROM {p}overdue_marks ORDER BY id LIMIT ?"
	markOverdueSQL      = "INSERT INTO {p}overdue_marks (id, marked_at) VALUES (?, ?)"
	passMarksSQL = "DELETE FROM {p}overdue_marks WHERE id <= ? AND id <> ?"
	passSQL      = "UPDATE {p}overdue_marks SET id = ? WHERE id = ? AND marked_at = 0"
	// A sum tells PostgreSQL the type of the parameter; the LIMIT keeps
	// everybody on the primary key.
	queueSQL = `INSERT INTO {p}overdue (receiver_id, up_to, due_at, tries)
		SELECT receiver_id, MAX(id), 0 * MAX(id) + ?, 0 FROM (` + overdueSQL + `) AS open GROUP BY receiver_id ORDER BY receiver_id `
	overdueSQL      = "SELECT id, receiver_id FROM {p}messages WHERE id > ? AND id <= ? AND received_at IS NULL ORDER BY id LIMIT ?"
	queueAgain      = "ON CONFLICT (receiver_id) DO UPDATE SET up_to = excluded.up_to"
	mysqlQueueAgain = "ON DUPLICATE KEY UPDATE up_to = VALUES(up_to)"

	dueSQL     = "SELECT receiver_id, up_to, due_at, tries FROM {p}overdue WHERE due_at <= ? ORDER BY due_at, receiver_id LIMIT ?"
	claimSQL   = "UPDATE {p}overdue SET due_at = ? WHERE receiver_id = ? AND due_at = ?"
	toldSQL    = "DELETE FROM {p}overdue WHERE receiver_id = ? AND due_at = ? AND up_to = ?"
	anotherSQL = "UPDATE {p}overdue SET due_at = ?, tries = 0 WHERE receiver_id = ? AND due_at = ?"
	againSQL   = "UPDATE {p}overdue SET due_at = ?, tries = tries + 1 WHERE receiver_id = ? AND due_at = ?"
)

// overdueMark says that the log ended at ID, or before, at a time. The one of
// time 0 is where it was looked up to.
type overdueMark struct {
	ID int64
	At int64 `db:"marked_at"`
}

// QueueOverdue implements chat.OverdueQueue. The age of a message is that of
// the first mark behind it, so that neither a column nor an index of messages
// is needed, and the clocks that dated messages do not count.
func (s *Store) QueueOverdue(ctx context.Context, now time.Time, after time.Duration) (more bool, err error) {
	every := max(time.Second, after/overdueMarks)
	if s.dialect.server {
		after = max(after, overdueSettles)
	}
	marks, err := s.mark(ctx, now.UnixMilli(), every.Milliseconds())
	if err != nil {
		return false, fmt.Errorf("mark the end of the log: %w", err)
	}
	looked := slices.IndexFunc(marks, func(m overdueMark) bool { return m.At == 0 })
	for i := len(marks) - 1; i > looked && looked >= 0; i-- {
		if marks[i].At > now.Add(-after).UnixMilli() {
			continue
		}
		from := marks[looked].ID
		to := min(marks[i].ID, from+overdueSpan)
		if err := s.queueOverdue(ctx, from, to, now.UnixMilli()); err != nil && !errors.Is(err, errLookedAt) {
			return false, fmt.Errorf("queue who is overdue: %w", err)
		}
		return to < marks[i].ID, nil
	}
	return false, nil
}

// mark notes where the log ends, unless the last mark is too young, and returns
// the marks that there were.
func (s *Store) mark(ctx context.Context, now, every int64) (marks []overdueMark, err error) {
	if marks, err = list[overdueMark](ctx, s, marksSQL, 2*overdueMarks); err != nil {
		return nil, err
	}
	newest := overdueMark{ID: -1}
	if len(marks) == 0 {
		now = 0 // nothing is looked at that was stored before
	} else {
		newest = marks[len(marks)-1]
	}
	if now < newest.At+every && len(marks) > 0 || len(marks) == 2*overdueMarks {
		return marks, nil
	}
	last, err := s.Last(ctx, 0)
	if err != nil || last <= newest.ID {
		return marks, err
	}
	if _, err := s.exec(ctx, markOverdueSQL, last, now); err != nil && !isDuplicate(err) { // of another node
		return nil, err
	}
	return marks, nil
}

// errLookedAt: another node was faster.
var errLookedAt = errors.New("sqlstore: the messages were looked at")

// queueOverdue looks at the messages above from, up to to.
func (s *Store) queueOverdue(ctx context.Context, from, to, now int64) error {
	again := queueAgain
	if s.dialect.name == mysqlDialect.name {
		again = mysqlQueueAgain
	}
	return s.inTx(ctx, func(tx *sqlx.Tx) error {
		if _, err := tx.ExecContext(ctx, s.sql(passMarksSQL), to, from); err != nil {
			return err
		}
		passed, err := tx.ExecContext(ctx, s.sql(passSQL), to, from)
		if err != nil {
			return err
		}
		if n, err := passed.RowsAffected(); err != nil || n == 0 {
			return cmp.Or(err, errLookedAt)
		}
		_, err = tx.ExecContext(ctx, s.sql(queueSQL+again), now, from, to, overdueSpan)
		return err
	})
}

// inTx calls f in a transaction that sees what was committed before each
// statement, again where retry says so.
func (s *Store) inTx(ctx context.Context, f func(tx *sqlx.Tx) error) error {
	var options *sql.TxOptions
	if s.dialect.server {
		options = &sql.TxOptions{Isolation: sql.LevelReadCommitted}
	}
	return s.retry(ctx, func(ctx context.Context) error {
		tx, err := s.write.BeginTxx(ctx, options)
		if err != nil {
			return err
		}
		defer tx.Rollback() // no-op after a commit
		if err := f(tx); err != nil {
			return err
		}
		return tx.Commit()
	})
}

// ClaimOverdue implements chat.OverdueQueue.
func (s *Store) ClaimOverdue(ctx context.Context, now, until time.Time, limit int) (claims []chat.OverdueClaim, err error) {
	type row struct {
		ReceiverID int64 `db:"receiver_id"`
		UpTo       int64 `db:"up_to"`
		DueAt      int64 `db:"due_at"`
		Tries      int
	}
	due, err := list[row](ctx, s, dueSQL, now.UnixMilli(), max(limit, 0))
	if err != nil {
		return nil, fmt.Errorf("read who is overdue: %w", err)
	}
	if len(due) == 0 {
		return nil, nil
	}
	err = s.inTx(ctx, func(tx *sqlx.Tx) error {
		claims = nil // of a try that broke off
		for _, r := range due {
			claimed, err := tx.ExecContext(ctx, s.sql(claimSQL), until.UnixMilli(), r.ReceiverID, r.DueAt)
			if err != nil {
				return err
			}
			if n, err := claimed.RowsAffected(); err != nil {
				return err
			} else if n == 1 { // no other node was faster
				claims = append(claims, chat.OverdueClaim{ReceiverID: r.ReceiverID, UpTo: r.UpTo, Tries: r.Tries, Until: fromMillis(until.UnixMilli())})
			}
		}
		return nil
	})
	if err != nil {
		return nil, fmt.Errorf("claim who is overdue: %w", err)
	}
	return claims, nil
}

// SettleOverdue implements chat.OverdueQueue.
func (s *Store) SettleOverdue(ctx context.Context, c chat.OverdueClaim, now, retry time.Time) error {
	until := c.Until.UnixMilli()
	var err error
	if retry.IsZero() {
		var told int64
		told, err = s.exec(ctx, toldSQL, c.ReceiverID, until, c.UpTo)
		if err == nil && told == 0 {
			_, err = s.exec(ctx, anotherSQL, now.UnixMilli(), c.ReceiverID, until)
		}
	} else {
		_, err = s.exec(ctx, againSQL, retry.UnixMilli(), c.ReceiverID, until)
	}
	if err != nil {
		return fmt.Errorf("settle who was overdue: %w", err)
	}
	return nil
}
