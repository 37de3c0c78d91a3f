package fiberchat

import (
	"bytes"
	"context"
	"crypto/rand"
	"errors"
	"sync"
	"sync/atomic"
	"time"

	"fiberchat.example/fiberchat/chat"
	"fiberchat.example/fiberchat/internal/feed"
)

const (
	// maxUnpublished bounds what waits for a bus that takes its time.
	maxUnpublished = 8 << 20
	// publishTimeout bounds one publication: the look in the store overtakes
	// what takes longer.
	publishTimeout = catchUpEvery
)

// node is this process among those that share the store. Alone it has no bus,
// and publishes nothing. Everything that a node publishes goes to all
// others, since one publication for a whole batch is cheaper for everybody
// than one for each receiver; who has no session of a receiver skips it.
type node struct {
	chat *Chat
	bus  Bus    // nil alone
	id   []byte // begins every publication: a bus may bring back one's own
	wake chan struct{}
	stop chan struct{}
	done chan struct{}

	up     atomic.Bool // the last publication worked
	outage outage
	ask    atomic.Bool // revocations of other nodes may have been missed
	repeat atomic.Bool // other nodes may have missed revocations of this one

	mu      sync.Mutex
	entries []byte // what is to be published
}

var errSlowBus = errors.New("the bus is too slow")

func newNode(ch *Chat, bus Bus) *node {
	n := &node{
		chat: ch, bus: bus, id: []byte(rand.Text()),
		wake: make(chan struct{}, 1), stop: make(chan struct{}), done: make(chan struct{}),
	}
	n.up.Store(true)
	return n
}

// join begins to hear and to publish, if there is a bus.
func (n *node) join() error {
	if n.alone() {
		close(n.done)
		return nil
	}
	ctx, cancel := context.WithTimeout(n.chat.ctx, n.chat.cfg.Timeouts.Store)
	defer cancel()
	stop, err := n.bus.Subscribe(ctx, n.receive)
	if err != nil {
		return err
	}
	context.AfterFunc(n.chat.ctx, stop)
	n.bus.OnGap(n.resync)
	go n.run() // ended and waited for by close
	return nil
}

// alone reports whether there are no other nodes.
func (n *node) alone() bool { return n.bus == nil }

// resync makes the node repeat, and ask others for, what may have been lost.
func (n *node) resync() {
	n.ask.Store(true)
	n.repeat.Store(true)
	n.chat.catchUpSoon()
}

// isUp is the metric: whether the bus works, as far as it shows.
func (n *node) isUp() float64 {
	if n.up.Load() && n.bus.Up() {
		return 1
	}
	return 0
}

// add leaves an entry for run, so that nobody waits for the bus, until flush.
// What has no space is found by the look in the store.
func (n *node) add(e entry) {
	if n.alone() {
		return
	}
	n.mu.Lock()
	full := len(n.entries) >= maxUnpublished
	if !full {
		n.entries = appendEntry(n.entries, e)
	}
	n.mu.Unlock()
	if full {
		n.failed(errSlowBus)
	}
}

// flush has run publish what was added. The committer calls it after each
// batch: a publication for each message would cost all nodes more than
// storing it.
func (n *node) flush() {
	n.mu.Lock()
	empty := len(n.entries) == 0
	n.mu.Unlock()
	if empty {
		return
	}
	select {
	case n.wake <- struct{}{}:
	default: // run has not looked since the last time
	}
}

// run publishes until close. What comes while it publishes goes together in
// the next publication.
func (n *node) run() {
	defer close(n.done)
	var spare []byte
	for over := false; !over; {
		select {
		case <-n.wake:
		case <-n.stop:
			over = true
			if !n.up.Load() {
				return // the others will find it in the store
			}
		}
		n.mu.Lock()
		entries := n.entries
		n.entries = spare[:0]
		n.mu.Unlock()
		n.publishAll(entries)
		spare = entries
		if cap(spare) > maxUnpublished/8 {
			spare = nil // of a burst
		}
	}
}

