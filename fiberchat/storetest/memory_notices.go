package storetest

import (
	"context"
	"time"

	"fiberchat.example/fiberchat/chat"
)

type memoryNotice struct {
	chat.Notice
	confirmed bool // ConfirmedAt does not say it: it may be any time
}

// SaveNotice implements chat.Notices.
func (s *Memory) SaveNotice(ctx context.Context, n chat.Notice) (int64, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if err := ctx.Err(); err != nil {
		return 0, err
	}
	n.ID, n.Body = int64(len(s.notices)+1), append([]byte(nil), n.Body...)
	n.Time, n.ConfirmedAt = n.Time.UTC().Truncate(time.Millisecond), time.Time{}
	s.notices = append(s.notices, memoryNotice{Notice: n})
	return n.ID, nil
}

// PendingNotices implements chat.Notices.
func (s *Memory) PendingNotices(ctx context.Context, userID, afterID int64, limit int) ([]chat.Notice, error) {
	return s.findNotices(ctx, afterID, limit, func(n memoryNotice) bool { return n.UserID == userID && !n.confirmed })
}

// InboxNotices implements chat.Notices.
func (s *Memory) InboxNotices(ctx context.Context, userID, afterID int64, limit int) ([]chat.Notice, error) {
	return s.findNotices(ctx, afterID, limit, func(n memoryNotice) bool { return n.UserID == userID })
}

// findNotices returns what wanted accepts above an id.
func (s *Memory) findNotices(ctx context.Context, afterID int64, limit int, wanted func(memoryNotice) bool) (found []chat.Notice, err error) {
	s.mu.RLock()
	defer s.mu.RUnlock()
	for i := max(afterID, 0); i < int64(len(s.notices)) && len(found) < limit; i++ {
		if n := s.notices[i]; wanted(n) {
			found = append(found, n.Notice)
		}
	}
	return found, ctx.Err()
}

// LastNotice implements chat.Notices. One writer at a time: what holds for all
// holds for each.
func (s *Memory) LastNotice(ctx context.Context, _ int64) (int64, error) {
	s.mu.RLock()
	defer s.mu.RUnlock()
	return int64(len(s.notices)), ctx.Err()
}

// ConfirmNotice implements chat.Notices.
func (s *Memory) ConfirmNotice(ctx context.Context, userID, id int64, kind string, at time.Time) (changed bool, err error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if err := ctx.Err(); err != nil {
		return false, err
	}
	if id < 1 || id > int64(len(s.notices)) {
		return false, chat.ErrNotFound
	}
	n := &s.notices[id-1]
	if n.UserID != userID || kind != "" && kind != n.Kind {
		return false, chat.ErrNotFound
	}
	if n.confirmed {
		return false, nil
	}
	n.confirmed, n.ConfirmedAt = true, at.UTC().Truncate(time.Millisecond)
	return true, nil
}

// CountNotices implements chat.Notices.
func (s *Memory) CountNotices(ctx context.Context, userID int64, atMost int) (int, error) {
	pending, err := s.PendingNotices(ctx, userID, 0, atMost)
	return len(pending), err
}

// UnconfirmedNotices implements chat.Notices.
func (s *Memory) UnconfirmedNotices(ctx context.Context, afterID int64, limit int) ([]chat.Ref, error) {
	notices, err := s.findNotices(ctx, afterID, limit, func(n memoryNotice) bool { return !n.confirmed })
	var refs []chat.Ref
	for _, n := range notices {
		refs = append(refs, chat.Ref{ID: n.ID, ReceiverID: n.UserID})
	}
	return refs, err
}
