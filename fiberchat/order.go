package fiberchat

import (
	"context"
	"slices"
	"time"
)

// arrivalTime is how long a session that was let in may take until it is
// known: a client that leaves before its upgrade is done never will be.
const arrivalTime = time.Second

// arrival is a session that was let in. Its number is taken within the request,
// since who serves it begins later, and not in the order of the requests.
type arrival struct {
	number uint64
	at     time.Time
}

// arrive numbers a session that is let in.
func (ch *Chat) arrive(userID int64) (number uint64) {
	ch.mu.Lock()
	defer ch.mu.Unlock()
	ch.lastArrival++
	ch.arrivals[userID] = append(ch.arrivals[userID], arrival{ch.lastArrival, time.Now()})
	return ch.lastArrival
}

// arrived notes that a session is known.
func (ch *Chat) arrived(userID int64, number uint64) {
	ch.mu.Lock()
	defer ch.mu.Unlock()
	ch.dropArrivals(userID, func(a arrival) bool { return a.number == number })
}

// forgetOldArrivals drops those that did not come.
func (ch *Chat) forgetOldArrivals(now time.Time) {
	ch.mu.Lock()
	defer ch.mu.Unlock()
	for userID := range ch.arrivals {
		ch.dropArrivals(userID, func(a arrival) bool { return now.Sub(a.at) > arrivalTime })
	}
}

// dropArrivals is for those who hold mu.
func (ch *Chat) dropArrivals(userID int64, over func(arrival) bool) {
	left := slices.DeleteFunc(ch.arrivals[userID], over)
	if len(left) == 0 {
		delete(ch.arrivals, userID)
		return
	}
	ch.arrivals[userID] = left
}

// arriving tells whether a session of the user that came before the number is
// not known yet.
func (ch *Chat) arriving(userID int64, number uint64) bool {
	now := time.Now()
	ch.mu.Lock()
	defer ch.mu.Unlock()
	return slices.ContainsFunc(ch.arrivals[userID], func(a arrival) bool { return a.number < number && now.Sub(a.at) < arrivalTime })
}

// order waits, before the session's first message, until the user's older
// sessions have handled what was sent to them: a client that reconnects goes
// on where it was cut, and its messages keep their order.
func (p *peer) order() {
	if p.ordered {
		return
	}
	p.ordered = true
	ctx, cancel := context.WithTimeout(p.chat.ctx, p.chat.cfg.StoreTimeout)
	defer cancel()
	// What a reader has taken from its connection it has handled when it
	// waits for more again; or when it goes on waiting, and looks so twice,
	// for one that the machine has just woken looks as if it waited.
	const quiet = 5 * time.Millisecond
	type mark struct {
		turn          uint64
		seen, handled bool
	}
	marks := make(map[*peer]*mark)
	handled := func(o *peer) bool {
		m := marks[o]
		switch {
		case o.session.Left():
			return true
		case m == nil:
			if !o.session.Unread() {
				marks[o] = &mark{turn: o.session.Turn()}
			}
			return false
		}
		seen := o.session.Handled(m.turn, quiet)
		m.handled = m.handled || m.seen && seen
		m.seen = seen
		return m.handled
	}
	for {
		wait := p.chat.arriving(p.identity.User.ID, p.number)
		for _, o := range p.chat.hub.Of(p.identity.User.ID) {
			wait = o.number < p.number && !handled(o) || wait
		}
		if !wait {
			return
		}
		select {
		case <-time.After(quiet):
		case <-ctx.Done():
			return
		}
	}
}
