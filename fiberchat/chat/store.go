package chat

import "context"

// Store keeps messages. Implementations are safe for concurrent use;
// package storetest is this contract as tests.
type Store interface {
	// Apply carries out ops in their order in one transaction and is durable
	// when it returns: one result for each op. An error means that nothing was
	// stored, or that the outcome is unknown.
	//
	// Ids of one receiver become visible in ascending order, also when
	// several processes call Apply on one database. Saving a SenderID and
	// ChatID again gives Changed false and the stored Message when receiver
	// and content are the same, and ErrConflict when they are not. A Confirm
	// that names no message gives ErrNotFound. No ops: no results, no error.
	// ops are the caller's again once Apply has returned.
	Apply(ctx context.Context, ops []Op) ([]Result, error)

	// Pending returns messages to receiverID that are not confirmed, with
	// ID > afterID, ascending, at most limit of them.
	Pending(ctx context.Context, receiverID, afterID int64, limit int) ([]Message, error)

	// Inbox returns messages to receiverID, confirmed or not, with
	// ID > afterID, ascending, at most limit of them. What Apply has stored
	// before Inbox is called is there.
	Inbox(ctx context.Context, receiverID, afterID int64, limit int) ([]Message, error)

	// Last returns an id that no stored message to receiverID exceeds now, and
	// that every later one will; 0 when nothing is stored. receiverID 0 means
	// to anybody: the highest id there is, which a message that is being
	// stored at this moment may stay below.
	Last(ctx context.Context, receiverID int64) (int64, error)

	// Conversation returns messages between two users, both ways, confirmed
	// or not, at most limit: those of page. What one of them was sent becomes
	// visible in ascending order, what both were sent need not: below the
	// highest id of a page one to the other user may still appear.
	Conversation(ctx context.Context, userID, otherID int64, page Page, limit int) ([]Message, error)
}

// Page says which part of a conversation is wanted: with After, messages with
// a higher id, oldest first; else those with an id below Before, newest first,
// where 0 means from the newest. Both set is an error.
type Page struct{ Before, After int64 }

// Unconfirmed is what a Store offers in addition where several nodes share it
// (Config.Bus needs it): what the bus lost is found with it.
type Unconfirmed interface {
	// Unconfirmed returns what is not confirmed with ID > afterID, whoever
	// it is for, ascending, at most limit.
	Unconfirmed(ctx context.Context, afterID int64, limit int) ([]Ref, error)
}

// Ref names a message, or a notice, and its receiver.
type Ref struct{ ID, ReceiverID int64 }

// Counter is what a Store offers in addition for Config.Limits.Pending. Safe for
// concurrent use.
type Counter interface {
	// CountPending returns how many messages to receiverID are not
	// confirmed, counting to atMost.
	CountPending(ctx context.Context, receiverID int64, atMost int) (int, error)
}

// Finder is what a Store offers in addition to know a repetition before it is
// stored: it was accepted once, whatever holds for another one now.
// Config.BeforeSave needs it. Safe for concurrent use.
type Finder interface {
	// Find returns the message that senderID sent under chatID, or ErrNotFound.
	Find(ctx context.Context, senderID int64, chatID string) (Message, error)
}
