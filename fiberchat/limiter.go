package fiberchat

import (
	"context"
	"fmt"
	"sync"
	"time"

	"golang.org/x/time/rate"

	"fiberchat.example/fiberchat/chat"
)

// sendLimiter holds a token bucket for each user who sent lately. A bucket
// outlives the session, so that reconnecting does not refill it, and goes
// once it is full again.
type sendLimiter struct {
	rate  rate.Limit // messages a second; 0 for no limit
	burst int

	mu      sync.Mutex
	buckets map[int64]*rate.Limiter
}

func newSendLimiter(perSecond float64) *sendLimiter {
	return &sendLimiter{
		rate:    rate.Limit(max(perSecond, 0)),
		burst:   max(1, int(4*perSecond)),
		buckets: make(map[int64]*rate.Limiter),
	}
}

// allow takes a token, or tells after how long there is one.
func (l *sendLimiter) allow(userID int64) (ok bool, retry time.Duration) {
	if l.rate == 0 {
		return true, 0
	}
	l.mu.Lock()
	bucket := l.buckets[userID]
	if bucket == nil {
		bucket = rate.NewLimiter(l.rate, l.burst)
		l.buckets[userID] = bucket
	}
	l.mu.Unlock()
	if bucket.Allow() {
		return true, 0
	}
	return false, time.Duration(float64(time.Second) / float64(l.rate))
}

// empty tells whether allow would refuse, and takes nothing.
func (l *sendLimiter) empty(userID int64) bool {
	l.mu.Lock()
	defer l.mu.Unlock()
	bucket := l.buckets[userID]
	return bucket != nil && bucket.Tokens() < 1
}

// sweep forgets the buckets that are full.
func (l *sendLimiter) sweep() {
	l.mu.Lock()
	defer l.mu.Unlock()
	for id, bucket := range l.buckets {
		if bucket.Tokens() >= float64(l.burst) {
			delete(l.buckets, id)
		}
	}
}

// allowPending is the limit on what one receiver has not confirmed.
func (ch *Chat) allowPending(ctx context.Context, to chat.User) *failure {
	if ch.cfg.MaxPending == 0 {
		return nil
	}
	n, err := guard(func() (int, error) {
		return ch.cfg.Store.(chat.Counter).CountPending(ctx, to.ID, ch.cfg.MaxPending)
	})
	if err != nil {
		ch.cfg.Logger.Error(errText("count pending messages", err), "user", to.ID)
		return ch.failureOf(err, nil)
	}
	if n < ch.cfg.MaxPending {
		return nil
	}
	return failPending
}

var failPending = &failure{codeRefused, "RateLimited", "the receiver has too many unconfirmed messages, try again later"}

// allowSend is the limit on one user's messages.
func (ch *Chat) allowSend(userID int64) *failure {
	ok, retry := ch.sends.allow(userID)
	if ok {
		return nil
	}
	ch.metrics.RateLimited.Inc()
	return &failure{codeRefused, "RateLimited", fmt.Sprintf("too many messages, try again in %d ms", max(1, retry.Milliseconds()))}
}

// allowInit is the limit on what costs the store but stores nothing.
func (ch *Chat) allowInit(userID int64) *failure {
	if ok, _ := ch.inits.allow(userID); ok {
		return nil
	}
	ch.metrics.RateLimited.Inc()
	return &failure{codeRefused, "RateLimited", "too many inits, try again later"}
}

// allowReceive lets a user confirm who has not named too many messages that
// are not there; receiveTask counts those.
func (ch *Chat) allowReceive(userID int64) *failure {
	if !ch.strays.empty(userID) {
		return nil
	}
	ch.metrics.RateLimited.Inc()
	return &failure{codeRefused, "RateLimited", "too many confirmations of unknown messages, try again later"}
}
