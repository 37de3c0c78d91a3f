package fiberchat

import "context"

// Bus carries what is new on one node to the others that share its store. It
// may lose, repeat and reorder publications: the store is the truth, and what
// is missing is found there. It uses standard types only, so that an adapter
// imports nothing of ours; package bustest is this contract as tests. Safe for
// concurrent use.
type Bus interface {
	// Publish hands data, at most MaxData bytes, to every node that has
	// subscribed; it may or may not come back to this one. It does not wait
	// for them, and data is the caller's again when it returns.
	Publish(ctx context.Context, data []byte) error
	// Subscribe calls handle, one call at a time, for what is published. It
	// returns once the broker has the subscription, or, while the broker
	// cannot be reached, at once: OnGap reports when it is back. handle does
	// not block, and data is its own only until it returns. cancel ends it.
	Subscribe(ctx context.Context, handle func(data []byte)) (cancel func(), err error)
	// OnGap names the function to call after something may have been lost.
	// It does not block.
	OnGap(handle func())
	// MaxData is how many bytes Publish takes at once. A message that is
	// longer travels as its ids, and is read from the store where it arrives.
	MaxData() int
	// Up reports whether the broker can be reached, for the metric
	// fiberchat_bus_up.
	Up() bool
}
