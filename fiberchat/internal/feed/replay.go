package feed

import "errors"

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
