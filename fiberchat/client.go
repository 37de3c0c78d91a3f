package fiberchat

import (
	"bytes"
	"log/slog"
	"slices"
	"sync"
	"time"

	"fiberchat.example/fiberchat/chat"
	"fiberchat.example/fiberchat/internal/feed"
	"fiberchat.example/fiberchat/internal/stomp"
)

// maxInFlight is how many operations of one session may be at the store while
// its reader reads on.
const maxInFlight = 64

// client is one signed-in connection: what its session's frames mean for chat.
type client struct {
	chat      *Chat
	identity  chat.Identity
	transport string
	ip        string    // of the handshake
	started   time.Time // before its token was checked
	session   *stomp.Session
	anew      bool          // messages or notices were unsubscribed before; the reader's own
	feed      *feed.Feed    // has the subscriptions to messages and to notices
	inFlight  chan struct{} // holds one for each operation in flight

	// The committer's own.
	unsure bool // a confirmation had no known outcome

	mu   sync.Mutex
	subs []subscription // the others
}

type subscription struct {
	about subject
	*stomp.Subscription
}

// serve runs the connection to its end; the endpoint's goroutine calls it.
func (ch *Chat) serve(conn stomp.Conn, identity chat.Identity, transport, ip string, started time.Time) {
	if !ch.enter() {
		_ = conn.Close(stomp.CloseGoingAway, "going away")
		return
	}
	defer ch.sessions.Done()
	c := &client{
		chat: ch, identity: identity, transport: transport, ip: ip, started: started,
		inFlight: make(chan struct{}, maxInFlight),
	}
	c.session = stomp.NewSession(conn, ch.stomp, stomp.User(identity.User), c)
	c.feed = feed.New(c, c, ch.cfg.Limits.Queued/2)
	defer c.feed.Close()
	defer ch.recovered("serve a session")
	ch.register(c) // Run also closes a refused session cleanly
	defer ch.unregister(c)
	if end := identity.ExpiresAt; !end.IsZero() {
		defer time.AfterFunc(time.Until(end), c.expire).Stop()
	}
	up := ch.metrics.Sessions.WithLabelValues(transport)
	up.Inc()
	defer up.Dec()
	c.session.Run()
	c.logEnd()
}

func (c *client) log() *slog.Logger {
	return c.chat.cfg.Logger.With("user", c.identity.User.ID, "transport", c.transport)
}

// logEnd notes a session that ended by a fault of its client. No text of an
// ERROR has anything of a body or a token in it.
func (c *client) logEnd() {
	switch e := c.session.Failed(); {
	case c.session.Dropped():
		c.chat.metrics.SlowClients.Inc()
		c.log().Debug("session closed: the client reads too slowly")
	case e != nil:
		c.log().Debug("session ended with an ERROR frame", "error", e)
	}
}

// logRefused is for what the client did wrong. It names no msgID, which is
// part of a body.
func (c *client) logRefused(f *failure) {
	defer c.chat.recovered("log") // the Logger is the app's
	c.log().Debug("request failed", "error", f.name, "code", f.code)
}

// OnSend implements stomp.Handler.
func (c *client) OnSend(f *stomp.Frame) error {
	switch string(f.Destination()) {
	case toSend:
		c.handleSend(f)
	case toConfirm:
		c.handleConfirm(f)
	case toInit:
		c.handleInit(f)
	case toConfirmNotice:
		c.handleNotice(f)
	case toRead:
		c.handleAsk(f, c.handleRead)
	case toConversations:
		c.handleAsk(f, c.handleConversations)
	case toHistory:
		c.handleAsk(f, c.handleHistory)
	case toSync:
		c.handleAsk(f, c.handleSync)
	default:
		if !bytes.HasPrefix(f.Destination(), []byte(toApp)) {
			return stomp.NotAllowed("clients send to " + toSend + ", " + toConfirm + " and " + toInit)
		}
		c.handleApp(f)
	}
	return nil
}

// OnSubscribe implements stomp.Handler.
func (c *client) OnSubscribe(sub *stomp.Subscription) error {
	about, ok := subjectOf(sub.Destination, c.identity.User)
	if !ok {
		return stomp.NotAllowed("this destination is not yours to subscribe to")
	}
	if log, ok := c.logOf(about); ok {
		// An init that waits begins again each time.
		if c.anew && !c.chat.inits.take(c.identity.User.ID, 1, c.session.Done()) {
			return nil
		}
		if err := c.feed.Listen(log, sub); err != nil { // logged
			return &stomp.Error{Token: "try-again", Text: "the server cannot read what is yours now, connect again", Code: stomp.CloseTryLater}
		}
		return nil
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	c.subs = append(c.subs, subscription{about, sub})
	return nil
}

// OnUnsubscribe implements stomp.Handler. Nothing is sent to sub after it.
func (c *client) OnUnsubscribe(sub *stomp.Subscription) {
	c.feed.Unlisten(sub)
	about, _ := subjectOf(sub.Destination, c.identity.User)
	if _, ok := c.logOf(about); ok {
		c.anew = true
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	c.subs = slices.DeleteFunc(c.subs, func(s subscription) bool { return s.Subscription == sub })
}

// logOf returns the log that subscriptions about a subject listen to, and false
// where there is none.
func (c *client) logOf(about subject) (feed.Kind, bool) {
	if about == aboutNotices {
		return feed.Notices, c.chat.notices != nil
	}
	return feed.Messages, about == aboutMessages
}

// OnDisconnect implements stomp.Handler.
func (c *client) OnDisconnect() {
	c.drain()
	c.feed.Drain()
}

// drain waits until the operations in flight are carried out.
func (c *client) drain() {
	for range maxInFlight {
		c.inFlight <- struct{}{}
	}
	for range maxInFlight {
		<-c.inFlight
	}
}

// refuse is fail for the reader: with a receipt it ends the session, so what
// came before is answered first.
func (c *client) refuse(msgID, receipt string, f *failure) {
	if receipt != "" {
		c.drain()
	}
	c.fail(msgID, receipt, f)
}

// notify sends body to the session's subscriptions about a subject.
func (c *client) notify(about subject, body []byte) {
	c.mu.Lock()
	defer c.mu.Unlock()
	for _, s := range c.subs {
		if s.about == about {
			c.session.Message(s.Subscription, 0, body)
		}
	}
}

// fail answers a SEND that was refused or could not be carried out: with a
// failure notice and, where it asked for a receipt, an ERROR that names it,
// for STOMP has no other answer and its client waits for one.
func (c *client) fail(msgID, receipt string, f *failure) {
	c.logRefused(f)
	c.notify(aboutFailures, appendFailure(nil, msgID, f))
	if receipt == "" {
		return
	}
	e := &stomp.Error{Token: "refused", Text: f.text, Code: stomp.ClosePolicy, Receipt: receipt}
	if f.code == codeTryAgain {
		e.Token, e.Code = "try-again", stomp.CloseTryLater
	}
	c.session.Fail(e)
}
