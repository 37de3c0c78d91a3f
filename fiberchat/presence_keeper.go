package fiberchat

import (
	"cmp"
	"context"
	"math/rand/v2"
	"slices"
	"sync"
	"time"

	"fiberchat.example/fiberchat/chat"
)

const (
	// beatEvery is how often a node whose users stay beats, nodeTimeout after
	// which silence it is dead: two beats may fail, and it takes less than two
	// minutes.
	beatEvery   = 30 * time.Second
	nodeTimeout = 90 * time.Second
	// savePause is from one save to the next, saveRetry after one that failed.
	savePause = time.Second
	saveRetry = 10 * time.Second
	// maxSave is how many changes go in one transaction; the rest goes in the
	// next one. buryStep is as many of a dead node's users.
	maxSave  = 10_000
	buryStep = 1000
	// minChanges is how many changes may wait for the store at least.
	minChanges = 10_000
)

// presence keeps in the store who is online on this node: when a user's first
// session comes and the last one goes, it is noted here, and one goroutine
// writes what the hub holds of these users then, so that whatever
// happened in between the last state is right.
type presence struct {
	chat  *Chat
	store chat.PresenceStore // nil: nothing is kept
	wake  chan struct{}
	stop  chan struct{}
	done  chan struct{}
	limit int // of changes

	// run's own.
	again  bool // the store may have lost who is online: all of them are written
	failed bool // the last save

	mu      sync.Mutex
	node    int64 // what the store calls this one
	serial  uint64
	changes map[int64]presenceChange // by user; in the store once they are gone from here
	lost    bool                     // there were too many
}

type presenceChange struct {
	at     time.Time
	serial uint64
}

func newPresence(ch *Chat) *presence {
	p := &presence{
		chat: ch, node: rand.Int64(), changes: make(map[int64]presenceChange), limit: max(minChanges, 2*ch.cfg.Limits.Sessions),
		wake: make(chan struct{}, 1), stop: make(chan struct{}), done: make(chan struct{}),
	}
	p.store, _ = ch.cfg.Store.(chat.PresenceStore)
	if p.store == nil {
		close(p.done)
		return p
	}
	p.again = true // so the first save is of all, and there is no second
	go p.run()     // ended and waited for by close
	return p
}

// note is called when a user's first session is in the hub, or the last one is
// out of it.
func (p *presence) note(userID int64) {
	if p.store == nil {
		return
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	if _, known := p.changes[userID]; !known && len(p.changes) >= p.limit {
		p.lost = true
		return
	}
	p.serial++
	p.changes[userID] = presenceChange{time.Now(), p.serial}
	p.hurry()
}

// hurry has run save soon.
func (p *presence) hurry() {
	select {
	case p.wake <- struct{}{}:
	default:
	}
}

// run saves what is noted, at most once in savePause, and beats, until close.
func (p *presence) run() {
	defer close(p.done)
	beat := time.NewTicker(beatEvery)
	defer beat.Stop()
	for bury := true; ; {
		pause, worked := savePause, p.save()
		switch {
		case !worked:
			pause = saveRetry
		case bury:
			bury = p.bury()
		}
		select {
		case <-time.After(pause):
		case <-p.stop:
			p.saveAll()
			return
		}
		if bury || !worked {
			continue
		}
		select {
		case <-p.wake:
		case <-beat.C:
			bury = true
		case <-p.stop:
			p.saveAll()
			return
		}
	}
}

// close saves that the users have left, and waits for run. There are no
// sessions any more.
func (p *presence) close() {
	if p.store != nil {
		close(p.stop)
	}
	<-p.done
}

// saveAll saves all that is noted, unless the store fails.
func (p *presence) saveAll() {
	for p.save() {
		p.mu.Lock()
		left := len(p.changes)
		p.mu.Unlock()
		if left == 0 {
			return
		}
	}
}

// save writes at most maxSave changes, none at a beat, and reports whether
// that worked.
func (p *presence) save() bool {
	node, taken, changes := p.take()
	ctx, cancel := context.WithTimeout(p.chat.ctx, p.chat.cfg.Timeouts.Store)
	defer cancel()
	alive, err := guard(func() (bool, error) { return p.store.SavePresence(ctx, node, changes) })
	p.again = err != nil || !alive && !p.again
	p.report(err)
	if err != nil {
		return false
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	for id, change := range taken {
		if p.changes[id] == change {
			delete(p.changes, id)
		}
	}
	if len(p.changes) > 0 || p.again {
		p.hurry()
	}
	return true
}

// take returns what is to be saved, in ascending order of users.
func (p *presence) take() (node int64, taken map[int64]presenceChange, changes []chat.Presence) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.lost {
		// Who left is not known any more, so the store must forget this node,
		// as one that is dead, and hear of another.
		p.node, p.changes, p.lost, p.again = rand.Int64(), make(map[int64]presenceChange), false, true
	}
	if p.again {
		for _, c := range p.chat.hub.All() {
			if id := c.identity.User.ID; p.changes[id] == (presenceChange{}) {
				p.changes[id] = presenceChange{time.Now(), p.serial}
			}
		}
	}
	taken = make(map[int64]presenceChange, min(len(p.changes), maxSave))
	for id, change := range p.changes {
		if len(taken) == maxSave {
			break
		}
		taken[id] = change
		changes = append(changes, chat.Presence{
			UserID: id, Online: len(p.chat.hub.Of(id)) > 0, LastSeen: change.at.UTC().Truncate(time.Millisecond),
		})
	}
	slices.SortFunc(changes, func(a, b chat.Presence) int { return cmp.Compare(a.UserID, b.UserID) })
	return p.node, taken, changes
}

// report tells the log once that the store fails, and once that it is well.
func (p *presence) report(err error) {
	defer p.chat.recovered("log") // the Logger is the app's
	switch failed := err != nil; {
	case failed && !p.failed:
		p.chat.cfg.Logger.Warn("save presence: others may take this node's users for offline until it works", "error", err)
	case !failed && p.failed:
		p.chat.cfg.Logger.Info("presence is saved again")
	}
	p.failed = err != nil
}

// bury moves some of a dead node's users, and reports whether there may be more.
func (p *presence) bury() (more bool) {
	ctx, cancel := context.WithTimeout(p.chat.ctx, p.chat.cfg.Timeouts.Store)
	defer cancel()
	more, err := guard(func() (bool, error) { return p.store.BuryNodes(ctx, nodeTimeout, buryStep) })
	if err != nil {
		p.chat.cfg.Logger.Warn("bury dead nodes", "error", err) // with the next beat again
		return false
	}
	return more
}