// publishAll cuts entries into publications that the bus takes.
func (n *node) publishAll(entries []byte) {
	defer n.chat.recovered("publish")
	limit := n.bus.MaxData() - len(n.id)
	data := bytes.Clone(n.id)
	for len(entries) > 0 {
		size := 0
		for size < len(entries) {
			next := entrySize(entries[size:])
			if size > 0 && size+next > limit {
				break
			}
			size += next
		}
		data = append(data[:len(n.id)], entries[:size]...)
		if size > limit && entries[0] != entryMessage {
			entries = entries[size:]
			continue // no use in half of it
		}
		if size > limit { // one message that is too long
			data = append(data[:len(n.id)], withoutBody(entries[:size])...)
		}
		entries = entries[size:]
		if err := n.hand(data); err != nil {
			n.failed(err)
			return // the rest would be as late: it is found in the store, or told again
		}
		n.up.Store(true)
	}
}

func (n *node) hand(data []byte) error {
	ctx, cancel := context.WithTimeout(n.chat.ctx, publishTimeout)
	defer cancel()
	_, err := guard(func() (struct{}, error) { return struct{}{}, n.bus.Publish(ctx, data) })
	return err
}

// failed notes that something was not published: messages are found in the
// store, revocations are published again.
func (n *node) failed(err error) {
	n.ask.Store(true)
	n.repeat.Store(true)
	n.up.Store(false)
	n.outage.failed(err)
}

// close publishes what is left, unless the bus is down, and waits for run.
func (n *node) close() {
	close(n.stop)
	<-n.done
}

// receive is the bus's handle.
func (n *node) receive(data []byte) {
	defer n.chat.recovered("handle a publication")
	if len(data) < len(n.id) || bytes.HasPrefix(data, n.id) {
		return // none of ours, or one's own
	}
	entries := data[len(n.id):]
	for {
		e, rest, ok := nextEntry(entries)
		if !ok {
			return
		}
		entries = rest
		n.handle(e)
	}
}

// handle takes an entry of another node. What is of no known kind comes from
// another version.
func (n *node) handle(e entry) {
	switch e.kind {
	case entryMessage:
		for _, c := range n.chat.hub.Of(e.userID) {
			if len(e.body) == 0 {
				c.feed.Behind(feed.Messages, e.id)
			} else {
				c.feed.Offer(e.id, e.previous, e.body)
			}
		}
		n.chat.notifyOthers(senderOf(e.body), nil, aboutSent, e.body)
	case entryDelivered:
		n.chat.notifyOthers(e.userID, nil, aboutDelivered, e.body)
	case entryPush:
		n.handlePush(e)
	case entryNotice:
		n.chat.noticed(e.userID, e.id)
	case entryRead:
		n.chat.notifyOthers(e.userID, nil, aboutRead, e.body)
	case entryRevoked:
		n.chat.end(parseRevoked(e.body), clockSkew)
	case entryTicket:
		n.chat.tickets.hear(e.body)
	case entryHello:
		n.repeat.Store(true)
		n.chat.catchUpSoon()
	}
}

// exchangeRevoked asks for the revocations that this node may have missed,
// and repeats those, and the used tickets, that others may have missed.
func (n *node) exchangeRevoked() {
	if n.ask.Swap(false) {
		n.add(entry{kind: entryHello})
	}
	if n.repeat.Swap(false) {
		for _, r := range n.chat.revoked.all() {
			n.addRevoked(r)
		}
		n.chat.tickets.tell(n)
	}
	n.flush()
}

func (n *node) addRevoked(r revocation) {
	n.add(entry{kind: entryRevoked, body: appendRevoked(nil, r)})
}

// addMessage and addDelivered are flushed with their batch.
func (n *node) addMessage(m *chat.Message, previous int64, body []byte) {
	n.add(entry{kind: entryMessage, userID: m.ReceiverID, id: m.ID, previous: previous, body: body})
}

func (n *node) addDelivered(senderID int64, body []byte) {
	n.add(entry{kind: entryDelivered, userID: senderID, body: body})
}

// catchUpEvery is how often each node looks for what the bus lost.
const catchUpEvery = 2 * time.Second
