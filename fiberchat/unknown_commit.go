package fiberchat

import (
	"sync"
	"time"

	"fiberchat.example/fiberchat/internal/feed"
)

// maxUnknownCommits bounds their receivers; to others an init brings what came.
const maxUnknownCommits = 100_000

// unknownCommits is the receivers of messages and notices whose commit had no known
// outcome, and until when it may yet become visible: a database goes on with
// what it was sent when nobody waits any more. Safe for concurrent use.
type unknownCommits struct {
	mu    sync.Mutex
	until map[int64]time.Time
}

func (u *unknownCommits) add(userID int64, until time.Time) {
	u.mu.Lock()
	defer u.mu.Unlock()
	if _, ok := u.until[userID]; ok || len(u.until) < maxUnknownCommits {
		u.until[userID] = until
	}
}

// users returns all of them, and forgets those whose time is over: they are
// looked at for the last time.
func (u *unknownCommits) users(now time.Time) (all []int64) {
	u.mu.Lock()
	defer u.mu.Unlock()
	for userID, until := range u.until {
		all = append(all, userID)
		if now.After(until) {
			delete(u.until, userID)
		}
	}
	return all
}

// commitUnknown makes the receiver's sessions look for a message whose commit had no
// known outcome, now and for a while.
func (ch *Chat) commitUnknown(userID int64) {
	ch.unknownCommits.add(userID, time.Now().Add(2*ch.cfg.Timeouts.Store))
	ch.lookAgain(userID)
}

func (ch *Chat) lookAgain(userID int64) {
	for _, c := range ch.hub.Of(userID) {
		c.feed.Behind(feed.Messages, 0)
		c.feed.Behind(feed.Notices, 0)
	}
}

// lookAgainAll does so for all receivers of such messages.
func (ch *Chat) lookAgainAll(now time.Time) {
	for _, userID := range ch.unknownCommits.users(now) {
		ch.lookAgain(userID)
	}
}
