package fiberchat

import (
	"bytes"
	"context"
	"crypto/rand"
	"errors"
	"strconv"
	"sync"
	"sync/atomic"

	"fiberchat.example/fiberchat/chat"
)

// Bus carries hints between the nodes of one chat, which share a database. It
// may lose, repeat and reorder them: the store is the truth, and a sweep finds
// what the bus lost. It uses standard types only, so that an adapter imports
// nothing of ours. Safe for concurrent use.
type Bus interface {
	// Publish hands data to all nodes that subscribed to topic, this one
	// included. It does not wait for them.
	Publish(ctx context.Context, topic string, data []byte) error
	// Subscribe calls handle for what is published to topic and returns once
	// the broker has the subscription, or, while the broker cannot be
	// reached, at once: OnGap tells when it is back. handle does not block,
	// and data is its own only until it returns. cancel ends it.
	Subscribe(ctx context.Context, topic string, handle func(data []byte)) (cancel func(), err error)
	// OnGap names the function to call after something may have been lost.
	// It does not block.
	OnGap(handle func())
	// An Up() bool, if there is one, is shown as the metric fiberchat_bus_up.
}

// A hint is the node it comes from, one octet that says what it is, and data.
const (
	hintStored    = 'm' // to a user's topic: there are messages
	hintDelivered = 'd' // to a user's topic: a body for aboutDelivered
	hintEndings   = 'e' // to controlTopic: endings, as appendEnding writes them
	hintHello     = 'h' // to controlTopic: tell me the endings of late
)

const controlTopic = "fiberchat.control"

func userTopic(userID int64) string { return "fiberchat.user." + strconv.FormatInt(userID, 10) }

// maxHints bounds what waits for a bus that takes its time.
const maxHints = 4096

// link is a Chat's connection to the other nodes. Its methods may be called
// on nil, where there is none.
type link struct {
	chat *Chat
	bus  Bus
	// store is Config.Store: it finds what the bus loses.
	store chat.Sweeper
	node  []byte
	out   chan hint
	stop  chan struct{}
	done  chan struct{}

	up   atomic.Bool // the last publication worked
	ask  atomic.Bool // endings of other nodes may have been missed
	tell atomic.Bool // other nodes may have missed endings

	mu      sync.Mutex
	members map[int64]*member
}

type hint struct {
	topic string
	data  []byte
}

var errNoSweeper = errors.New("fiberchat: Config.Bus needs a Store that is a chat.Sweeper, for what the bus loses")

// newLink joins the node to the bus.
func newLink(ch *Chat, bus Bus) (*link, error) {
	store, ok := ch.cfg.Store.(chat.Sweeper)
	if !ok {
		return nil, errNoSweeper
	}
	l := &link{
		chat: ch, bus: bus, store: store, node: []byte(rand.Text()),
		out: make(chan hint, maxHints), stop: make(chan struct{}), done: make(chan struct{}),
		members: make(map[int64]*member),
	}
	l.up.Store(true)
	ctx, cancel := context.WithTimeout(ch.ctx, ch.cfg.StoreTimeout)
	defer cancel()
	stop, err := bus.Subscribe(ctx, controlTopic, l.onControl)
	if err != nil {
		return nil, err
	}
	context.AfterFunc(ch.ctx, stop)
	bus.OnGap(l.resync)
	return l, nil
}

// resync makes the node tell and ask for what may have been lost.
func (l *link) resync() {
	l.ask.Store(true)
	l.tell.Store(true)
	l.chat.sweepSoon()
}

// isUp tells whether the bus works, as far as it shows.
func (l *link) isUp() float64 {
	up := l.up.Load()
	if b, ok := l.bus.(interface{ Up() bool }); ok {
		up = up && b.Up()
	}
	if up {
		return 1
	}
	return 0
}

// publish leaves a hint for the other nodes to run, so that nobody waits for
// the bus. What has no room is no loss: the sweep finds what was not told.
func (l *link) publish(topic string, kind byte, data ...[]byte) {
	if l == nil {
		return
	}
	h := hint{topic, append(append(bytes.Clone(l.node), kind), bytes.Join(data, nil)...)}
	select {
	case l.out <- h:
	default:
		l.failed(h, errSlowBus)
	}
}

var errSlowBus = errors.New("the bus is too slow")

// failed notes that a hint was not published. Endings are told again.
func (l *link) failed(h hint, err error) {
	if h.topic == controlTopic {
		l.ask.Store(true)
		l.tell.Store(true)
	}
	if l.up.Swap(false) {
		l.chat.cfg.Logger.Error(errText("publish to the bus", err))
	}
}

// run hands hints to the bus until close.
func (l *link) run() {
	defer close(l.done)
	for {
		select {
		case h := <-l.out:
			l.hand(h)
			continue
		case <-l.stop:
		}
		for len(l.out) > 0 && l.up.Load() {
			l.hand(<-l.out)
		}
		return
	}
}

func (l *link) hand(h hint) {
	// A hint that takes longer is overtaken by the sweep.
	ctx, cancel := context.WithTimeout(l.chat.ctx, sweepEvery)
	defer cancel()
	_, err := guard(func() (struct{}, error) { return struct{}{}, l.bus.Publish(ctx, h.topic, h.data) })
	if err != nil {
		l.failed(h, err)
	} else {
		l.up.Store(true)
	}
}

// close hands over what is left, unless the bus is down, and waits for run.
func (l *link) close() {
	if l == nil {
		return
	}
	close(l.stop)
	<-l.done
}

// parse takes a hint apart; it reports false for this node's own.
func (l *link) parse(hint []byte) (kind byte, data []byte, ok bool) {
	n := len(l.node)
	if len(hint) <= n || bytes.Equal(hint[:n], l.node) {
		return 0, nil, false
	}
	return hint[n], hint[n+1:], true
}

func (l *link) onControl(hint []byte) {
	kind, data, ok := l.parse(hint)
	if !ok {
		return
	}
	switch kind {
	case hintHello:
		l.tell.Store(true)
		l.chat.sweepSoon()
	case hintEndings:
		l.chat.end(parseEndings(data), clockSkew)
	}
}
