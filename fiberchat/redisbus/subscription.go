package redisbus

import (
	"context"
	"sync"
	"time"

	"github.com/redis/go-redis/v9"
)

const (
	// pingEvery is how often Redis is asked for a sign of life. A connection
	// that is silent for three times as long is taken for dead.
	pingEvery = 5 * time.Second
	// retryAfter is the pause before a lost subscription is made anew.
	retryAfter = 500 * time.Millisecond
)

// subscription is one of a Bus. It receives by itself and not through
// go-redis's Channel, which drops what waits too long and does not say so.
type subscription struct {
	bus    *Bus
	handle func([]byte)
	tried  chan struct{} // closed when the first attempt stands, or has failed
	ctx    context.Context
	end    context.CancelFunc
	done   chan struct{}
}

// cancel may be called again.
func (s *subscription) cancel() {
	s.end()
	<-s.done
}

func (s *subscription) run() {
	defer close(s.done)
	tried := sync.OnceFunc(func() { close(s.tried) })
	for s.ctx.Err() == nil {
		s.listen(tried)
		tried()
		if s.ctx.Err() == nil {
			s.bus.up.Store(false)
		}
		select {
		case <-time.After(retryAfter):
		case <-s.ctx.Done():
		}
	}
}

// listen receives over one connection until it fails, and calls stands when
// Redis has the subscription.
func (s *subscription) listen(stands func()) {
	pubsub := s.bus.client.Subscribe(s.ctx) // to no channel: connects later
	ctx, end := context.WithCancel(s.ctx)
	var group sync.WaitGroup
	group.Go(func() { s.ping(ctx, pubsub) }) // ended and waited for here
	defer group.Wait()
	defer end()

	if pubsub.Subscribe(ctx, s.bus.channel) != nil {
		return
	}
	for {
		// A timeout may fall into the middle of a message, so that the
		// connection is of no use after it, as after any other error.
		m, err := pubsub.ReceiveTimeout(ctx, 3*s.bus.pingEvery)
		if err != nil || ctx.Err() != nil {
			return
		}
		s.bus.up.Store(true)
		switch m := m.(type) {
		case *redis.Subscription:
			s.bus.reportGap()
			stands()
		case *redis.Message:
			s.handle([]byte(m.Payload))
		}
	}
}

// ping makes Redis answer now and then; an error shows where it is received.
// At the end it closes pubsub, since what waits for Redis does not look at ctx.
func (s *subscription) ping(ctx context.Context, pubsub *redis.PubSub) {
	ticker := time.NewTicker(s.bus.pingEvery)
	defer ticker.Stop()
	for {
		select {
		case <-ticker.C:
			_ = pubsub.Ping(ctx)
		case <-ctx.Done():
			_ = pubsub.Close()
			return
		}
	}
}
