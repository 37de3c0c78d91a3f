package chat

import "context"

// Summary is one conversation of a user as a list of them shows it.
type Summary struct {
	// Other is the other person, under the name that Last has.
	Other User
	// Last is the newest message, whoever sent it.
	Last Message
	// Unread is how many of Other's messages are above ReadByMe; 100 means
	// 100 at least.
	Unread int
	// ReadByMe is up to which id the user has read what Other sent, and
	// ReadByThem up to which Other has read what the user sent; 0 is nothing.
	ReadByMe, ReadByThem int64
}

// MaxUnread is how far Summary.Unread counts.
const MaxUnread = 100

// Conversations is what a Store offers in addition for lists of
// conversations, what was read, and devices that catch up. Safe for concurrent
// use.
type Conversations interface {
	// MarkRead notes, durably, that readerID has read what senderID sent to it
	// with an id up to upTo, or as much of that as is stored: what is sent later
	// is not read, however high upTo is. It returns up to which id it is noted
	// now, and whether that is more than before; it never is less.
	MarkRead(ctx context.Context, readerID, senderID, upTo int64) (readUpTo int64, changed bool, err error)

	// Conversations returns the conversations of userID whose last message has
	// an ID below before, 0 for all, by that id, newest first, at most limit.
	Conversations(ctx context.Context, userID, before int64, limit int) ([]Summary, error)

	// Since returns messages to and from userID, confirmed or not, with
	// ID > afterID, ascending, at most limit of them; limit is 200 at most.
	Since(ctx context.Context, userID, afterID int64, limit int) ([]Message, error)

	// Settled returns an id such that no message with an id up to it will
	// appear in Since any more that was not there before Settled was called.
	// Above it ids of different receivers may appear in another order. It may
	// go by Message.Time, which so must be when the message was stored.
	Settled(ctx context.Context) (int64, error)
}
