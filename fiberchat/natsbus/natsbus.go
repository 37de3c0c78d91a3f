// Package natsbus carries fiberchat's hints over NATS. It fits
// fiberchat.Config.Bus by its shape and imports nothing of fiberchat.
//
// Only core NATS is used: hints are live, and the database is the truth.
//
// Subjects begin with "fiberchat." and name users by their ids alone. Two
// chats with databases of their own need NATS accounts of their own, or one's
// Disconnect ends the other's sessions.
package natsbus

import (
	"context"
	"errors"
	"fmt"
	"sync"

	"github.com/nats-io/nats.go"
)

// maxPending is how many messages may wait for their handlers; NATS drops
// what comes beyond, which OnGap tells.
const maxPending = 1 << 16

// Bus is a bus over a connection that the caller owns, and closes after the
// Bus. Its methods are safe for concurrent use.
//
// The connection should reconnect without end (nats.MaxReconnects(-1)). New
// puts its own error handler before the connection's, to hear of messages
// that NATS dropped.
type Bus struct {
	nc       *nats.Conn
	messages chan *nats.Msg
	status   chan nats.Status
	slow     chan struct{}
	stop     chan struct{}
	done     chan struct{}

	mu       sync.RWMutex
	handlers map[*nats.Subscription]func([]byte)
	gap      func()
}

// New returns a bus over nc. Close ends it.
func New(nc *nats.Conn) *Bus {
	b := &Bus{
		nc:       nc,
		messages: make(chan *nats.Msg, maxPending),
		status:   nc.StatusChanged(nats.CONNECTED),
		slow:     make(chan struct{}, 1),
		stop:     make(chan struct{}),
		done:     make(chan struct{}),
		handlers: make(map[*nats.Subscription]func([]byte)),
		gap:      func() {},
	}
	next := nc.ErrorHandler()
	nc.SetErrorHandler(func(nc *nats.Conn, sub *nats.Subscription, err error) {
		if errors.Is(err, nats.ErrSlowConsumer) {
			select {
			case b.slow <- struct{}{}:
			default:
			}
		}
		if next != nil {
			next(nc, sub, err)
		}
	})
	go b.run() // ended and waited for by Close
	return b
}

// run hands messages to their handlers: one goroutine for all topics, since
// there is one for each user.
func (b *Bus) run() {
	defer close(b.done)
	for {
		select {
		case m := <-b.messages:
			b.mu.RLock()
			handle := b.handlers[m.Sub]
			b.mu.RUnlock()
			if handle != nil {
				handle(m.Data)
			}
			continue
		case <-b.status:
		case <-b.slow:
		case <-b.stop:
			return
		}
		b.mu.RLock()
		gap := b.gap
		b.mu.RUnlock()
		gap()
	}
}

// Publish hands data to NATS, which keeps what is published while the
// connection is being made anew.
func (b *Bus) Publish(_ context.Context, topic string, data []byte) error {
	if err := b.nc.Publish(topic, data); err != nil {
		return fmt.Errorf("publish to NATS: %w", err)
	}
	return nil
}

// Subscribe calls handle for what is published to topic, one message at a
// time. It returns once the server has the subscription, or when ctx ends,
// which must have a deadline, or at once while there is no connection: then
// the server is told when it can be.
func (b *Bus) Subscribe(ctx context.Context, topic string, handle func(data []byte)) (cancel func(), err error) {
	sub, err := b.nc.ChanSubscribe(topic, b.messages)
	if err != nil {
		return nil, fmt.Errorf("subscribe to NATS: %w", err)
	}
	b.mu.Lock()
	b.handlers[sub] = handle
	b.mu.Unlock()
	cancel = func() {
		// It fails only on a closed connection, which has no subscriptions.
		_ = sub.Unsubscribe()
		b.mu.Lock()
		delete(b.handlers, sub)
		b.mu.Unlock()
	}
	if b.nc.IsConnected() {
		// A server that does not answer will have the subscription once it
		// does, or the connection that follows this one.
		err = b.nc.FlushWithContext(ctx)
		if err != nil && b.nc.IsClosed() {
			cancel()
			return nil, fmt.Errorf("subscribe to NATS: %w", err)
		}
	}
	return cancel, nil
}

// OnGap names the function to call after the connection was lost and made
// anew, and after NATS dropped messages because they were not handled in time.
func (b *Bus) OnGap(handle func()) {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.gap = handle
}

// Up reports whether there is a connection.
func (b *Bus) Up() bool { return b.nc.IsConnected() }

// Close ends the bus, not the connection. It is called once, after all
// subscriptions were cancelled.
func (b *Bus) Close() {
	close(b.stop)
	<-b.done
	b.nc.RemoveStatusListener(b.status)
}
