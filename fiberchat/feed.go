package fiberchat

import (
	"context"
	"slices"
	"sync"

	"fiberchat.example/fiberchat/chat"
)

const (
	// readPage is how many messages are read at once: at 48 KiB each, a page
	// is the most that reading holds beside the session's queue.
	readPage = 32
	// maxSent bounds the ranges of what was sent. There are several only
	// until an init has passed them, or after subscribing anew.
	maxSent = 8
)

// feed is what a session is sent of the messages to its user. Each comes the
// short way from the committer, unless something before it may be missing, or
// an init runs: then all is read from the store, in order of id, until there
// is nothing left, and what comes meanwhile is only noted. So it needs no
// memory for it. The peer's mu guards the feed.
type feed struct {
	live   int64        // the live messages up to this id were sent, or are not for this session
	begun  int64        // what has a higher id came since the session listens
	round  int          // how often it began to listen
	apart  bool         // what came before the next live message was not sent: nobody listened
	sent   []chat.Range // for confirmations
	inits  []string     // receipts of the inits not yet begun, "" where none is asked
	missed int64        // live messages from this id on may not have been sent; 0 when none
	// running tells that a goroutine reads; changed, that it took the inits
	// or has ended. leaving lets it end when the inits are served, closed at once.
	running, leaving, closed bool
	changed                  sync.Cond
}

// take sends a live message, which the committer tells of in order of id. miss
// is the id from which on something else may not have been sent, 0 when none.
// It returns the message's body, made on the way if it was nil.
func (p *peer) take(m *chat.Message, body []byte, miss int64) []byte {
	p.mu.Lock()
	defer p.mu.Unlock()
	f := &p.feed
	copies := p.listening(aboutMessages)
	switch {
	case copies == 0:
	case miss != 0:
		p.miss(miss)
	case f.running || f.missed != 0:
		p.miss(m.ID)
	case m.ID > f.live:
		if body == nil {
			body = appendMessage(nil, m) // once for all sessions
		}
		if copies > 1 && copies*len(body) > p.chat.cfg.MaxQueued/2 {
			p.miss(m.ID) // which waits for room before each copy
			break
		}
		p.notify(aboutMessages, body)
		after := f.live
		if f.apart {
			after = m.ID - 1
		}
		p.wasSent(after, m.ID)
	}
	return body
}

// miss notes that live messages from the id on may not have been sent, and
// has them read. The caller holds mu.
func (p *peer) miss(from int64) {
	if p.listening(aboutMessages) == 0 {
		return // whoever subscribes later has not missed it
	}
	p.feed.miss(from)
	p.startReading()
}

func (f *feed) miss(from int64) {
	if f.missed == 0 || from < f.missed {
		f.missed = from
	}
}

// catchUp is miss for callers that do not hold mu.
func (p *peer) catchUp(from int64) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.miss(from)
}

// wasSent notes that all that the user was owed above after and up to id was
// sent. The caller holds mu.
func (p *peer) wasSent(after, id int64) {
	f := &p.feed
	f.sent = addRange(f.sent, chat.Range{After: after, UpTo: id})
	if id > f.live {
		f.live, f.apart = id, false
	}
}

// addRange returns sorted ranges with r in them, at most maxSent. It may change
// and reuse them.
func addRange(ranges []chat.Range, r chat.Range) []chat.Range {
	from := 0
	for from < len(ranges) && ranges[from].UpTo < r.After {
		from++
	}
	to := from
	for ; to < len(ranges) && ranges[to].After <= r.UpTo; to++ {
		r.After, r.UpTo = min(r.After, ranges[to].After), max(r.UpTo, ranges[to].UpTo)
	}
	if to == from+1 { // the last one grows: nearly always so
		ranges[from] = r
		return ranges
	}
	ranges = slices.Replace(ranges, from, to, r)
	return ranges[max(0, len(ranges)-maxSent):]
}

// listenFrom begins the feed of a session that listens to no messages yet: what
// became visible up to the id is not live, but for what is in doubt. The caller
// holds mu.
func (p *peer) listenFrom(begun int64) {
	f := &p.feed
	f.begun, f.apart, f.missed = begun, true, 0
	f.round++
	if doubtful := p.chat.doubtful(p.identity.User.ID); doubtful != 0 && p.chat.link == nil {
		begun = min(begun, doubtful-1)
	}
	f.live = max(f.live, begun)
}

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
		up = p.session.WaitRoom()
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
