package fiberchat

import (
	"context"
	"sync"

	lru "github.com/hashicorp/golang-lru/v2"

	"fiberchat.example/fiberchat/chat"
)

// pendings is the limit on what a receiver has not confirmed. A count by the
// store costs more than a message ought to, so one is good for half of what it
// finds room for: far from the limit next to none are made, and close to it one
// for each message. The other half is for what comes by other nodes.
type pendings struct {
	chat  *Chat
	limit int // 0 for none

	mu   sync.Mutex
	room *lru.Cache[int64, int] // by receiver: messages that need no count
}

func newPendings(ch *Chat) *pendings {
	room, err := lru.New[int64, int](maxReceivers)
	if err != nil {
		panic(err) // only for a size of 0
	}
	return &pendings{chat: ch, limit: ch.cfg.Limits.Pending, room: room}
}

// spend reports whether one more message needs no count.
func (ps *pendings) spend(receiverID int64) bool {
	if ps.limit == 0 {
		return true
	}
	ps.mu.Lock()
	defer ps.mu.Unlock()
	n, _ := ps.room.Get(receiverID)
	if n > 0 {
		ps.room.Add(receiverID, n-1)
	}
	return n > 0
}

// allow reports why one more message is too many, nil when it is not.
func (ps *pendings) allow(ctx context.Context, to chat.User) *failure {
	if ps.spend(to.ID) {
		return nil
	}
	n, err := guard(func() (int, error) {
		return ps.chat.cfg.Store.(chat.Counter).CountPending(ctx, to.ID, ps.limit)
	})
	if err != nil {
		ps.chat.cfg.Logger.Error("count pending messages", "error", err, "user", to.ID)
		return ps.chat.failureOf(err, failUnavailable)
	}
	if n >= ps.limit {
		return failPending
	}
	ps.mu.Lock()
	defer ps.mu.Unlock()
	ps.room.Add(to.ID, (ps.limit-n-1)/2)
	return nil
}
