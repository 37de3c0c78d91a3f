package fiberchat

import (
	"errors"
	"runtime/debug"
	"slices"
	"time"

	"fiberchat.example/fiberchat/chat"
	"fiberchat.example/fiberchat/internal/commit"
)

// deliver is step 3: it offers a stored message to the receiver's sessions,
// here and on other nodes, and notifies the sender's other ones: those that it
// is not from. It is called in order of id, by whoever has committed the message.
func (ch *Chat) deliver(m *chat.Message, previous int64, from *client) {
	clients := ch.hub.Of(m.ReceiverID)
	others := slices.ContainsFunc(ch.hub.Of(m.SenderID), func(c *client) bool { return c != from })
	if len(clients) == 0 && !others && ch.node.alone() {
		return
	}
	body := appendMessage(nil, m) // once for all
	for _, c := range clients {
		c.feed.Offer(m.ID, previous, body)
	}
	if others {
		ch.notifyOthers(m.SenderID, from, aboutSent, body)
	}
	ch.node.addMessage(m, previous, body)
}

// delivered notifies the sender's sessions that asked for it that a message
// was confirmed.
func (ch *Chat) delivered(m *chat.Message, at time.Time) {
	clients := ch.hub.Of(m.SenderID)
	if len(clients) == 0 && ch.node.alone() {
		return
	}
	body := appendDelivered(nil, m, at)
	for _, c := range clients {
		c.notify(aboutDelivered, body)
	}
	ch.node.addDelivered(m.SenderID, body)
}

// recovered is deferred by what the committer and the bus call: a panic there
// would stop it for everybody.
func (ch *Chat) recovered(doing string) {
	p := recover()
	if p == nil {
		return
	}
	ch.metrics.Panics.Inc()
	ch.cfg.Logger.Error("panic", "doing", doing, "panic", p, "stack", string(debug.Stack()))
}

// isUnknown reports whether an operation that failed may be stored after all.
func isUnknown(err error) bool {
	return err != nil && !errors.Is(err, chat.ErrConflict) && !errors.Is(err, chat.ErrNotFound) && !errors.Is(err, commit.ErrClosed)
}
