package fiberchat

import (
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
