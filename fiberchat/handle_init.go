package fiberchat

import (
	"context"

	"fiberchat.example/fiberchat/chat"
	"fiberchat.example/fiberchat/internal/stomp"
)

const (
	// replayPage is how many messages are read at once: at 48 KiB each, a
	// page is the most that a replay holds beside the session's queue.
	replayPage = 32
	// maxInits bounds the inits that wait for a running replay.
	maxInits = 64
)

// replay is a session's reading of what is not confirmed. While it runs,
// deliveries are not queued but only noted: it reads on until it has caught
// up, and so needs no memory for what comes meanwhile. The peer's mu guards it.
type replay struct {
	inits   []string      // receipts of the inits not yet begun, "" where none is asked
	from    int64         // catch up after this id; -1 when nothing was missed
	running chan struct{} // closed when the run ends; nil while none runs
	behind  bool          // a message was stored since the last page was read
	closed  bool          // the session is over
}

// handleInit begins the replay of what is not confirmed.
func (p *peer) handleInit(f *stomp.Frame) {
	if body := string(f.Body); body != "" && body != "null" {
		p.fail("", badField("the body of an init must be empty"))
		return
	}
	if fault := p.chat.allowInit(p.identity.User.ID); fault != nil {
		p.fail("", fault)
		return
	}
	// A confirmation sent before counts.
	p.drain()
	p.mu.Lock()
	full := len(p.replay.inits) >= maxInits
	p.mu.Unlock()
	if full {
		p.waitReplay()
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	if len(p.replay.inits) >= maxInits {
		p.session.Fail(stomp.NotAllowed("too many inits without a subscription to receive messages"))
		return
	}
	p.replay.inits = append(p.replay.inits, f.Receipt())
	p.startReplay()
}

// catchUp sends the session what was stored after the id, unless it was sent.
func (p *peer) catchUp(after int64) {
	p.mu.Lock()
	defer p.mu.Unlock()
	switch {
	case p.replay.running != nil:
		p.replay.behind = true
	case p.listens(aboutMessages):
		p.replay.from = max(after, p.sentUp, p.base)
		p.startReplay()
	}
}

// waitReplay blocks until no replay runs.
func (p *peer) waitReplay() {
	p.mu.Lock()
	running := p.replay.running
	p.mu.Unlock()
	if running != nil {
		<-running
	}
}

// closeReplay lets none begin and waits for the one that runs, which the
// session's end makes return.
func (p *peer) closeReplay() {
	p.mu.Lock()
	p.replay.closed = true
	p.mu.Unlock()
	p.waitReplay()
}

// startReplay begins what is due, once there is a subscription to send it to.
// The caller holds mu.
func (p *peer) startReplay() {
	r := &p.replay
	if r.running != nil || r.closed || !r.due() || !p.listens(aboutMessages) {
		return
	}
	r.running, r.behind = make(chan struct{}), false
	go p.runReplay() // waited for by closeReplay
}

func (r *replay) due() bool { return len(r.inits) > 0 || r.from >= 0 }

// beginReplay takes what is due: one run serves all inits that wait, and
// sends everything anew. The caller holds mu.
func (p *peer) beginReplay() (after int64, inits []string) {
	r := &p.replay
	after, inits = r.from, r.inits
	if len(inits) > 0 {
		after, p.sentAfter, p.sentUp, p.base = 0, 0, 0, 0
	} else if p.sentAfter == p.sentUp {
		p.sentAfter, p.sentUp = after, after
	}
	r.inits, r.from = nil, -1
	return after, inits
}

// runReplay holds mu but for reading, encoding and waiting. It ends in the
// same hold in which it sees that nothing came meanwhile: whoever delivers
// holds mu too, so a message is either noted before, or sent after.
func (p *peer) runReplay() {
	p.mu.Lock()
	defer p.mu.Unlock()
	r := &p.replay
	defer func() {
		close(r.running)
		r.running = nil
	}()
	after, inits := p.beginReplay()
	p.chat.metrics.Replays.Inc()
	for {
		r.behind = false
		p.mu.Unlock()
		page, err := p.pending(after)
		p.mu.Lock()
		if err != nil {
			p.replayFailed(err, after, len(inits) > 0)
			return
		}
		for i := range page {
			p.mu.Unlock()
			body, up := appendMessage(nil, &page[i]), p.session.WaitRoom()
			p.mu.Lock()
			if !up {
				return
			}
			if !p.listens(aboutMessages) {
				r.inits = append(inits, r.inits...) // the next subscription begins anew
				return
			}
			after = page[i].ID
			p.send(after, body)
			p.chat.metrics.Replayed.Inc()
		}
		if len(page) == replayPage {
			continue
		}
		// What was pending at the init is sent; what came since may go on
		// coming for ever.
		for _, receipt := range inits {
			p.session.Receipt(receipt)
		}
		inits = nil
		switch {
		case r.behind:
		case r.due():
			after, inits = p.beginReplay()
		default:
			return
		}
	}
}

// replayFailed tells the client that its init was not carried out. What the
// run had still to send is tried again by the housekeeping. The caller holds mu.
func (p *peer) replayFailed(err error, after int64, asked bool) {
	if p.chat.ctx.Err() != nil {
		return
	}
	p.log().Error(errText("replay", err))
	if asked {
		p.notify(aboutFailures, appendFailure(nil, "", p.chat.failureOf(err, failUnavailable)))
	}
	p.chat.missed(p.identity.User.ID, after)
}

func (p *peer) pending(after int64) ([]chat.Message, error) {
	ctx, cancel := context.WithTimeout(p.chat.ctx, p.chat.cfg.StoreTimeout)
	defer cancel()
	return guard(func() ([]chat.Message, error) {
		return p.chat.cfg.Store.Pending(ctx, p.identity.User.ID, after, replayPage)
	})
}
