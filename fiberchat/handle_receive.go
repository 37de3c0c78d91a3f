package fiberchat

import (
	"errors"
	"slices"

	"fiberchat.example/fiberchat/chat"
	"fiberchat.example/fiberchat/internal/stomp"
)

// receiveTask is a confirmation on its way to the store.
type receiveTask struct {
	confirmed chat.Confirmation
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
	sent := slices.Clone(p.feed.sent)
	p.mu.Unlock()
	p.submit(&receiveTask{
		from: p, receipt: f.Receipt(),
		confirmed: chat.Confirmation{
			ReceiverID: p.identity.User.ID, ChatID: msgID, ID: id,
			Sent: sent, Time: now(),
		},
	})
}

// Op implements commit.Task.
func (t *receiveTask) Op() chat.Op { return chat.Op{Confirm: &t.confirmed} }

// Done implements commit.Task: step 5, and what the sender hears of it.
func (t *receiveTask) Done(r *chat.Result, err error) {
	p := t.from
	defer p.release()
	defer p.chat.recovered("tell of a confirmation")
	if err == nil && (r.Changed || p.unsure) {
		p.chat.delivered(&r.Message, t.confirmed.Time)
	}
	// From here on a repetition may be of what was stored after all.
	if isUnknown(err) {
		p.unsure = true
	}
	p.answer(aboutReceiveStatus, t.confirmed.ChatID, t.receipt, err, failNoMessage)
	if errors.Is(err, chat.ErrNotFound) {
		p.chat.strays.allow(p.identity.User.ID)
	}
	p.chat.count(&p.chat.metrics.Receipts, r, err)
	p.chat.logFailure("store confirmation", err)
}
