package fiberchat

import (
	"fiberchat.example/fiberchat/internal/stomp"
)

// maxInits bounds the inits that wait for a subscription, or for their turn.
const maxInits = 64

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
	defer p.mu.Unlock()
	for len(p.feed.inits) >= maxInits && p.feed.running {
		p.feed.changed.Wait()
	}
	if len(p.feed.inits) >= maxInits {
		p.session.Fail(stomp.NotAllowed("too many inits without a subscription to receive messages"))
		return
	}
	p.feed.inits = append(p.feed.inits, f.Receipt())
	p.startReading()
}
