// Package natsbus is a bus of fiberchat over NATS. It fits
// fiberchat.Config.Bus by its shape and imports nothing of fiberchat.
//
// Only core NATS is used: what a bus carries is live, and the database is the
// truth.
package natsbus

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"slices"
	"sync"
	"time"

	"github.com/nats-io/nats.go"
)

// Config is what New takes besides the connection.
type Config struct {
	// Subject is what the nodes of one chat publish and subscribe to. Chats
	// with databases of their own need one each, or NATS accounts of their
	// own. Default "fiberchat".
	Subject string
}

const (
	// maxPendingBytes is how much may wait for one handler; NATS drops what
	// comes beyond. It is the most that NATS allows for a single message.
	maxPendingBytes = 64 << 20
	// defaultMaxData is NATS's own default, for while no server has said.
	defaultMaxData = 1 << 20
	// flushTimeout is how long an answer may take before it is asked for again.
	flushTimeout = 10 * time.Second
)

var (
	errClosed = errors.New("natsbus: closed")
	errDown   = errors.New("natsbus: not connected")
)

// Bus is a bus over a connection that the caller owns, and closes after the
// Bus. Its methods are safe for concurrent use.
type Bus struct {
	nc      *nats.Conn
	subject string
	status  chan nats.Status
	late    chan struct{} // a subscription is not known to stand yet
	ctx     context.Context
	end     context.CancelFunc
	done    chan struct{}

	mu            sync.Mutex
	gap           func()
	subscriptions map[*nats.Subscription]func() // and how each is cancelled
}

// New returns a bus over nc, which should reconnect without end
// (nats.MaxReconnects(-1)). With nats.NoEcho a node is spared what it
// published itself, which is of no use to it; two nodes on one connection would
// then not hear each other. Close ends the bus. Only the first config counts.
func New(nc *nats.Conn, config ...Config) *Bus {
	cfg := Config{Subject: "fiberchat"}
	if len(config) > 0 && config[0].Subject != "" {
		cfg.Subject = config[0].Subject
	}
	b := &Bus{
		nc: nc, subject: cfg.Subject,
		status: nc.StatusChanged(nats.CONNECTED),
		late:   make(chan struct{}, 1),
		done:   make(chan struct{}),

		gap:           func() {},
		subscriptions: make(map[*nats.Subscription]func()),
	}
	b.ctx, b.end = context.WithCancel(context.Background())
	go b.run() // ended and waited for by Close
	return b
}

// run reports a gap when subscriptions stand that did not before. CONNECTED
// comes before the server has them; it does when it has answered a ping.
func (b *Bus) run() {
	defer close(b.done)
	for {
		select {
		case <-b.status:
		case <-b.late:
		case <-b.ctx.Done():
			return
		}
		// A connection that is lost is followed by another status.
		for b.nc.IsConnected() && b.ctx.Err() == nil {
			if b.flush(b.ctx) == nil {
				b.reportGap()
				break
			}
		}
	}
}

// flush waits until the server has seen everything sent so far.
func (b *Bus) flush(ctx context.Context) error {
	ctx, cancel := context.WithTimeout(ctx, flushTimeout)
	defer cancel()
	return b.nc.FlushWithContext(ctx)
}

func (b *Bus) reportGap() {
	b.mu.Lock()
	gap := b.gap
	b.mu.Unlock()
	gap()
}

// Publish hands data to the connection, which sends it without being waited
// for. A socket that takes no more holds it up, for the connection's
// FlusherTimeout at most. Fails while there is no connection.
func (b *Bus) Publish(ctx context.Context, data []byte) error {
	err := errors.Join(ctx.Err(), b.closed())
	switch {
	case err != nil:
	case !b.nc.IsConnected():
		err = errDown // NATS would keep it for later, when it is of no use
	default:
		err = b.nc.Publish(b.subject, data)
	}
	if err != nil {
		return fmt.Errorf("publish to NATS: %w", err)
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
// returns once the server has the subscription, or at once while there is no
// connection, or when ctx ends; then a gap is reported when the server has it.
// cancel waits for a running handle, which must not call it.
//
// 64 MiB may wait for handle. NATS drops what comes beyond, and a gap is
// reported behind it.
func (b *Bus) Subscribe(ctx context.Context, handle func(data []byte)) (cancel func(), err error) {
	var running sync.Mutex // also guards:
	var cancelled bool
	var dropped int
	sub, err := b.subscribe(func(m *nats.Msg) {
		running.Lock()
		defer running.Unlock()
		if cancelled {
			return
		}
		handle(m.Data)
		// Something is dropped only while more waits, so that none is missed here.
		if n, err := m.Sub.Dropped(); err == nil && n != dropped {
			dropped = n
			b.reportGap()
		}
	}, func() {
		running.Lock()
		defer running.Unlock()
		cancelled = true
	})
	if err != nil {
		return nil, fmt.Errorf("subscribe to NATS: %w", err)
	}
	if !b.nc.IsConnected() || b.flush(ctx) != nil {
		select {
		case b.late <- struct{}{}:
		default: // run is about to see to it
		}
	}
	return func() { b.cancel(sub) }, nil
}

func (b *Bus) subscribe(handle nats.MsgHandler, stop func()) (*nats.Subscription, error) {
	b.mu.Lock()
	defer b.mu.Unlock()
	if err := b.closed(); err != nil {
		return nil, err
	}
	sub, err := b.nc.Subscribe(b.subject, handle)
	if err != nil {
		return nil, err
	}
	b.subscriptions[sub] = stop
	return sub, sub.SetPendingLimits(-1, maxPendingBytes)
}

func (b *Bus) cancel(sub *nats.Subscription) {
	b.mu.Lock()
	stop := b.subscriptions[sub]
	delete(b.subscriptions, sub)
	b.mu.Unlock()
	if stop != nil {
		// It fails only on a closed connection, which has no subscriptions.
		_ = sub.Unsubscribe()
		stop()
	}
}

// OnGap names the function to call after the connection was lost and made
// anew, and after NATS dropped messages because they were not handled in time.
func (b *Bus) OnGap(handle func()) {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.gap = handle
}

// MaxData is the server's max_payload in bytes, or NATS's default of 1 MiB
// while no server has been reached.
func (b *Bus) MaxData() int {
	if n := b.nc.MaxPayload(); n > 0 {
		return int(n)
	}
	return defaultMaxData
}

// Up reports whether there is a connection, and the bus is not closed.
func (b *Bus) Up() bool { return b.ctx.Err() == nil && b.nc.IsConnected() }

// Close ends the bus and its subscriptions, waiting for a running handle, and
// leaves the connection open. It may be called again.
func (b *Bus) Close() {
	b.end()
	<-b.done
	b.nc.RemoveStatusListener(b.status)
	b.mu.Lock()
	left := slices.Collect(maps.Keys(b.subscriptions))
	b.mu.Unlock()
	for _, sub := range left {
		b.cancel(sub)
	}
}
