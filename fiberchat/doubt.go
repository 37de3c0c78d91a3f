package fiberchat

import (
	"sync"
	"time"
)

// maxDoubts bounds the users in doubt; of others an init brings what came.
const maxDoubts = 100_000

// doubts is the receivers of messages whose commit had no known outcome, and
// until when it may yet become visible: a database goes on with what it was
// told when nobody waits any more. Safe for concurrent use.
type doubts struct {
	mu    sync.Mutex
	until map[int64]time.Time
}

func (d *doubts) add(userID int64, until time.Time) {
	d.mu.Lock()
	defer d.mu.Unlock()
	if _, ok := d.until[userID]; ok || len(d.until) < maxDoubts {
		d.until[userID] = until
	}
}

// users returns all of them, and forgets those whose time is over: they are
// looked at for the last time.
func (d *doubts) users(now time.Time) (all []int64) {
	d.mu.Lock()
	defer d.mu.Unlock()
	for userID, until := range d.until {
		all = append(all, userID)
		if now.After(until) {
			delete(d.until, userID)
		}
	}
	return all
}

// doubt makes the receiver's sessions look for a message whose commit had no
// known outcome, now and for a while.
func (ch *Chat) doubt(userID int64) {
	ch.doubts.add(userID, time.Now().Add(2*ch.cfg.StoreTimeout))
	ch.lookAgain(userID)
}

func (ch *Chat) lookAgain(userID int64) {
	for _, c := range ch.hub.Of(userID) {
		c.feed.Behind(0)
	}
}

// lookAgainAll does so for all that are in doubt.
func (ch *Chat) lookAgainAll(now time.Time) {
	for _, userID := range ch.doubts.users(now) {
		ch.lookAgain(userID)
	}
}
