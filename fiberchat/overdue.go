package fiberchat

import (
	"context"
	"errors"
	"sync"
	"time"

	"fiberchat.example/fiberchat/chat"
)

const (
	overdueEvery = time.Second
	// overdueAtOnce is how many calls of Overdue run at once.
	overdueAtOnce = 8
	// maxOverdue is how many messages one call of Overdue has.
	maxOverdue = 100
	// After a failure Overdue is called again after the first of these, and each
	// time after twice as long.
	firstOverdue, lastOverdue = time.Second, 5 * time.Minute
)

// beginOverdue makes the store look at what is stored from now on, unless it
// has begun before.
func (ch *Chat) beginOverdue() error {
	if ch.cfg.Overdue == nil {
		return nil
	}
	_, err := ch.queueOverdue()
	return err
}

func (ch *Chat) queueOverdue() (more bool, err error) {
	ctx, cancel := context.WithTimeout(ch.ctx, ch.cfg.Timeouts.Store)
	defer cancel()
	return guard(func() (bool, error) {
		return ch.cfg.Store.(chat.OverdueQueue).QueueOverdue(ctx, time.Now(), ch.cfg.OverdueAfter)
	})
}

// claimOverdue takes receivers for as long as it takes to read what they have
// not confirmed, to call Overdue and to settle it: who is not settled by
// then, because this node has died, is another's.
func (ch *Chat) claimOverdue(limit int) ([]chat.OverdueClaim, error) {
	ctx, cancel := context.WithTimeout(ch.ctx, ch.cfg.Timeouts.Store)
	defer cancel()
	return guard(func() ([]chat.OverdueClaim, error) {
		now := time.Now()
		return ch.cfg.Store.(chat.OverdueQueue).ClaimOverdue(ctx, now, now.Add(3*ch.cfg.Timeouts.Store), limit)
	})
}

// keepOverdue tells the app who is overdue, until Close, and then waits for
// the calls that run.
func (ch *Chat) keepOverdue() {
	defer ch.sessions.Done()
	var calls sync.WaitGroup
	defer calls.Wait()
	var (
		slots = make(chan struct{}, overdueAtOnce)
		freed = make(chan struct{}, 1) // a slot, since it was looked last
		more  bool                     // messages to look at
	)
	ticker := time.NewTicker(overdueEvery)
	defer ticker.Stop()
	for {
		look := more
		if !more {
			select {
			case <-ch.closing:
				return
			case <-ticker.C:
				look = true
			case <-freed:
			}
		} else if ch.isClosing() {
			return
		}
		var err error
		if look {
			more, err = ch.queueOverdue()
		}
		var claims []chat.OverdueClaim
		if free := cap(slots) - len(slots); free > 0 && err == nil {
			claims, err = ch.claimOverdue(free)
		}
		if err != nil {
			more = false // not again at once
			if ch.ctx.Err() == nil {
				ch.logOverdue(err, 0)
			}
		}
		for _, claim := range claims {
			slots <- struct{}{}
			calls.Go(func() { // waited for above
				ch.tellOverdue(claim)
				<-slots
				select {
				case freed <- struct{}{}:
				default:
				}
			})
		}
	}
}

func (ch *Chat) logOverdue(err error, userID int64) {
	defer ch.recovered("log") // the Logger is the app's
	ch.cfg.Logger.Error("look who is overdue", "error", err, "user", userID)
}

// tellOverdue tells the app about a receiver, and gives them back to the queue
// where that failed.
func (ch *Chat) tellOverdue(claim chat.OverdueClaim) {
	defer ch.recovered("tell who is overdue")
	var retry time.Time
	if !ch.callOverdue(claim) {
		retry = time.Now().Add(min(firstOverdue<<min(claim.Tries, 30), lastOverdue))
	}
	ctx, cancel := context.WithTimeout(ch.ctx, ch.cfg.Timeouts.Store)
	defer cancel()
	_, err := guard(func() (struct{}, error) {
		return struct{}{}, ch.cfg.Store.(chat.OverdueQueue).SettleOverdue(ctx, claim, time.Now(), retry)
	})
	if err != nil {
		ch.logOverdue(err, claim.ReceiverID) // they come again when the claim ends
	}
}

// callOverdue reports whether there is nothing left to tell of that which
// brought the receiver into the queue.
func (ch *Chat) callOverdue(claim chat.OverdueClaim) bool {
	ctx, cancel := context.WithTimeout(ch.ctx, ch.cfg.Timeouts.Store)
	defer cancel()
	unconfirmed, err := guard(func() ([]chat.Message, error) {
		return ch.cfg.Store.Pending(ctx, claim.ReceiverID, 0, maxOverdue)
	})
	if err == nil && (len(unconfirmed) == 0 || unconfirmed[0].ID > claim.UpTo) {
		return true // all that was overdue is confirmed
	}
	var to chat.User
	if err == nil {
		to, err = ch.receivers.find(ctx, claim.ReceiverID)
	}
	switch {
	case errors.Is(err, chat.ErrNotFound):
		return true // the user is no more
	case err != nil:
		ch.logOverdue(err, claim.ReceiverID)
		return false
	}
	err = ch.call(ch.ctx, "Overdue", func(ctx context.Context) error { return ch.cfg.Overdue(ctx, to, unconfirmed) })
	if err != nil {
		ch.hookFailed("Overdue", err, to.ID)
	}
	return err == nil
}
