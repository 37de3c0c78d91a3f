package chat

import (
	"context"
	"encoding/json"
	"time"
)

// Notice is what the server has to tell a user, as it is stored and delivered.
type Notice struct {
	// ID is the server's serial of notices, positive and growing.
	ID     int64
	UserID int64
	// Kind is the app's word for it (the ntcType of the wire): 1 to 64
	// printable ASCII characters.
	Kind string
	// Body is the app's JSON object, compact and without a member "id": the
	// wire has the notice's ID there.
	Body json.RawMessage
	// Time is when it was made, in whole milliseconds UTC.
	Time time.Time
	// ConfirmedAt is when the user confirmed it, in whole milliseconds UTC; the
	// zero time: not yet.
	ConfirmedAt time.Time
}

// Notices is what a Store offers in addition for Chat.Notify. Safe for
// concurrent use; storetest.RunNotices is this contract as tests.
type Notices interface {
	// SaveNotice stores n, whose ID and ConfirmedAt are ignored, and returns its
	// ID; it is durable then. An error means that nothing was stored, or that
	// the outcome is unknown.
	//
	// Ids of one user become visible in ascending order, also when several
	// processes store on one database, and none is ever given twice.
	SaveNotice(ctx context.Context, n Notice) (id int64, err error)

	// PendingNotices returns notices to userID that are not confirmed, with
	// ID > afterID, ascending, at most limit of them.
	PendingNotices(ctx context.Context, userID, afterID int64, limit int) ([]Notice, error)

	// InboxNotices returns notices to userID, confirmed or not, in the same way.
	InboxNotices(ctx context.Context, userID, afterID int64, limit int) ([]Notice, error)

	// LastNotice returns an id that no stored notice to userID exceeds now, and
	// that every later one will; 0 when nothing is stored. userID 0 means to
	// anybody: the highest id there is, which a notice that is being stored at
	// this moment may stay below.
	LastNotice(ctx context.Context, userID int64) (int64, error)

	// ConfirmNotice confirms the notice to userID with this id, whose Kind must
	// be kind if that is not empty; at is in whole milliseconds UTC. changed is
	// false when it was confirmed before. The error is ErrNotFound when there is
	// no such notice.
	ConfirmNotice(ctx context.Context, userID, id int64, kind string, at time.Time) (changed bool, err error)

	// CountNotices returns how many notices to userID are not confirmed,
	// counting to atMost.
	CountNotices(ctx context.Context, userID int64, atMost int) (int, error)

	// UnconfirmedNotices returns what is not confirmed with ID > afterID,
	// whoever it is for, ascending, at most limit.
	UnconfirmedNotices(ctx context.Context, afterID int64, limit int) ([]Ref, error)
}
