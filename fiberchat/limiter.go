package fiberchat

import (
	"sync"
	"time"

	"golang.org/x/time/rate"
)

// limiter holds a token bucket for each user who was busy lately. A bucket
// outlives the session, so that reconnecting does not refill it, and goes
// once it is full again. Who is faster is not refused: the session's reader
// waits, and so the client has to send more slowly. A user's sessions share a
// bucket, and each has one frame that waits.
type limiter struct {
	rate  rate.Limit // tokens a second; 0 for no limit
	burst int
	waits func() // hears of each wait

	mu      sync.Mutex
	buckets map[int64]*rate.Limiter
}

// newLimiter gives tokens at a rate, none or less for no limit.
func newLimiter(perSecond float64, burst int, waits func()) *limiter {
	return &limiter{
		rate:    rate.Limit(max(perSecond, 0)),
		burst:   max(1, burst),
		waits:   waits,
		buckets: make(map[int64]*rate.Limiter),
	}
}

// take takes n tokens, at most a burst, and waits until they are there. It reports false when the
// session was over before: then nobody waits for the frame any more, and it
// took none, so that nobody runs up a debt by coming back again and again.
func (l *limiter) take(userID int64, n int, over <-chan struct{}) (up bool) {
	if l.rate == 0 {
		return true
	}
	r := l.bucket(userID).ReserveN(time.Now(), min(n, l.burst))
	if !l.pause(r.Delay(), over) {
		r.Cancel()
		return false
	}
	return true
}

// charge takes n tokens, at most a burst, that may be yet to come.
func (l *limiter) charge(userID int64, n int) {
	if l.rate != 0 && n > 0 {
		l.bucket(userID).ReserveN(time.Now(), min(n, l.burst))
	}
}

// low reports whether a user's tokens may not do for all that one session has
// at the store.
func (l *limiter) low(userID int64) bool {
	bucket := l.known(userID)
	return bucket != nil && bucket.Tokens() <= maxInFlight
}

// await waits until there is a token and takes none. It reports false when
// the session was over before.
func (l *limiter) await(userID int64, over <-chan struct{}) (up bool) {
	bucket := l.known(userID)
	if bucket == nil {
		return true
	}
	return l.pause(time.Duration((1-bucket.Tokens())/float64(l.rate)*float64(time.Second)), over)
}

// pause waits and reports whether it did so to the end.
func (l *limiter) pause(wait time.Duration, over <-chan struct{}) bool {
	if wait <= 0 {
		return true
	}
	l.waits()
	timer := time.NewTimer(wait)
	defer timer.Stop()
	select {
	case <-timer.C:
		return true
	case <-over:
		return false
	}
}

// known returns a user's bucket, nil while it is full.
func (l *limiter) known(userID int64) *rate.Limiter {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.buckets[userID]
}

func (l *limiter) bucket(userID int64) *rate.Limiter {
	l.mu.Lock()
	defer l.mu.Unlock()
	bucket := l.buckets[userID]
	if bucket == nil {
		bucket = rate.NewLimiter(l.rate, l.burst)
		l.buckets[userID] = bucket
	}
	return bucket
}

// prune forgets the buckets that are full.
func (l *limiter) prune() {
	l.mu.Lock()
	defer l.mu.Unlock()
	for id, bucket := range l.buckets {
		if bucket.Tokens() >= float64(l.burst) {
			delete(l.buckets, id)
		}
	}
}
