package fiberchat

import (
	"context"
	"slices"

	"fiberchat.example/fiberchat/chat"
)

// startReading begins what is due, once there is a subscription to send it to.
// The caller holds mu.
func (p *peer) startReading() {
	if f := &p.feed; !f.running && p.due() {
		f.running = true
		go p.read() // waited for by closeFeed
	}
}

// due tells whether there is something to read. The caller holds mu.
func (p *peer) due() bool {
	f := &p.feed
	return !f.closed && (len(f.inits) > 0 || f.missed != 0 && !f.leaving) && p.listening(aboutMessages) > 0
}

// read holds mu but for the store, encoding and waiting. It ends in the same
// hold in which it sees that nothing is due: whoever delivers holds mu too, so
// a message is either noted before, or sent after.
func (p *peer) read() {
	defer p.chat.recovered("read messages") // the app's Logger may panic
	p.mu.Lock()
	defer p.mu.Unlock()
	defer p.feed.changed.Broadcast()
	defer func() { p.feed.running = false }()
	for p.due() {
		read := p.readLive
		if len(p.feed.inits) > 0 {
			read = p.replay
		}
		if read() != nil {
			p.chat.stall(p)
			return
		}
	}
}

// replay sends what is not confirmed, once for all inits that wait. What is
// live comes after it, so it ends also where messages keep coming.
func (p *peer) replay() error {
	f := &p.feed
	inits, round := f.inits, f.round
	f.inits = nil
	f.changed.Broadcast()
	p.chat.metrics.Replays.Inc()
	err := p.readPending(round)
	switch {
	case f.round != round || p.listening(aboutMessages) == 0:
		f.inits = append(inits, f.inits...) // the next subscription begins anew
		return err
	case err != nil:
		f.apart = true // it was sent up to somewhere
		p.notify(aboutFailures, appendFailure(nil, "", p.chat.failureOf(err, failUnavailable)))
		return err
	}
	for _, receipt := range inits {
		p.session.Receipt(receipt)
	}
	return nil
}

// readPending is replay's reading, which ends early when the session listens
// no more, or anew.
func (p *peer) readPending(round int) error {
	f := &p.feed
	// Without a bus it is this node that tells of live messages: of those that
	// it has stored none is noted yet. With one, there may be some that nobody
	// has hinted at.
	upTo, newest := int64(1<<63-1), int64(0)
	if p.chat.link != nil {
		p.mu.Unlock()
		id, err := p.newest()
		p.mu.Lock()
		if err != nil {
			return err
		}
		upTo, newest = f.live, id
	}
	for after := int64(0); ; {
		page, err := p.page(p.chat.cfg.Store.Pending, after)
		if err != nil {
			return err
		}
		for i := range page {
			id := page[i].ID
			if id > upTo || f.missed != 0 && id >= max(f.missed, f.live+1) {
				page = nil
				break
			}
			if f.round != round || !p.sendCopies(&page[i]) || f.round != round || p.listening(aboutMessages) == 0 {
				return nil
			}
			p.wasSent(after, id)
			after = id
			p.chat.metrics.Replayed.Inc()
		}
		if len(page) < readPage {
			break
		}
	}
	if f.live < newest {
		f.miss(anyMissed)
	}
	for f.missed != 0 && f.live < newest && f.round == round && p.listening(aboutMessages) > 0 {
		if err := p.readLive(); err != nil {
			return err
		}
	}
	return nil
}

// readLive sends a page of what was missed: of what came since the session
// listens also what another one has confirmed.
func (p *peer) readLive() error {
	f := &p.feed
	after, round := max(f.live, f.missed-1), f.round
	f.missed = 0
	received := p.chat.cfg.Store.Pending
	s, ok := p.chat.cfg.Store.(chat.Sweeper)
	early := ok && after < f.begun
	if ok && !early {
		received = s.Received
	}
	page, err := p.page(received, after)
	if err != nil {
		f.miss(after + 1)
		return err
	}
	for i := range page {
		if early && page[i].ID > f.begun {
			page = page[:i]
			break
		}
		if page[i].ID <= f.live {
			continue // subscribed anew meanwhile
		}
		if f.round != round || !p.sendCopies(&page[i]) || f.round != round || p.listening(aboutMessages) == 0 {
			return nil
		}
		p.wasSent(after, page[i].ID)
		after = page[i].ID
	}
	switch {
	case len(page) == readPage:
		f.miss(after + 1)
	case early:
		f.miss(f.begun + 1)
	}
	return nil
}

// sendCopies sends a message to each subscription, when there is room for it.
// It reports false when the session is over. The caller holds mu.
func (p *peer) sendCopies(m *chat.Message) (up bool) {
	p.mu.Unlock()
	body := appendMessage(nil, m)
	p.mu.Lock()
	for _, s := range p.subs {
		if s.about != aboutMessages {
			continue
		}
		p.mu.Unlock()
		up = p.session.WaitSpace()
		p.mu.Lock()
		if !up {
			return false
		}
		if slices.Contains(p.subs, s) {
			p.session.Message(s.Subscription, body)
		}
	}
	return true
}

// page reads from the store. The caller holds mu.
func (p *peer) page(read func(ctx context.Context, receiverID, afterID int64, limit int) ([]chat.Message, error), after int64) ([]chat.Message, error) {
	p.mu.Unlock()
	defer p.mu.Lock()
	ctx, cancel := context.WithTimeout(p.chat.ctx, p.chat.cfg.StoreTimeout)
	defer cancel()
	page, err := guard(func() ([]chat.Message, error) { return read(ctx, p.identity.User.ID, after, readPage) })
	if err != nil && p.chat.ctx.Err() == nil {
		p.log().Error(errText("read messages", err))
	}
	return page, err
}

// resume reads on what could not be read.
func (p *peer) resume() {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.startReading()
}

// waitRead blocks until nothing is being read. The caller holds mu.
func (p *peer) waitRead() {
	for p.feed.running {
		p.feed.changed.Wait()
	}
}

// closeFeed lets no reading begin and waits for the one that runs, which the
// session's end makes return.
func (p *peer) closeFeed() {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.feed.closed = true
	p.waitRead()
}
