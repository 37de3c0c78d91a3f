package fiberchat

import (
	"errors"

	"fiberchat.example/fiberchat/chat"
	"fiberchat.example/fiberchat/internal/stomp"
)

// confirmTask is a confirmation on its way to the store.
type confirmTask struct {
	confirmation chat.Confirmation
	receipt      string
	part         bool // of an ACK, whose last confirmation answers the receipt
	from         *client
}

// handleConfirm is step 4.
func (c *client) handleConfirm(f *stomp.Frame) {
	msgID, id, fault := parseConfirm(f.Body)
	if fault != nil {
		c.chat.metrics.Confirmations.Refused.Inc()
		c.refuseConfirm(msgID, f.Receipt(), fault)
		return
	}
	t := &confirmTask{receipt: f.Receipt(), confirmation: chat.Confirmation{ChatID: msgID, ID: id}}
	if id == 0 {
		t.confirmation.Sent = c.feed.Sent()
	}
	c.confirm(t)
}

// refuseConfirm answers one that cannot be read, and so confirms nothing: its
// JSON may be as long as a frame.
func (c *client) refuseConfirm(msgID, receipt string, fault *failure) {
	if c.chat.unknownConfirms.take(c.identity.User.ID, 1, c.session.Done()) {
		c.refuse(msgID, receipt, fault)
	}
}

func (c *client) confirm(t *confirmTask) {
	t.from, t.confirmation.ReceiverID, t.confirmation.Time = c, c.identity.User.ID, now()
	if c.mayConfirm() {
		c.submit(t)
	}
}

// mayConfirm waits while too many of the user's confirmations changed nothing;
// false when the session is over.
func (c *client) mayConfirm() bool {
	if c.chat.unknownConfirms.low(c.identity.User.ID) {
		c.drain() // what is at the store may cost the tokens that this one needs
	}
	return c.chat.unknownConfirms.await(c.identity.User.ID, c.session.Done())
}

// Op implements commit.Task.
func (t *confirmTask) Op() chat.Op { return chat.Op{Confirm: &t.confirmation} }

// Done implements commit.Task: step 5, and what the sender hears of it.
func (t *confirmTask) Done(r *chat.Result, err error) {
	c := t.from
	defer c.release()
	defer c.chat.recovered("report a confirmation")
	// Both before the client hears of it, and goes on.
	switch {
	case errors.Is(err, chat.ErrNotFound), err == nil && !r.Changed:
		c.chat.unknownConfirms.charge(c.identity.User.ID, 1)
	case err == nil:
		c.chat.pendings.confirmed(c.identity.User.ID)
	}
	receipt := t.receipt
	if t.part && err == nil {
		receipt = ""
	}
	c.answer(aboutConfirmStatus, t.confirmation.ChatID, receipt, err, failNoMessage)
	if err == nil && (r.Changed || c.unsure) {
		c.chat.delivered(&r.Message, r.Message.ConfirmedAt)
	}
	c.chat.hooks.confirmed.add(c.identity.User.ID, t.confirmation.ChatID, r, err)
	// From here on a repetition may be of what was stored after all.
	if isUnknown(err) {
		c.unsure = true
		c.log().Error("store confirmation", "error", err)
	}
	c.chat.count(&c.chat.metrics.Confirmations, r, err)
}
