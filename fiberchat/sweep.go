package fiberchat

import (
	"context"
	"time"

	"fiberchat.example/fiberchat/chat"
)

const (
	// sweepEvery is how often each node looks for what the bus lost.
	sweepEvery = 2 * time.Second
	// sweepBack is how far it looks back beyond StoreTimeout: together they
	// are longer than a message takes from getting its id to being visible.
	sweepBack = 6 * time.Second
	sweepPage = 1000
)

// sweepSoon makes the sweep look now.
func (ch *Chat) sweepSoon() {
	select {
	case ch.sweepNow <- struct{}{}:
	default:
	}
}

// keepSweeping finds what was stored for users of this node and what ended
// without its being told, and tells other nodes what they may have missed,
// until Close.
func (ch *Chat) keepSweeping() {
	store := ch.link.store
	defer ch.sessions.Done()
	type mark struct {
		at     time.Time
		newest int64
	}
	var marks []mark // the first is older than it has to look back, if any is
	ticker := time.NewTicker(sweepEvery)
	defer ticker.Stop()
	for {
		ch.link.exchangeEndings()
		at := time.Now()
		newest, err := guard(func() (int64, error) {
			ctx, cancel := context.WithTimeout(ch.ctx, ch.cfg.StoreTimeout)
			defer cancel()
			return store.Newest(ctx)
		})
		if err == nil {
			from := newest
			if len(marks) > 0 {
				from = marks[0].newest
			}
			err = ch.sweep(store, from)
		}
		if err == nil {
			// Only now: what could not be looked for is looked for later.
			marks = append(marks, mark{at, newest})
			for len(marks) > 1 && at.Sub(marks[1].at) > ch.cfg.StoreTimeout+sweepBack {
				marks = marks[1:]
			}
		}
		if err != nil && ch.ctx.Err() == nil {
			ch.cfg.Logger.Error(errText("look for messages of other nodes", err))
		}
		select {
		case <-ch.closing:
			return
		case <-ch.sweepNow:
		case <-ticker.C:
		}
	}
}

// sweep makes the sessions catch up that were not sent what is unconfirmed
// after the id.
func (ch *Chat) sweep(store chat.Sweeper, after int64) error {
	for {
		page, err := guard(func() ([]chat.Ref, error) {
			ctx, cancel := context.WithTimeout(ch.ctx, ch.cfg.StoreTimeout)
			defer cancel()
			return store.Unconfirmed(ctx, after, sweepPage)
		})
		if err != nil {
			return err
		}
		for _, ref := range page {
			after = ref.ID
			for _, p := range ch.hub.Of(ref.ReceiverID) {
				p.catchUpTo(ref.ID)
			}
		}
		if len(page) < sweepPage {
			return nil
		}
	}
}

// catchUpTo makes the session catch up, unless it was sent the message or has
// begun after it.
func (p *peer) catchUpTo(id int64) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if id > p.feed.live {
		p.miss(anyMissed)
	}
}
