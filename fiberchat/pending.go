package fiberchat

import (
	"context"
	"sync"
	"time"

	lru "github.com/hashicorp/golang-lru/v2"

	"fiberchat.example/fiberchat/chat"
)

// keepFull is how long a receiver without room is taken to have none.
const keepFull = time.Second

// pendings is the limit on what a receiver has not confirmed. A count by the
// store costs more than a message ought to, so one is good for half of what it
// finds room for: far from the limit next to none are made, and close to it one
// for each message. The other half is for what comes by other nodes. One that
// finds no room is good for a second, in which confirmations here make some.
type pendings struct {
	chat  *Chat
	limit int // 0 for none

	mu    sync.Mutex
	rooms *lru.Cache[int64, room] // by receiver
}

type room struct {
	left      int       // messages that need no count
	fullUntil time.Time // with none left: nor do refusals
}

func newPendings(ch *Chat) *pendings {
	rooms, err := lru.New[int64, room](maxReceivers)
	if err != nil {
		panic(err) // only for a size of 0
	}
	return &pendings{chat: ch, limit: ch.cfg.Limits.Pending, rooms: rooms}
}

// spend reports what is known without a count: that there is room for one more
// message, which is taken, or that there is none.
func (ps *pendings) spend(receiverID int64) (ok, full bool) {
	if ps.limit == 0 {
		return true, false
	}
	ps.mu.Lock()
	defer ps.mu.Unlock()
	r, _ := ps.rooms.Get(receiverID)
	if r.left > 0 {
		r.left--
		ps.rooms.Add(receiverID, r)
		return true, false
	}
	return false, time.Now().Before(r.fullUntil)
}

// confirmed makes room where there was none.
func (ps *pendings) confirmed(receiverID int64) {
	ps.mu.Lock()
	defer ps.mu.Unlock()
	if r, _ := ps.rooms.Peek(receiverID); !r.fullUntil.IsZero() {
		r.left++
		ps.rooms.Add(receiverID, r)
	}
}

// allow reports why one more message is too many, nil when it is not.
func (ps *pendings) allow(ctx context.Context, to chat.User) *failure {
	switch ok, full := ps.spend(to.ID); {
	case ok:
		return nil
	case full:
		return failPending
	}
	n, err := guard(func() (int, error) {
		return ps.chat.cfg.Store.(chat.Counter).CountPending(ctx, to.ID, ps.limit)
	})
	if err != nil {
		ps.chat.cfg.Logger.Error("count pending messages", "error", err, "user", to.ID)
		return ps.chat.failureOf(err, failUnavailable)
	}
	ps.mu.Lock()
	defer ps.mu.Unlock()
	if n >= ps.limit {
		ps.rooms.Add(to.ID, room{fullUntil: time.Now().Add(keepFull)})
		return failPending
	}
	ps.rooms.Add(to.ID, room{left: (ps.limit - n - 1) / 2})
	return nil
}
