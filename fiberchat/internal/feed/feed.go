package feed

import (
	"errors"
	"slices"
	"sync"
	"time"

	"fiberchat.example/fiberchat/chat"
	"fiberchat.example/fiberchat/internal/stomp"
)

const (
	// maxInits bounds the inits that wait for a subscription, or for their turn.
	maxInits = 64
	// retryAfter is the pause after a read that failed.
	retryAfter = time.Second
	// maxStale is how often a message is looked for that was offered and that
	// the log does not show: a store may be read from a replica.
	maxStale = 10
)

// ErrTooManyInits: more than 64 inits wait for a subscription.
var ErrTooManyInits = errors.New("feed: too many inits wait for a subscription")

var errStale = errors.New("feed: the store does not show yet what it has stored")

// Feed is one session's view of its user's logs. Its methods are safe for
// concurrent use, except for Listen, Unlisten, Init and Drain, which belong to
// the session's reader.
type Feed struct {
	log   Log
	out   Outlet
	burst int // more bytes of copies than this wait for space
	pages pages

	mu        sync.Mutex
	listeners [kinds]*listener                     // nil while nobody listens
	sent      []chat.Range                         // messages
	ackable   map[*stomp.Subscription][]chat.Range // what each one that acknowledges was sent; nil without one
	inits     []string                             // receipts of those not begun, "" where none is asked
	retry     *time.Timer
	// running says that a goroutine reads; changed is signalled when it has
	// taken the inits and when it ends. leaving lets it end when the inits are
	// served, closed at once.
	running, leaving, closed bool
	pausing                  bool // the last read failed: retry begins the next one
	asked                    bool // an init came whose notices are not begun
	changed                  sync.Cond
}

// listener is one period of listening, guarded by Feed.mu.
type listener struct {
	subs     []*stomp.Subscription // never changed in place
	cursor   int64                 // all that was owed up to this id was sent
	kind     Kind
	starting bool  // the cursor is not known yet
	behind   bool  // the log may hold more
	owed     int64 // the log holds a message of this id
	stale    int   // how often in a row it did not show that
}

// New returns the feed of a session. burst is how many bytes may be queued at
// once for several subscriptions, and how many are kept of what was read.
func New(log Log, out Outlet, burst int) *Feed {
	f := &Feed{log: log, out: out, burst: burst, pages: pages{burst, minRows}}
	f.changed.L = &f.mu
	return f
}

// Offer brings a message that was just committed. body is its JSON and may be
// shared; nothing is kept of it.
func (f *Feed) Offer(id, previous int64, body []byte) {
	f.mu.Lock()
	defer f.mu.Unlock()
	l := f.listeners[Messages]
	switch {
	case l == nil, !l.starting && id <= l.cursor:
	case l.starting, f.running, previous > l.cursor, len(l.subs) > 1 && len(l.subs)*len(body) > f.burst:
		f.fallBehind(l, id)
	default:
		for _, s := range l.subs {
			f.message(s, l.cursor, id, body)
		}
		f.wasSent(l, l.cursor, id)
	}
}

// Behind has a log read again: it may hold what was not offered, with this id
// for one, or 0 when none is known. Notices are never offered.
func (f *Feed) Behind(of Kind, id int64) {
	f.mu.Lock()
	defer f.mu.Unlock()
	if l := f.listeners[of]; l != nil && (id == 0 || l.starting || id > l.cursor) {
		f.fallBehind(l, id)
	}
}

// fallBehind needs mu.
func (f *Feed) fallBehind(l *listener, id int64) {
	l.behind, l.owed = true, max(l.owed, id)
	f.start()
}

// Listen adds a subscription to a log. When it returns, what is stored from now
// on comes; the first one asks the log where that begins.
func (f *Feed) Listen(to Kind, s *stomp.Subscription) error {
	f.mu.Lock()
	defer f.mu.Unlock()
	l := f.listeners[to]
	if l == nil {
		l = &listener{kind: to, starting: true}
		f.listeners[to] = l // from here on it is noted what comes
		f.mu.Unlock()
		last, err := f.log.Last(to)
		f.mu.Lock()
		if err != nil {
			f.listeners[to] = nil
			return err
		}
		l.starting, l.cursor = false, last // what was offered meanwhile has left it behind
	}
	l.subs = append(slices.Clip(l.subs), s)
	if s.Ack != stomp.AckAuto {
		if f.ackable == nil {
			f.ackable = make(map[*stomp.Subscription][]chat.Range)
		}
		f.ackable[s] = nil
	}
	f.start()
	return nil
}

// Unlisten ends a subscription: nothing is sent to it once Unlisten has returned.
func (f *Feed) Unlisten(s *stomp.Subscription) {
	f.mu.Lock()
	defer f.mu.Unlock()
	delete(f.ackable, s)
	for kind, l := range f.listeners {
		if l == nil {
			continue
		}
		l.subs = slices.DeleteFunc(slices.Clone(l.subs), func(other *stomp.Subscription) bool { return other == s })
		if len(l.subs) == 0 {
			f.listeners[kind] = nil
		}
	}
}

// Init asks for what is not confirmed; receipt is answered when it was sent.
// It waits for a subscription to messages, or while too many wait for their turn.
func (f *Feed) Init(receipt string) error {
	f.mu.Lock()
	defer f.mu.Unlock()
	for len(f.inits) >= maxInits && (f.running || f.due()) {
		f.changed.Wait()
	}
	if len(f.inits) >= maxInits {
		return ErrTooManyInits
	}
	f.inits, f.asked = append(f.inits, receipt), true
	f.start()
	return nil
}

// Sent returns the ids of the messages that were sent.
func (f *Feed) Sent() []chat.Range {
	f.mu.Lock()
	defer f.mu.Unlock()
	return slices.Clone(f.sent)
}

// SentTo returns the ids of what was sent to one subscription, one that
// acknowledges.
func (f *Feed) SentTo(s *stomp.Subscription) []chat.Range {
	f.mu.Lock()
	defer f.mu.Unlock()
	return slices.Clone(f.ackable[s])
}

// Drain returns when the inits are answered; nothing is read after it.
func (f *Feed) Drain() {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.leaving, f.pausing = true, false
	for f.start(); f.running; f.start() {
		f.changed.Wait()
	}
	for _, receipt := range f.inits { // nobody listens: there is nothing to send
		f.out.Receipt(receipt)
	}
	f.inits = nil
}

// Close ends the feed and waits for the goroutine that reads, which returns
// because WaitSpace does.
func (f *Feed) Close() {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.closed = true
	if f.retry != nil {
		f.retry.Stop()
	}
	for f.running {
		f.changed.Wait()
	}
}

// message sends to a subscription what comes next after the id after. It
// needs mu.
func (f *Feed) message(s *stomp.Subscription, after, id int64, body []byte) {
	f.out.Message(s, id, body)
	if s.Ack != stomp.AckAuto {
		f.ackable[s] = addRange(f.ackable[s], chat.Range{After: after, UpTo: id})
	}
}

// wasSent notes that all that was owed above after and up to id was sent. It
// needs mu.
func (f *Feed) wasSent(l *listener, after, id int64) {
	if l.kind == Messages {
		f.sent = addRange(f.sent, chat.Range{After: after, UpTo: id})
	}
	l.cursor = max(l.cursor, id)
}
