package fiberchat

import (
	"maps"
	"time"
)

// anyMissed is for live messages whose ids are not known.
const anyMissed = 1

// maxDoubts bounds the users in doubt; of others an init brings what came.
const maxDoubts = 100_000

// doubt is about the messages to one user: a commit of one had no known
// outcome, so it may become visible for a while yet. Until then the user's
// sessions read what they are sent, for in the store it stands in its place.
type doubt struct {
	from  int64 // no id of the commit's is below
	until time.Time
}

// doubt begins one about the messages to a user.
func (ch *Chat) doubt(userID int64) {
	from := ch.newest.Load() + 1
	if ch.link != nil {
		from = anyMissed
	}
	ch.mu.Lock()
	have, ok := ch.doubts[userID]
	if ok {
		from = min(from, have.from)
	}
	if ok || len(ch.doubts) < maxDoubts {
		// A database goes on with what it was told when nobody waits any more.
		ch.doubts[userID] = doubt{from, time.Now().Add(2 * ch.cfg.StoreTimeout)}
		ch.anyDoubt.Store(true)
	}
	ch.mu.Unlock()
	for _, p := range ch.hub.Of(userID) {
		p.catchUp(from)
	}
}

// doubtful returns the id from which on messages to a user may be missing, 0
// when there is no doubt.
func (ch *Chat) doubtful(userID int64) int64 {
	if !ch.anyDoubt.Load() {
		return 0
	}
	ch.mu.Lock()
	defer ch.mu.Unlock()
	return ch.doubts[userID].from
}

// stall notes a session that could not read what it missed.
func (ch *Chat) stall(p *peer) {
	ch.mu.Lock()
	defer ch.mu.Unlock()
	ch.stalled[p] = struct{}{}
}

// settle looks again for what may have become visible, and for what could not
// be read. A doubt ends only after its last look.
func (ch *Chat) settle(now time.Time) {
	ch.mu.Lock()
	doubts, stalled := maps.Clone(ch.doubts), ch.stalled
	ch.stalled = make(map[*peer]struct{})
	ch.mu.Unlock()
	for p := range stalled {
		p.resume()
	}
	for userID, d := range doubts {
		for _, p := range ch.hub.Of(userID) {
			p.catchUp(d.from)
		}
	}
	ch.mu.Lock()
	defer ch.mu.Unlock()
	for userID, d := range doubts {
		if now.After(d.until) && ch.doubts[userID] == d {
			delete(ch.doubts, userID)
		}
	}
	ch.anyDoubt.Store(len(ch.doubts) > 0)
}
