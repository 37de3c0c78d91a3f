package feed

import (
	"errors"
	"slices"
	"time"

	"fiberchat.example/fiberchat/chat"
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
	l := f.listener
	return !f.closed && l != nil && !l.starting && (len(f.inits) > 0 || l.behind && !f.leaving)
}

// run reads until nothing is due, or a read fails.
func (f *Feed) run() {
	for {
		l, inits := f.next()
		if l == nil {
			return
		}
		var err error
		if len(inits) > 0 {
			err = f.replay(l, inits)
		} else {
			err = f.catchUp(l)
		}
		if err != nil {
			f.pause()
			return
		}
	}
}

// next returns the period to work for and the inits that are due. It ends the
// run in the same hold in which it sees that nothing is: who offers holds mu
// too, so a message is either noted before, or sent after.
func (f *Feed) next() (*listener, []string) {
	f.mu.Lock()
	defer f.mu.Unlock()
	defer f.changed.Broadcast()
	if !f.due() {
		f.running = false
		return nil, nil
	}
	inits := f.inits
	f.inits = nil
	return f.listener, inits
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

// replay sends what is not confirmed, once for all these inits. What is stored
// after it began comes after it, so it ends also where messages keep coming.
func (f *Feed) replay(l *listener, inits []string) error {
	err := f.replayUpTo(l)
	f.mu.Lock()
	defer f.mu.Unlock()
	if f.listener != l && !f.closed {
		f.inits = append(inits, f.inits...) // for the next subscription, from the beginning
		return nil
	}
	if err != nil {
		f.out.InitFailed(inits, err)
		return err
	}
	for _, receipt := range inits {
		f.out.Receipt(receipt)
	}
	return nil
}

// replayUpTo sends what is not confirmed up to the cursor, and then the log up
// to its end as it was at the beginning.
func (f *Feed) replayUpTo(l *listener) error {
	last, err := f.log.Last()
	if err != nil {
		return err
	}
	cursor := f.cursor(l)
	for after, full := int64(0), true; full; {
		page, err := f.log.Pending(after, f.pages.rows)
		if err != nil {
			return err
		}
		page, full = f.pages.fit(page)
		for i := range page {
			if page[i].ID > cursor {
				full = false
				break
			}
			if !f.pass(l, after, &page[i]) {
				return nil
			}
			after = page[i].ID
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
	return f.listener == l && !f.closed && l.behind && l.cursor < last
}

// catchUp sends a page of the log from the cursor on. What shows meanwhile
// that there is more leaves the session behind.
func (f *Feed) catchUp(l *listener) error {
	f.mu.Lock()
	after, owed := l.cursor, l.owed
	l.behind = false
	f.mu.Unlock()
	page, err := f.log.Inbox(after, f.pages.rows)
	page, more := f.pages.fit(page)
	for i := range page {
		if !f.pass(l, after, &page[i]) {
			return nil
		}
		after = page[i].ID
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

// pass sends a message that was read to each subscription, when there is space
// for it. It reports false when the period or the session is over.
func (f *Feed) pass(l *listener, after int64, m *chat.Message) bool {
	body := f.encode(m)
	for _, s := range f.subscriptions(l) {
		if !f.out.WaitSpace(len(body)) {
			f.mu.Lock()
			f.closed = true
			f.mu.Unlock()
			return false
		}
		f.send(l, s, after, m.ID, body)
	}
	f.mu.Lock()
	defer f.mu.Unlock()
	if f.listener != l || f.closed {
		return false
	}
	f.wasSent(l, after, m.ID)
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
