package feed

import (
	"errors"
	"slices"
	"time"

	"fiberchat.example/fiberchat/internal/stomp"
)

// start begins to read if something is due and nobody reads. It needs mu.
func (f *Feed) start() {
	if !f.running && !f.pausing && f.due() {
		f.running = true
		go f.run() // waited for by Close
	}
}

// due reports whether there is something to read, and somebody to send it to.
// It needs mu.
func (f *Feed) due() bool {
	m, n := f.listeners[Messages], f.listeners[Notices]
	return !f.closed && (m.ready() && len(f.inits) > 0 || n.ready() && f.asked || !f.leaving && (m.left() || n.left()))
}

// ready reports whether somebody listens. It needs mu.
func (l *listener) ready() bool { return l != nil && !l.starting }

// left reports whether the log may hold more. It needs mu.
func (l *listener) left() bool { return l.ready() && l.behind }

// run reads until nothing is due, or a read fails.
func (f *Feed) run() {
	for {
		read := f.next()
		if read == nil {
			return
		}
		if read() != nil {
			f.pause()
			return
		}
	}
}

// next returns what is due. It ends the run in the same hold in which it sees
// that nothing is: who offers holds mu too, so a message is either noted before,
// or sent after.
func (f *Feed) next() (read func() error) {
	f.mu.Lock()
	defer f.mu.Unlock()
	defer f.changed.Broadcast()
	if !f.due() {
		f.running = false
		return nil
	}
	m, n := f.listeners[Messages], f.listeners[Notices]
	switch asked := f.asked; {
	case m.ready() && len(f.inits) > 0:
		inits := f.inits
		f.inits, f.asked = nil, false
		return func() error { return f.serve(m, inits, asked) }
	case n.ready() && asked:
		f.asked = false
		return f.serveNotices
	default:
		return f.catchUpAll
	}
}

// pause ends the run and has it begin again after a while.
func (f *Feed) pause() {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.running = false
	f.changed.Broadcast()
	if f.closed || f.leaving {
		return
	}
	f.pausing = true
	if f.retry == nil {
		f.retry = time.AfterFunc(retryAfter, f.resume)
	} else {
		f.retry.Reset(retryAfter)
	}
}

func (f *Feed) resume() {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.pausing = false
	f.start()
}

// serve sends what is not confirmed, once for all these inits: messages to m,
// and then notices, if they are asked for still. What is stored after it began
// comes after it, so it ends also where messages keep coming.
func (f *Feed) serve(m *listener, inits []string, asked bool) error {
	over, err := f.replay(m)
	if over { // for the next subscription, from the beginning; notices need not wait for it
		f.mu.Lock()
		defer f.mu.Unlock()
		f.inits, f.asked = append(inits, f.inits...), f.asked || asked
		return nil
	}
	if err == nil && asked {
		err = f.replayNotices()
	}
	f.mu.Lock()
	defer f.mu.Unlock()
	if err != nil {
		f.out.InitFailed(inits, err)
		return err
	}
	for _, receipt := range inits {
		f.out.Receipt(receipt)
	}
	return nil
}

// serveNotices is for inits whose messages wait for a subscription, or are sent
// already.
func (f *Feed) serveNotices() error {
	err := f.replayNotices()
	if err != nil {
		f.mu.Lock()
		defer f.mu.Unlock()
		f.asked = !f.leaving // while the client waits to leave it would fail for ever
	}
	return err
}

// replayNotices replays to those who listen to notices; if there is nobody, to
// the next one.
func (f *Feed) replayNotices() error {
	for {
		f.mu.Lock()
		n := f.listeners[Notices]
		if !n.ready() {
			f.asked = true
			f.mu.Unlock()
			return nil
		}
		f.mu.Unlock()
		if over, err := f.replay(n); !over {
			return err
		}
	}
}

