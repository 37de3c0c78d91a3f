package fiberchat

import (
	"context"
	"fmt"
	"log/slog"
	"runtime/debug"
	"sync"
	"time"

	"fiberchat.example/fiberchat/chat"
	"fiberchat.example/fiberchat/internal/stomp"
)

// maxInFlight is how many operations of one session may be at the store while
// its reader reads on.
const maxInFlight = 64

// peer is one signed-in connection: what its session's frames mean for chat.
type peer struct {
	chat      *Chat
	identity  chat.Identity
	transport string
	begun     time.Time
	session   *stomp.Session
	slots     chan struct{} // one taken for each operation in flight

	// The committer's own.
	unsure bool // a confirmation had no known outcome

	mu   sync.Mutex
	subs []subscription // the slice is never changed in place
	feed feed
}

type subscription struct {
	about subject
	*stomp.Subscription
}

// serve runs the connection to its end; the door's goroutine calls it.
func (ch *Chat) serve(conn stomp.Conn, identity chat.Identity, transport string) {
	if !ch.enter() {
		_ = conn.Close(stomp.CloseGoingAway, "going away")
		return
	}
	defer ch.sessions.Done()
	p := &peer{
		chat: ch, identity: identity, transport: transport, begun: time.Now(),
		slots: make(chan struct{}, maxInFlight),
	}
	p.feed.changed.L = &p.mu
	p.session = stomp.NewSession(conn, ch.stomp, identity.User.Name, p)
	defer func() {
		if r := recover(); r != nil {
			ch.metrics.Panics.Inc()
			p.log().Error("session panicked", "panic", r, "stack", string(debug.Stack()))
		}
		p.closeFeed()
	}()
	ch.register(p) // Run ends in good order also a session that was refused
	defer ch.unregister(p)
	ch.link.join(identity.User.ID)
	defer ch.link.leave(identity.User.ID)
	if end := identity.ExpiresAt; !end.IsZero() {
		defer time.AfterFunc(time.Until(end), p.expire).Stop()
	}
	up := ch.metrics.Sessions.WithLabelValues(transport)
	up.Inc()
	defer up.Dec()
	p.session.Run()
	if p.session.Dropped() {
		ch.metrics.SlowClients.Inc()
		p.log().Debug("session closed: the client reads too slowly")
	}
}

func (p *peer) log() *slog.Logger {
	return p.chat.cfg.Logger.With("user", p.identity.User.ID, "transport", p.transport)
}

// OnSend implements stomp.Handler.
func (p *peer) OnSend(f *stomp.Frame) error {
	switch string(f.Destination()) {
	case toSend:
		p.handleSend(f)
	case toReceive:
		p.handleReceive(f)
	case toInit:
		p.handleInit(f)
	case toOldNotice:
		p.fail("", noSuchDestination())
	default:
		return stomp.NotAllowed("clients send to " + toSend + ", " + toReceive + " and " + toInit)
	}
	return nil
}

// OnSubscribe implements stomp.Handler.
func (p *peer) OnSubscribe(sub *stomp.Subscription) error {
	about, ok := subjectOf(sub.Destination, p.identity.User)
	if !ok {
		return stomp.NotAllowed("this destination is not yours to subscribe to")
	}
	p.mu.Lock()
	first := about == aboutMessages && p.listening(about) == 0
	p.mu.Unlock()
	begun := p.chat.newest.Load()
	if first && p.chat.link != nil {
		var err error
		if begun, err = p.newest(); err != nil {
			return err
		}
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	if first {
		p.listenFrom(begun)
	}
	p.subs = append(p.subs[:len(p.subs):len(p.subs)], subscription{about, sub})
	if first && p.chat.link != nil {
		p.feed.miss(anyMissed) // it may have been hinted at since
	}
	if about == aboutMessages {
		p.startReading()
	}
	return nil
}

// newest finds where live delivery begins with a Bus, which hints at messages
// of other nodes and does not carry them.
func (p *peer) newest() (int64, error) {
	ctx, cancel := context.WithTimeout(p.chat.ctx, p.chat.cfg.StoreTimeout)
	defer cancel()
	id, err := guard(func() (int64, error) { return p.chat.link.store.NewestOf(ctx, p.identity.User.ID) })
	if err != nil {
		p.log().Error(errText("find the newest message", err))
	}
	return id, err
}

// OnUnsubscribe implements stomp.Handler. Deliveries hold mu, so that none
// follows it.
func (p *peer) OnUnsubscribe(sub *stomp.Subscription) {
	p.mu.Lock()
	defer p.mu.Unlock()
	kept := make([]subscription, 0, len(p.subs))
	for _, s := range p.subs {
		if s.Subscription != sub {
			kept = append(kept, s)
		}
	}
	p.subs = kept
}

// OnDisconnect implements stomp.Handler.
func (p *peer) OnDisconnect() {
	p.drain()
	p.mu.Lock()
	defer p.mu.Unlock()
	p.feed.leaving = true
	p.waitRead()
}

// drain waits until the operations in flight are carried out.
func (p *peer) drain() {
	for range maxInFlight {
		p.slots <- struct{}{}
	}
	for range maxInFlight {
		<-p.slots
	}
}

// notify sends body to the session's subscriptions about a subject. The
// caller holds mu.
func (p *peer) notify(about subject, body []byte) {
	for _, s := range p.subs {
		if s.about == about {
			p.session.Message(s.Subscription, body)
		}
	}
}

// tell is notify for callers that do not hold mu.
func (p *peer) tell(about subject, body []byte) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.notify(about, body)
}

// listening counts the subscriptions about a subject. The caller holds mu.
func (p *peer) listening(about subject) (n int) {
	for _, s := range p.subs {
		if s.about == about {
			n++
		}
	}
	return n
}

// fail sends a failure notice.
func (p *peer) fail(msgID string, f *failure) {
	p.tell(aboutFailures, appendFailure(nil, msgID, f))
}

// errText names err for the log; a client never sees it.
func errText(doing string, err error) string { return fmt.Sprintf("%s: %v", doing, err) }
