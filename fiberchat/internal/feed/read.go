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

// pass sends what was read to each subscription, when there is space for it. It
// reports false when the period or the session is over.
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
