package fiberchat

import (
	"errors"
	"runtime/debug"
	"time"

	"fiberchat.example/fiberchat/chat"
	"fiberchat.example/fiberchat/internal/commit"
)

// deliver is step 3: it sends a stored message to the receiver's sessions.
// The committer calls it in order of id.
func (ch *Chat) deliver(m *chat.Message) {
	if m.ID > ch.newest.Load() {
		ch.newest.Store(m.ID) // one writer: the committer
	}
	miss := ch.doubtful(m.ReceiverID)
	if ch.link != nil {
		// Another node may have stored one before it, of which this node has
		// not heard: in the store they stand in order.
		miss = anyMissed
	}
	var body []byte
	for _, p := range ch.hub.Of(m.ReceiverID) {
		body = p.take(m, body, miss)
	}
	ch.link.publish(userTopic(m.ReceiverID), hintStored)
}

// delivered tells the sender's sessions that asked for it that a message was
// confirmed.
func (ch *Chat) delivered(m *chat.Message, at time.Time) {
	var body []byte
	for _, p := range ch.hub.Of(m.SenderID) {
		p.mu.Lock()
		if p.listening(aboutDelivered) > 0 {
			if body == nil {
				body = appendDelivered(nil, m, at)
			}
			p.notify(aboutDelivered, body)
		}
		p.mu.Unlock()
	}
	if ch.link != nil {
		ch.link.publish(userTopic(m.SenderID), hintDelivered, appendDelivered(nil, m, at))
	}
}

// recovered is deferred by what the committer calls: a panic there would stop
// it for everybody.
func (ch *Chat) recovered(doing string) {
	p := recover()
	if p == nil {
		return
	}
	ch.metrics.Panics.Inc()
	defer func() { _ = recover() }() // it may be the app's Logger that panics
	ch.cfg.Logger.Error("panic", "doing", doing, "panic", p, "stack", string(debug.Stack()))
}

// isUnknown tells whether an operation that failed may be stored after all.
func isUnknown(err error) bool {
	return err != nil && !errors.Is(err, chat.ErrConflict) && !errors.Is(err, chat.ErrNotFound) && !errors.Is(err, commit.ErrClosed)
}

// logFailure logs what is the store's fault.
func (ch *Chat) logFailure(doing string, err error) {
	if isUnknown(err) {
		ch.cfg.Logger.Error(errText(doing, err))
	}
}
