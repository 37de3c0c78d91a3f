package feed

import "fiberchat.example/fiberchat/internal/stomp"

// Kind is which of a user's logs: each has ids of its own.
type Kind uint8

// The logs. Most sessions listen to messages alone.
const (
	Messages Kind = iota
	Notices
	kinds
)

// Entry is what a log holds, as it is sent.
type Entry struct {
	ID   int64
	Body []byte // JSON
}

// Log is what is stored for one user. Its methods may block, and are called by
// one goroutine at a time, except for Last.
type Log interface {
	// Pending returns what is not confirmed with an id above after, ascending,
	// at most limit of them.
	Pending(of Kind, after int64, limit int) ([]Entry, error)
	// Inbox returns everything, confirmed or not, in the same way.
	Inbox(of Kind, after int64, limit int) ([]Entry, error)
	// Last returns an id that nothing stored now exceeds, and that everything
	// later does.
	Last(of Kind) (int64, error)
}

// Outlet is the session. Only WaitSpace blocks.
type Outlet interface {
	// Message queues the body of the message, or notice, with this id for a
	// subscription and keeps nothing of it.
	Message(s *stomp.Subscription, id int64, body []byte)
	// WaitSpace blocks until there is space in the queue for n bytes, and
	// reports whether the session is still up.
	WaitSpace(n int) bool
	// Receipt answers an init that is done; "" where none is asked.
	Receipt(id string)
	// InitFailed answers inits that could not be carried out.
	InitFailed(receipts []string, err error)
}
