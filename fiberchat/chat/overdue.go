package chat

import (
	"context"
	"time"
)

// OverdueQueue is what a Store offers in addition for Config.Overdue: it
// remembers which receivers the app has to be told about, and which messages were
// looked at for that. What it remembers is durable and shared by all nodes;
// times are the caller's. Safe for concurrent use, also by several processes.
type OverdueQueue interface {
	// QueueOverdue looks at the messages that were stored at least after ago, and
	// puts the receivers of those that are not confirmed into the queue. Each
	// message is looked at once, by whoever comes first. more reports that there
	// are more to look at, for one call must not keep the Store busy for long. The
	// very first call looks at nothing, and what was stored before it is never
	// looked at. It is called about once a second.
	//
	// A Store in which a lower id may become visible after a higher one waits
	// until that is over, where it takes longer than after.
	QueueOverdue(ctx context.Context, now time.Time, after time.Duration) (more bool, err error)

	// ClaimOverdue takes at most limit receivers who are due at now, those
	// longest due first, so that nobody else gets them until the claims end.
	ClaimOverdue(ctx context.Context, now, until time.Time, limit int) ([]OverdueClaim, error)

	// SettleOverdue ends a claim. With the zero time the receiver leaves the
	// queue, unless another message of theirs came into it since the claim: then
	// they are due at now. Else they are due at retry, and Tries grows by one. A
	// claim that has run out and was taken by another changes nothing.
	SettleOverdue(ctx context.Context, claim OverdueClaim, now, retry time.Time) error
}

// OverdueClaim is a receiver whom one node alone tells the app about.
type OverdueClaim struct {
	ReceiverID int64
	// UpTo is the last message that brought them into the queue.
	UpTo int64
	// Tries is how many claims before this one were settled with a retry.
	Tries int
	// Until is when the claim ends by itself, in whole milliseconds UTC.
	Until time.Time
}