// replay sends what is not confirmed up to the cursor, and then the log up to
// its end as it was at the beginning. It reports whether the period was over
// before.
func (f *Feed) replay(l *listener) (over bool, err error) {
	err = f.replayUpTo(l)
	f.mu.Lock()
	defer f.mu.Unlock()
	return f.listeners[l.kind] != l && !f.closed, err
}

func (f *Feed) replayUpTo(l *listener) error {
	last, err := f.log.Last(l.kind)
	if err != nil {
		return err
	}
	cursor := f.cursor(l)
	for after, full := int64(0), true; full; {
		page, err := f.log.Pending(l.kind, after, f.pages.rows)
		if err != nil {
			return err
		}
		page, full = f.pages.fit(page)
		for _, e := range page {
			if e.ID > cursor {
				full = false
				break
			}
			if !f.pass(l, after, e) {
				return nil
			}
			after = e.ID
		}
	}
	f.mu.Lock()
	if last > l.cursor {
		l.behind = true
	}
	f.mu.Unlock()
	for f.stillBehind(l, last) {
		if err := f.catchUp(l); err != nil && (!errors.Is(err, errStale) || f.cursor(l) < last) {
			return err
		}
	}
	return nil
}

func (f *Feed) cursor(l *listener) int64 {
	f.mu.Lock()
	defer f.mu.Unlock()
	return l.cursor
}

// stillBehind reports whether there may be more for l up to the id.
func (f *Feed) stillBehind(l *listener, last int64) bool {
	f.mu.Lock()
	defer f.mu.Unlock()
	return f.listeners[l.kind] == l && !f.closed && l.behind && l.cursor < last
}

// catchUpAll sends a page of each log that may hold more.
func (f *Feed) catchUpAll() (err error) {
	for kind := range kinds {
		f.mu.Lock()
		l := f.listeners[kind]
		left := l.left()
		f.mu.Unlock()
		if left {
			err = errors.Join(err, f.catchUp(l))
		}
	}
	return err
}

// catchUp sends a page of the log from the cursor on. What shows meanwhile
// that there is more leaves the session behind.
func (f *Feed) catchUp(l *listener) error {
	f.mu.Lock()
	after, owed := l.cursor, l.owed
	l.behind = false
	f.mu.Unlock()
	page, err := f.log.Inbox(l.kind, after, f.pages.rows)
	page, more := f.pages.fit(page)
	for _, e := range page {
		if !f.pass(l, after, e) {
			return nil
		}
		after = e.ID
	}
	f.mu.Lock()
	defer f.mu.Unlock()
	switch {
	case err != nil:
		l.behind = true
	case more:
		l.behind = true
	case after >= owed:
		l.stale = 0
	case l.stale < maxStale:
		l.stale++
		l.behind = true
		err = errStale
	default: // it was deleted
		l.stale = 0
		if l.owed == owed {
			l.owed = 0
		}
	}
	return err
}

// pass sends what was read to each subscription, when there is space for it. It reports false when the period or the session is over.
func (f *Feed) pass(l *listener, after int64, e Entry) bool {
	for _, s := range f.subscriptions(l) {
		if !f.out.WaitSpace(len(e.Body)) {
			f.mu.Lock()
			f.closed = true
			f.mu.Unlock()
			return false
		}
		f.send(l, s, after, e.ID, e.Body)
	}
	f.mu.Lock()
	defer f.mu.Unlock()
	if f.listeners[l.kind] != l || f.closed {
		return false
	}
	f.wasSent(l, after, e.ID)
	return true
}

func (f *Feed) subscriptions(l *listener) []*stomp.Subscription {
	f.mu.Lock()
	defer f.mu.Unlock()
	return l.subs
}

// send sends to a subscription unless it has ended.
func (f *Feed) send(l *listener, s *stomp.Subscription, after, id int64, body []byte) {
	f.mu.Lock()
	defer f.mu.Unlock()
	if slices.Contains(l.subs, s) {
		f.message(s, after, id, body)
	}
}
