package sqlstore

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"time"

	"fiberchat.example/fiberchat/chat"
)

const noticeColumns = "id, user_id, kind, body, sent_at, received_at"

// noticeReads are the reading statements of one user's notices.
type noticeReads struct{ pending, inbox, last, count string }

// noticeReadsBy has the indexes named: SQLite would take that of all of a user's
// notices for those that are pending, MySQL may walk the primary key and hope to
// meet enough rows before the LIMIT.
func noticeReadsBy(pending, user string) noticeReads {
	return noticeReads{
		pending: "SELECT " + noticeColumns + " FROM {p}notices " + pending + " WHERE user_id = ? AND received_at IS NULL AND id > ? ORDER BY id LIMIT ?",
		inbox:   "SELECT " + noticeColumns + " FROM {p}notices " + user + " WHERE user_id = ? AND id > ? ORDER BY id LIMIT ?",
		last:    "SELECT COALESCE(MAX(id), 0) FROM {p}notices " + user + " WHERE user_id = ?",
		count:   "SELECT COUNT(*) FROM (SELECT 1 AS one FROM {p}notices " + pending + " WHERE user_id = ? AND received_at IS NULL LIMIT ?) AS pending",
	}
}

// As ranges, for the reason that postgresReads gives.
var postgresNoticeReads = noticeReads{
	pending: `SELECT ` + noticeColumns + ` FROM {p}notices
		WHERE (user_id, id) > ($1, $2) AND user_id <= $1 AND received_at IS NULL ORDER BY user_id, id LIMIT $3`,
	inbox: `SELECT ` + noticeColumns + ` FROM {p}notices
		WHERE (user_id, id) > ($1, $2) AND user_id <= $1 ORDER BY user_id, id LIMIT $3`,
	last: `SELECT COALESCE((SELECT id FROM {p}notices
		WHERE user_id >= $1 AND user_id <= $1 ORDER BY user_id DESC, id DESC LIMIT 1), 0)`,
	count: `SELECT COUNT(*) FROM (SELECT 1 AS one FROM {p}notices
		WHERE user_id >= $1 AND user_id <= $1 AND received_at IS NULL ORDER BY user_id, id LIMIT $2) AS pending`,
}

const (
	lastNoticeOfAllSQL    = "SELECT COALESCE(MAX(id), 0) FROM {p}notices"
	confirmNoticeSQL      = "UPDATE {p}notices SET received_at = ? WHERE id = ? AND user_id = ? AND (? = '' OR kind = ?) AND received_at IS NULL"
	noticeSQL             = "SELECT COUNT(*) FROM {p}notices WHERE id = ? AND user_id = ? AND (? = '' OR kind = ?)"
	unconfirmedNoticesSQL = "SELECT id, user_id AS receiver_id FROM {p}notices WHERE id > ? AND received_at IS NULL ORDER BY id LIMIT ?"
)

// SaveNotice implements chat.Notices.
func (s *Store) SaveNotice(ctx context.Context, n chat.Notice) (id int64, err error) {
	err = errors.Join(checkText("Kind", n.Kind, 64), checkText("Body", string(n.Body), 8<<20))
	if n.UserID < 1 || n.UserID > chat.MaxUserID || n.Kind == "" || !json.Valid(n.Body) {
		err = fmt.Errorf("%w: UserID, Kind or Body of a notice", errBadOp)
	}
	if err == nil {
		err = s.retry(ctx, func(ctx context.Context) (err error) {
			id, err = s.dialect.notify(s, ctx, n)
			return err
		})
	}
	if err != nil {
		return 0, fmt.Errorf("save notice: %w", err)
	}
	return id, nil
}

// PendingNotices implements chat.Notices.
func (s *Store) PendingNotices(ctx context.Context, userID, afterID int64, limit int) ([]chat.Notice, error) {
	return s.notices(ctx, s.dialect.notices.pending, userID, afterID, limit)
}

// InboxNotices implements chat.Notices.
func (s *Store) InboxNotices(ctx context.Context, userID, afterID int64, limit int) ([]chat.Notice, error) {
	return s.notices(ctx, s.dialect.notices.inbox, userID, afterID, limit)
}

// notices returns what a statement finds above an id.
func (s *Store) notices(ctx context.Context, query string, userID, afterID int64, limit int) ([]chat.Notice, error) {
	if limit <= 0 {
		return nil, nil
	}
	for {
		rows, err := list[noticeRow](ctx, s, query, userID, afterID, limit)
		if err != nil {
			return nil, fmt.Errorf("read notices: %w", err)
		}
		page := make([]chat.Notice, len(rows))
		have := make([]int64, len(rows))
		for i, row := range rows {
			page[i], have[i] = row.notice(), row.ID
		}
		whole, err := s.whole(ctx, s.sql(query), noticeColumns, have, userID, afterID, limit)
		if err != nil {
			return nil, fmt.Errorf("read notices: %w", err)
		}
		if whole {
			return page, nil
		}
	}
}

// noticeRow is a row of noticeColumns.
type noticeRow struct {
	ID         int64
	UserID     int64 `db:"user_id"`
	Kind       string
	Body       string
	SentAt     int64  `db:"sent_at"`
	ReceivedAt *int64 `db:"received_at"`
}

func (r noticeRow) notice() chat.Notice {
	n := chat.Notice{ID: r.ID, UserID: r.UserID, Kind: r.Kind, Body: json.RawMessage(r.Body), Time: fromMillis(r.SentAt)}
	if r.ReceivedAt != nil {
		n.ConfirmedAt = fromMillis(*r.ReceivedAt)
	}
	return n
}

// LastNotice implements chat.Notices.
func (s *Store) LastNotice(ctx context.Context, userID int64) (id int64, err error) {
	if userID == 0 {
		err = s.get(ctx, &id, lastNoticeOfAllSQL)
	} else {
		err = s.get(ctx, &id, s.dialect.notices.last, userID)
	}
	if err != nil {
		return 0, fmt.Errorf("read last notice: %w", err)
	}
	return id, nil
}

// ConfirmNotice implements chat.Notices.
func (s *Store) ConfirmNotice(ctx context.Context, userID, id int64, kind string, at time.Time) (changed bool, err error) {
	n, err := s.exec(ctx, confirmNoticeSQL, at.UnixMilli(), id, userID, kind, kind)
	if err == nil && n > 0 {
		return true, nil
	}
	if err == nil {
		err = s.get(ctx, &n, noticeSQL, id, userID, kind, kind)
	}
	switch {
	case err != nil:
		return false, fmt.Errorf("confirm notice: %w", err)
	case n == 0:
		return false, chat.ErrNotFound
	}
	return false, nil
}

// CountNotices implements chat.Notices.
func (s *Store) CountNotices(ctx context.Context, userID int64, atMost int) (n int, err error) {
	if err := s.get(ctx, &n, s.dialect.notices.count, userID, max(atMost, 0)); err != nil {
		return 0, fmt.Errorf("count notices: %w", err)
	}
	return n, nil
}

// UnconfirmedNotices implements chat.Notices.
func (s *Store) UnconfirmedNotices(ctx context.Context, afterID int64, limit int) ([]chat.Ref, error) {
	return s.refs(ctx, unconfirmedNoticesSQL, afterID, limit)
}
