package fiberchat

import (
	"context"
	"time"

	"fiberchat.example/fiberchat/chat"
	"fiberchat.example/fiberchat/internal/feed"
)

const (
	// lookBack is how far a node looks back beyond Timeouts.Store: together they
	// are longer than a message takes from getting its id to being visible.
	lookBack    = 6 * time.Second
	catchUpPage = 1000
)

// catchUpSoon makes the node look now.
func (ch *Chat) catchUpSoon() {
	select {
	case ch.catchUpNow <- struct{}{}:
	default:
	}
}

// mark is where the logs of all users ended at a time.
type mark struct {
	at         time.Time
	last       int64 // message
	lastNotice int64
}

// mark asks the store where its logs end now.
func (ch *Chat) mark() (m mark, err error) {
	m.at = time.Now()
	if m.last, err = ch.last(0); err == nil {
		m.lastNotice, err = ch.lastNotice(0)
	}
	return m, err
}

// keepCatchingUp finds what was stored for users of this node and did not
// arrive over the bus, and exchanges revocations after a gap, until Close. start is
// where the logs ended before there were sessions.
func (ch *Chat) keepCatchingUp(start mark) {
	defer ch.sessions.Done()
	marks := []mark{start} // the first is older than it has to look back, if any is
	ticker := time.NewTicker(catchUpEvery)
	defer ticker.Stop()
	for {
		ch.node.exchangeRevoked()
		now, err := ch.mark()
		if err == nil {
			err = ch.catchUp(marks[0].last)
		}
		if err == nil {
			err = ch.catchUpNotices(marks[0].lastNotice, now.lastNotice)
		}
		if err == nil {
			// Only now: what could not be looked for is looked for later.
			marks = append(marks, now)
			for len(marks) > 1 && now.at.Sub(marks[1].at) > ch.cfg.Timeouts.Store+lookBack {
				if marks[0] == start {
					// What was on its way when the node began may have an
					// id below its mark.
					ch.lookEverywhere()
				}
				marks = marks[1:]
			}
		} else if ch.ctx.Err() == nil {
			ch.cfg.Logger.Error("look for messages and notices of other nodes", "error", err)
		}
		select {
		case <-ch.closing:
			return
		case <-ch.catchUpNow:
		case <-ticker.C:
		}
	}
}

// catchUp makes the sessions read that were not sent what is unconfirmed
// after the id.
func (ch *Chat) catchUp(after int64) error {
	store := ch.cfg.Store.(chat.Unconfirmed)
	for {
		page, err := guard(func() ([]chat.Ref, error) {
			ctx, cancel := context.WithTimeout(ch.ctx, ch.cfg.Timeouts.Store)
			defer cancel()
			return store.Unconfirmed(ctx, after, catchUpPage)
		})
		if err != nil {
			return err
		}
		for _, ref := range page {
			after = ref.ID
			for _, c := range ch.hub.Of(ref.ReceiverID) {
				c.feed.Behind(feed.Messages, ref.ID)
			}
		}
		if len(page) < catchUpPage {
			return nil
		}
	}
}

// lookEverywhere makes all sessions read.
func (ch *Chat) lookEverywhere() {
	for _, c := range ch.hub.All() {
		c.feed.Behind(feed.Messages, 0)
		c.feed.Behind(feed.Notices, 0)
	}
}

// last asks the store for its last message to a user, 0 for anybody.
func (ch *Chat) last(receiverID int64) (int64, error) {
	ctx, cancel := context.WithTimeout(ch.ctx, ch.cfg.Timeouts.Store)
	defer cancel()
	return guard(func() (int64, error) { return ch.cfg.Store.Last(ctx, receiverID) })
}
