package fiberchat_test

import (
	"bytes"
	"cmp"
	"context"
	"errors"
	"math/rand/v2"
	"slices"
	"sync"
	"testing"
)

// broker is a Bus in this process, which can do all that a bus may do wrong.
type broker struct {
	mu    sync.Mutex
	nodes []*nodeBus
	// copies says how often a publication arrives at a node; nil means once.
	copies func(data []byte) int
	// shuffled makes publications arrive in any order.
	shuffled bool
	// maxData is what a publication may have; 0 means 1 MiB.
	maxData int
	heard   []string // all that was published
}

// nodeBus is one node's end of a broker.
type nodeBus struct {
	left   bool // the node's test has ended
	broker *broker
	wake   chan struct{}

	// The broker's mu guards these.
	subs  []*nodeSub
	queue []arrival
	away  bool // cut off from the broker
	gap   func()
	// before is called by Publish and by Subscribe, with nothing locked.
	before func(ctx context.Context) error
}

type nodeSub struct{ handle func([]byte) }

type arrival struct {
	sub  *nodeSub // nil for a gap
	data []byte
}

var (
	errAway    = errors.New("the broker cannot be reached")
	errTooLong = errors.New("the publication is too long")
)

// join adds a node until the test ends.
func (b *broker) join(t *testing.T) *nodeBus {
	n := &nodeBus{broker: b, wake: make(chan struct{}, 1), gap: func() {}}
	b.mu.Lock()
	b.nodes = append(b.nodes, n)
	b.mu.Unlock()
	done := make(chan struct{})
	go func() { // joined by the clean-up
		defer close(done)
		n.run()
	}()
	t.Cleanup(func() {
		b.mu.Lock()
		n.left = true // the other nodes go on publishing
		close(n.wake)
		b.mu.Unlock()
		<-done
	})
	return n
}

// run hands publications over, one at a time.
func (n *nodeBus) run() {
	for range n.wake {
		for {
			n.broker.mu.Lock()
			if len(n.queue) == 0 {
				n.broker.mu.Unlock()
				break
			}
			i := 0
			if n.broker.shuffled {
				i = rand.IntN(len(n.queue))
			}
			a := n.queue[i]
			n.queue = slices.Delete(n.queue, i, i+1)
			handle := n.gap
			if a.sub != nil {
				handle = func() { a.sub.handle(a.data) }
				if !slices.Contains(n.subs, a.sub) {
					handle = func() {}
				}
			}
			n.broker.mu.Unlock()
			handle()
			clear(a.data) // it was the handler's own until it returned
		}
	}
}

// push queues what arrives. The caller holds the broker's mu.
func (n *nodeBus) push(a arrival) {
	if n.left {
		return
	}
	n.queue = append(n.queue, a)
	select {
	case n.wake <- struct{}{}:
	default:
	}
}

func (n *nodeBus) ask(ctx context.Context) error {
	n.broker.mu.Lock()
	before := n.before
	n.broker.mu.Unlock()
	if before == nil {
		return nil
	}
	return before(ctx)
}

func (n *nodeBus) Publish(ctx context.Context, data []byte) error {
	if err := n.ask(ctx); err != nil {
		return err
	}
	if len(data) > n.MaxData() {
		return errTooLong
	}
	b := n.broker
	b.mu.Lock()
	defer b.mu.Unlock()
	if n.away {
		return errAway
	}
	b.heard = append(b.heard, string(data))
	for _, to := range b.nodes {
		for _, sub := range to.subs {
			if to.away {
				continue
			}
			copies := 1
			if b.copies != nil {
				copies = b.copies(data)
			}
			for range copies {
				to.push(arrival{sub, bytes.Clone(data)})
			}
		}
	}
	return nil
}

func (n *nodeBus) Subscribe(ctx context.Context, handle func([]byte)) (func(), error) {
	if err := n.ask(ctx); err != nil {
		return nil, err
	}
	sub := &nodeSub{handle}
	n.broker.mu.Lock()
	defer n.broker.mu.Unlock()
	n.subs = append(n.subs, sub)
	return func() {
		n.broker.mu.Lock()
		defer n.broker.mu.Unlock()
		n.subs = slices.DeleteFunc(n.subs, func(s *nodeSub) bool { return s == sub })
	}, nil
}

func (n *nodeBus) OnGap(handle func()) {
	n.broker.mu.Lock()
	defer n.broker.mu.Unlock()
	n.gap = handle
}

func (n *nodeBus) MaxData() int {
	n.broker.mu.Lock()
	defer n.broker.mu.Unlock()
	return cmp.Or(n.broker.maxData, 1<<20)
}

func (n *nodeBus) Up() bool {
	n.broker.mu.Lock()
	defer n.broker.mu.Unlock()
	return !n.away
}

// cut takes the node off the broker.
func (n *nodeBus) cut() {
	n.broker.mu.Lock()
	defer n.broker.mu.Unlock()
	n.away, n.queue = true, nil
}

// mend brings it back.
func (n *nodeBus) mend() {
	n.broker.mu.Lock()
	defer n.broker.mu.Unlock()
	n.away = false
	n.push(arrival{})
}

// set changes what the broker, or a node of it, does.
func (b *broker) set(change func()) {
	b.mu.Lock()
	defer b.mu.Unlock()
	change()
}

func (b *broker) published() []string {
	b.mu.Lock()
	defer b.mu.Unlock()
	return slices.Clone(b.heard)
}
