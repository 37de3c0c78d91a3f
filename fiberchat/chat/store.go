package chat

import "context"

// Store keeps messages. Implementations are safe for concurrent use;
// package storetest is this contract as tests.
type Store interface {
	// Apply carries out ops in their order in one transaction and is durable
	// when it returns: one result for each op, or an error when nothing, or
	// nothing known, was stored.
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

	// Conversation returns messages between two users, both ways, with
	// ID < beforeID (0 means from the newest), newest first, at most limit.
	Conversation(ctx context.Context, userID, peerID, beforeID int64, limit int) ([]Message, error)
}

// Sweeper is what a Store offers beside: a look at what came for whom, whoever
// stored it and whether it is confirmed or not. With a Bus it is needed;
// without one it lets each session of a user have what another confirms before
// this one was sent it. Safe for concurrent use.
type Sweeper interface {
	// Newest returns the highest id there is, 0 when there is none.
	Newest(ctx context.Context) (int64, error)
	// NewestOf returns an id that no message to receiverID exceeds now, and
	// that every later one will; 0 when there is no message.
	NewestOf(ctx context.Context, receiverID int64) (int64, error)
	// Received returns messages to receiverID, confirmed or not, with
	// ID > afterID, ascending, at most limit of them.
	Received(ctx context.Context, receiverID, afterID int64, limit int) ([]Message, error)
	// Unconfirmed returns what is not confirmed with ID > afterID, whoever
	// it is for, ascending, at most limit.
	Unconfirmed(ctx context.Context, afterID int64, limit int) ([]Ref, error)
}

// Ref names a message and its receiver.
type Ref struct{ ID, ReceiverID int64 }

// Counter is what a Store offers beside for what is asked before a message is
// stored. Safe for concurrent use.
type Counter interface {
	// CountPending returns how many messages to receiverID are not
	// confirmed, counting to atMost.
	CountPending(ctx context.Context, receiverID int64, atMost int) (int, error)
	// Stored tells whether there is a message of senderID's under chatID: it
	// was accepted once, whatever holds for another one now.
	Stored(ctx context.Context, senderID int64, chatID string) (bool, error)
}
