// Package redisbus is a bus of fiberchat over Redis. It fits
// fiberchat.Config.Bus by its shape and imports nothing of fiberchat.
//
// It is Redis's publish/subscribe: nothing is stored in Redis, for what a bus
// carries is live, and the database is the truth.
package redisbus

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"sync/atomic"
	"time"

	"github.com/redis/go-redis/v9"
)

// Config is what New takes besides the client.
type Config struct {
	// Channel is what the nodes of one chat publish and subscribe to. Chats
	// with databases of their own need one each; the number of a Redis
	// database does not set them apart. Default "fiberchat".
	Channel string
}

// maxData leaves space for 32 messages in the buffer of a subscriber that lags
// behind: Redis closes its connection at 32 MB (client-output-buffer-limit).
const maxData = 1 << 20

var (
	errClosed  = errors.New("redisbus: closed")
	errMaxData = fmt.Errorf("redisbus: more than %d bytes", maxData)
)

// Bus is a bus over a client that the caller owns, and closes after the Bus.
// Its methods are safe for concurrent use.
type Bus struct {
	client    redis.UniversalClient
	channel   string
	pingEvery time.Duration
	up        atomic.Bool
	ctx       context.Context
	end       context.CancelFunc

	mu    sync.Mutex
	gap   func()
	group sync.WaitGroup // the subscriptions; nothing is added once ctx has ended
}

// New returns a bus over client, which may be one of a single server, of
// Sentinel or of a cluster. Close ends the bus. Only the first config counts.
//
// The client should have ContextTimeoutEnabled, or Publish outlives its
// context by the client's ReadTimeout and retries. Few retries (MaxRetries,
// DialerRetries) show sooner that Redis is away.
func New(client redis.UniversalClient, config ...Config) *Bus {
	cfg := Config{Channel: "fiberchat"}
	if len(config) > 0 && config[0].Channel != "" {
		cfg.Channel = config[0].Channel
	}
	b := &Bus{client: client, channel: cfg.Channel, pingEvery: pingEvery, gap: func() {}}
	b.ctx, b.end = context.WithCancel(context.Background())
	return b
}

// Publish hands data to Redis and waits for Redis to have it. It may come
// twice where the client repeats a command that failed.
func (b *Bus) Publish(ctx context.Context, data []byte) error {
	err := errors.Join(ctx.Err(), b.closed())
	switch {
	case err != nil:
	case len(data) > maxData:
		err = errMaxData
	default:
		err = b.client.Publish(ctx, b.channel, data).Err()
		if err == nil || ctx.Err() == nil {
			b.up.Store(err == nil)
		}
	}
	if err != nil {
		return fmt.Errorf("publish to Redis: %w", err)
	}
	return nil
}

func (b *Bus) closed() error {
	if b.ctx.Err() != nil {
		return errClosed
	}
	return nil
}

// Subscribe calls handle for what is published, one message at a time. It
// returns once Redis has the subscription, or when Redis could not be reached,
// or when ctx ends. A gap is reported when Redis has it, and each time that it
// was made anew. cancel waits for a running handle, which must not call it.
//
// What handle is too slow for waits in Redis, which closes the connection when
// that is too much (client-output-buffer-limit): a gap.
func (b *Bus) Subscribe(ctx context.Context, handle func(data []byte)) (cancel func(), err error) {
	s := &subscription{bus: b, handle: handle, tried: make(chan struct{}), done: make(chan struct{})}
	if err := b.start(s); err != nil {
		return nil, fmt.Errorf("subscribe to Redis: %w", err)
	}
	select {
	case <-s.tried:
	case <-ctx.Done():
	}
	return s.cancel, nil
}

func (b *Bus) start(s *subscription) error {
	b.mu.Lock()
	defer b.mu.Unlock()
	if err := b.closed(); err != nil {
		return err
	}
	s.ctx, s.end = context.WithCancel(b.ctx)
	b.group.Go(s.run) // ended and waited for by cancel, and by Close
	return nil
}

func (b *Bus) reportGap() {
	b.mu.Lock()
	gap := b.gap
	b.mu.Unlock()
	gap()
}

// OnGap names the function to call after a subscription was made, at first or
// anew: Redis keeps nothing for a subscriber that it has lost.
func (b *Bus) OnGap(handle func()) {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.gap = handle
}

// MaxData is 1 MiB. Redis takes more, and would close the connection of a
// subscriber that is only a few such messages behind.
func (b *Bus) MaxData() int { return maxData }

// Up reports whether Redis answered the last that was asked of it, by Publish
// or by a subscription, which asks every 5 seconds. It is false at first.
func (b *Bus) Up() bool { return b.up.Load() }

// Close ends the bus and its subscriptions, waiting for a running handle, and
// leaves the client open. It may be called again.
func (b *Bus) Close() {
	b.mu.Lock()
	b.end()
	b.mu.Unlock()
	b.group.Wait()
	b.up.Store(false)
}
