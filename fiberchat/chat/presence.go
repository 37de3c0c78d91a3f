package chat

import (
	"context"
	"time"
)

// Presence is whether a user has a session, and when last.
type Presence struct {
	UserID int64
	Online bool
	// LastSeen is when the user's last session ended, in whole milliseconds UTC;
	// of who is online, now. The zero time: never, as far as is known.
	LastSeen time.Time
}

// PresenceStore is what a Store offers in addition to know who is online on
// any node, and when the others were last seen. Safe for concurrent use by any
// number of nodes.
//
// A node is known by a number of its own. It beats by each SavePresence, and one
// whose last beat is as old as a time-out is taken for dead: its users count as
// offline, last seen at that beat. Beats are dated and compared by one clock,
// the database's, so that the nodes' own may differ.
type PresenceStore interface {
	// SavePresence is a beat of node, and notes in the same transaction which of
	// its users are online now and which have left, with their LastSeen, which
	// goes forward only; each user once. An error means that it is not known to
	// be stored. alive is false at the first beat of a node, and when
	// BuryNodes has been at it since the one before: then no more is certain to be
	// stored of this node than these changes, and all that are online must come
	// again.
	SavePresence(ctx context.Context, node int64, changes []Presence) (alive bool, err error)

	// Presence returns what is known of users, in any order: whether they are
	// online on a node that is not dead and not exceptNode, and when they were
	// last seen, the zero time for users who are online and have never left.
	// Users of whom nothing is known are left out.
	Presence(ctx context.Context, exceptNode int64, timeout time.Duration, userIDs []int64) ([]Presence, error)

	// BuryNodes takes at most limit users from one of the nodes that are dead, so
	// that nothing of it is left in the end. more reports that there may be more
	// to do. It changes nothing that Presence returns.
	BuryNodes(ctx context.Context, timeout time.Duration, limit int) (more bool, err error)
}
