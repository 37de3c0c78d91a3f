package fiberchat

import (
	"errors"
	"maps"
	"runtime/debug"
	"slices"
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
	if ch.link != nil {
		// Another node may have stored one before it, of which this node has
		// not heard: in the store they stand in order.
		for _, p := range ch.hub.Of(m.ReceiverID) {
			p.catchUp(0)
		}
		ch.link.publish(userTopic(m.ReceiverID), hintStored)
		return
	}
	if ch.closeGap(m.ReceiverID) {
		return
	}
	var body []byte
	for _, p := range ch.hub.Of(m.ReceiverID) {
		p.mu.Lock()
		switch {
		case p.replay.running != nil:
			p.replay.behind = true
		case m.ID > p.sentUp && p.listens(aboutMessages):
			if body == nil {
				body = appendMessage(nil, m) // once for all sessions
			}
			p.send(m.ID, body)
		}
		p.mu.Unlock()
	}
}

// send queues a message. The caller holds mu.
func (p *peer) send(id int64, body []byte) {
	p.notify(aboutMessages, body)
	if p.sentAfter == p.sentUp && p.replay.running == nil {
		p.sentAfter = id - 1 // the first since the subscription began
	}
	p.sentUp = max(p.sentUp, id)
}

// delivered tells the sender's sessions that asked for it that a message was
// confirmed.
func (ch *Chat) delivered(m *chat.Message, at time.Time) {
	var body []byte
	for _, p := range ch.hub.Of(m.SenderID) {
		p.mu.Lock()
		if p.listens(aboutDelivered) {
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
	if p := recover(); p != nil {
		ch.metrics.Panics.Inc()
		ch.cfg.Logger.Error("panic", "doing", doing, "panic", p, "stack", string(debug.Stack()))
	}
}

// storeFailed logs what is the store's fault. A message whose outcome is not
// known may be stored after all: its receiver's sessions look for it later.
func (ch *Chat) storeFailed(doing string, err error, receiverID int64) {
	if errors.Is(err, chat.ErrConflict) || errors.Is(err, chat.ErrNotFound) || errors.Is(err, commit.ErrClosed) {
		return
	}
	ch.cfg.Logger.Error(errText(doing, err))
	if receiverID != 0 {
		ch.missed(receiverID, ch.newest.Load())
	}
}

// missed notes that a user's sessions may not have been sent what was stored
// after the id.
func (ch *Chat) missed(userID, after int64) {
	if len(ch.hub.Of(userID)) == 0 {
		return
	}
	ch.mu.Lock()
	defer ch.mu.Unlock()
	if have, ok := ch.gaps[userID]; !ok || after < have {
		ch.gaps[userID] = after
	}
	ch.gapped.Store(true)
}

// closeGap makes a user's sessions catch up if they may have missed something,
// instead of being sent what comes after it. What fails notes its gap anew.
func (ch *Chat) closeGap(userID int64) bool {
	if !ch.gapped.Load() {
		return false
	}
	ch.mu.Lock()
	after, ok := ch.gaps[userID]
	delete(ch.gaps, userID)
	ch.gapped.Store(len(ch.gaps) > 0)
	ch.mu.Unlock()
	if ok {
		for _, p := range ch.hub.Of(userID) {
			p.catchUp(after)
		}
	}
	return ok
}

// closeGaps closes the gaps of all users.
func (ch *Chat) closeGaps() {
	ch.mu.Lock()
	users := slices.Collect(maps.Keys(ch.gaps))
	ch.mu.Unlock()
	for _, userID := range users {
		ch.closeGap(userID)
	}
}
