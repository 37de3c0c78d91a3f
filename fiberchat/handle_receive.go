package fiberchat

import (
	"errors"

	"fiberchat.example/fiberchat/chat"
	"fiberchat.example/fiberchat/internal/stomp"
)

// receiveTask is a confirmation on its way to the store.
type receiveTask struct {
	confirmed chat.Receipt
	receipt   string
	from      *peer
}

// handleReceive is step 4.
func (p *peer) handleReceive(f *stomp.Frame) {
	msgID, id, fault := parseReceive(f.Body)
	if fault == nil {
		fault = p.chat.allowReceive(p.identity.User.ID)
	}
	if fault != nil {
		p.chat.metrics.Receipts.Refused.Inc()
		p.fail(msgID, fault)
		return
	}
	p.mu.Lock()
	sentAfter, sentUp := p.sentAfter, p.sentUp
	p.mu.Unlock()
	p.submit(&receiveTask{
		from: p, receipt: f.Receipt(),
		confirmed: chat.Receipt{
			ReceiverID: p.identity.User.ID, ChatID: msgID, ID: id,
			SentAfter: sentAfter, SentUpTo: sentUp, Time: now(),
		},
	})
}

// Op implements commit.Task.
func (t *receiveTask) Op() chat.Op { return chat.Op{Receipt: &t.confirmed} }

// Done implements commit.Task: step 5, and what the sender hears of it.
func (t *receiveTask) Done(r *chat.Result, err error) {
	ch := t.from.chat
	defer ch.recovered("tell of a confirmation")
	if err == nil && r.Changed {
		ch.delivered(&r.Message, t.confirmed.Time)
	}
	if errors.Is(err, chat.ErrNotFound) {
		ch.idle.allow(t.from.identity.User.ID)
	}
	ch.count(&ch.metrics.Receipts, r, err)
	if err != nil {
		ch.storeFailed("store confirmation", err, 0)
	}
	t.from.answer(aboutReceiveStatus, t.confirmed.ChatID, t.receipt, err, failNoMessage)
}
