package fiberchat

import (
	"context"
	"errors"
	"fmt"

	"fiberchat.example/fiberchat/chat"
	"fiberchat.example/fiberchat/internal/feed"
)

// ErrTooManyNotices: the user has Limits.Pending notices that are not confirmed.
var ErrTooManyNotices = errors.New("fiberchat: the user has too many unconfirmed notices")

var (
	errBadNotice = errors.New("fiberchat: notice not valid")
	errNotStored = errors.New("fiberchat: the notice is not known to be stored")
)

// Notify stores a notice to a user and delivers it, on all nodes, until the user
// has confirmed it; clients subscribe to /user/{name or id}/notice. kind is the
// app's word for it, 1 to 64 printable ASCII characters. body becomes a JSON
// object of at most Limits.Content bytes; where that has a member "id", the
// notice's id, which Notify returns, stands in its place.
//
// The error is ErrClosed, ErrTooManyNotices, wraps chat.ErrNotFound when the
// Directory does not know the user, or says what is wrong with the arguments or
// the Store, which must be a chat.Notices. Any other one means that the notice is
// not known to be stored: if it was, it is delivered all the same, so calling
// again may make two of it. It may take Timeouts.Store, if ctx does not end before.
func (ch *Chat) Notify(ctx context.Context, userID int64, kind string, body any) (int64, error) {
	if !ch.enter() { // Close waits for it
		return 0, ErrClosed
	}
	defer ch.sessions.Done()
	id, err := ch.notify(ctx, userID, kind, body)
	switch {
	case err == nil:
		ch.metrics.Notices.Done.Inc()
	case errors.Is(err, errBadNotice), errors.Is(err, chat.ErrNotFound), errors.Is(err, ErrTooManyNotices):
		ch.metrics.Notices.Refused.Inc()
	default:
		ch.metrics.Notices.Failed.Inc()
	}
	return id, err
}

func (ch *Chat) notify(ctx context.Context, userID int64, kind string, body any) (int64, error) {
	if ch.notices == nil {
		return 0, fmt.Errorf("%w: the Store is no chat.Notices", errBadNotice)
	}
	if !validKind(kind) {
		return 0, fmt.Errorf("%w: kind must be 1 to 64 printable ASCII characters", errBadNotice)
	}
	text, err := noticeBody(body, ch.cfg.Limits.Content)
	if err != nil {
		return 0, fmt.Errorf("%w: %w", errBadNotice, err)
	}
	ctx, cancel := context.WithTimeout(ctx, ch.cfg.Timeouts.Store)
	defer cancel()
	defer context.AfterFunc(ch.ctx, cancel)()
	if _, err := ch.receivers.find(ctx, userID); err != nil {
		return 0, fmt.Errorf("fiberchat: find user %d: %w", userID, err)
	}
	if limit := ch.cfg.Limits.Pending; limit > 0 {
		n, err := guard(func() (int, error) { return ch.notices.CountNotices(ctx, userID, limit) })
		if err != nil {
			return 0, fmt.Errorf("fiberchat: count notices: %w", err)
		}
		if n >= limit {
			return 0, ErrTooManyNotices
		}
	}
	id, err := guard(func() (int64, error) {
		return ch.notices.SaveNotice(ctx, chat.Notice{UserID: userID, Kind: kind, Body: text, Time: now()})
	})
	if err != nil {
		ch.commitUnknown(userID)
		return 0, fmt.Errorf("%w: %w", errNotStored, err)
	}
	ch.noticed(userID, id)
	ch.node.add(entry{kind: entryNotice, userID: userID, id: id})
	ch.node.flush()
	return id, nil
}

// noticed has the user's sessions here read a notice that was stored.
func (ch *Chat) noticed(userID, id int64) {
	for _, c := range ch.hub.Of(userID) {
		c.feed.Behind(feed.Notices, id)
	}
}

// lastNotice asks the store for its last notice to a user, 0 for anybody.
func (ch *Chat) lastNotice(userID int64) (int64, error) {
	if ch.notices == nil {
		return 0, nil
	}
	ctx, cancel := context.WithTimeout(ch.ctx, ch.cfg.Timeouts.Store)
	defer cancel()
	return guard(func() (int64, error) { return ch.notices.LastNotice(ctx, userID) })
}

// catchUpNotices is catchUp for notices. They are rare: as long as last, the
// highest id there is, is not above after nobody looks.
func (ch *Chat) catchUpNotices(after, last int64) error {
	for more := last > after; more; {
		page, err := guard(func() ([]chat.Ref, error) {
			ctx, cancel := context.WithTimeout(ch.ctx, ch.cfg.Timeouts.Store)
			defer cancel()
			return ch.notices.UnconfirmedNotices(ctx, after, catchUpPage)
		})
		if err != nil {
			return err
		}
		for _, ref := range page {
			after = ref.ID
			ch.noticed(ref.ReceiverID, ref.ID)
		}
		more = len(page) == catchUpPage
	}
	return nil
}
