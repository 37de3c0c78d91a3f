package fiberchat

import (
	"context"
	"time"

	"fiberchat.example/fiberchat/chat"
	"fiberchat.example/fiberchat/internal/stomp"
)

// sendTask is a message on its way to the store.
type sendTask struct {
	chat    *Chat
	message chat.Message
	receipt string
	from    *client                   // nil for a message of the server's own
	done    func(*chat.Result, error) // unless from is set
}

// handleSend is step 1: check, and hand over to the committer.
func (c *client) handleSend(f *stomp.Frame) {
	b, fault := parseSend(f.Body, c.chat.cfg.Limits.Content)
	receipt := f.Receipt()
	if !c.chat.sends.take(c.identity.User.ID, 1, c.session.Done()) {
		return
	}
	if fault == nil && !c.chat.sendBytes.take(c.identity.User.ID, len(b.content), c.session.Done()) {
		return
	}
	var to chat.User
	if fault == nil {
		to, fault = c.chat.checkSend(c.identity.User, b.receiverID)
		if fault != nil && c.chat.accepted(c.identity.User, b.msgID) {
			to, fault = chat.User{ID: b.receiverID}, nil // it is answered as it was
		}
	}
	if fault != nil {
		c.chat.metrics.Sends.Refused.Inc()
		c.refuse(b.msgID, receipt, fault)
		return
	}
	from := c.identity.User
	c.submit(&sendTask{
		chat: c.chat, from: c, receipt: receipt,
		message: chat.Message{
			ChatID: b.msgID, Content: b.content, Time: now(),
			SenderID: from.ID, SenderName: from.Name,
			ReceiverID: to.ID, ReceiverName: to.Name,
		},
	})
}

// checkSend finds the receiver and asks whether from may write to it.
func (ch *Chat) checkSend(from chat.User, receiverID int64) (to chat.User, f *failure) {
	if receiverID == from.ID {
		return to, failToSelf
	}
	to, known := ch.receivers.remembered(receiverID)
	if known && ch.cfg.CanSend == nil {
		if ok, _ := ch.pendings.spend(to.ID); ok {
			return to, nil // nobody is asked: no deadline is needed
		}
	}
	ctx, cancel := context.WithTimeout(ch.ctx, ch.cfg.Timeouts.Store)
	defer cancel()
	to, err := ch.receivers.find(ctx, receiverID)
	if err != nil {
		f = ch.failureOf(err, failNoReceiver)
		if f != failNoReceiver {
			ch.cfg.Logger.Error("find receiver", "error", err, "user", from.ID)
		}
		return to, f
	}
	if f := ch.mayWrite(ctx, from, to); f != nil {
		return to, f
	}
	return to, ch.pendings.allow(ctx, to)
}

// accepted reports whether the user's message is stored already. It is asked
// about those that would be refused.
func (ch *Chat) accepted(from chat.User, msgID string) bool {
	store, ok := ch.cfg.Store.(chat.Counter)
	if !ok {
		return false
	}
	ctx, cancel := context.WithTimeout(ch.ctx, ch.cfg.Timeouts.Store)
	defer cancel()
	stored, err := guard(func() (bool, error) { return store.Stored(ctx, from.ID, msgID) })
	if err != nil {
		ch.cfg.Logger.Error("look for a message", "error", err, "user", from.ID)
	}
	return stored
}

// mayWrite asks CanSend, if there is one.
func (ch *Chat) mayWrite(ctx context.Context, from, to chat.User) *failure {
	if ch.cfg.CanSend == nil {
		return nil
	}
	_, err := guard(func() (struct{}, error) { return struct{}{}, ch.cfg.CanSend(ctx, from, to) })
	if err == nil {
		return nil
	}
	return ch.ruling(err, "CanSend", from.ID)
}

// now is the server's clock as the wire has it: whole milliseconds, UTC.
func now() time.Time { return time.Now().UTC().Truncate(time.Millisecond) }

// Op implements commit.Task.
func (t *sendTask) Op() chat.Op { return chat.Op{Save: &t.message} }

// Done implements commit.Task: steps 3 and 2.
func (t *sendTask) Done(r *chat.Result, err error) {
	if t.from != nil {
		defer t.from.release()
	}
	defer t.chat.recovered("report a message")
	// Step 2 before step 3.
	if t.from == nil {
		t.done(r, err)
	} else {
		t.from.answer(aboutSendStatus, t.message.ChatID, t.receipt, err, failNoReceiver)
	}
	switch {
	case err == nil && r.Changed:
		t.chat.deliver(&r.Message, r.Previous, t.from)
	case isUnknown(err):
		t.chat.commitUnknown(t.message.ReceiverID)
		t.chat.cfg.Logger.Error("store message", "error", err, "user", t.message.SenderID)
	}
	t.chat.count(&t.chat.metrics.Sends, r, err)
}

// submit hands an operation to the committer; its Done calls release.
func (c *client) submit(t interface {
	Op() chat.Op
	Done(*chat.Result, error)
}) {
	c.inFlight <- struct{}{}
	if err := c.chat.committer.Submit(t, c.session.More()); err != nil {
		t.Done(nil, err)
	}
}

// release makes space for another operation in flight.
func (c *client) release() { <-c.inFlight }

// answer reports to the session what became of an operation.
func (c *client) answer(about subject, msgID, receipt string, err error, notFound *failure) {
	if err != nil {
		c.fail(msgID, receipt, c.chat.failureOf(err, notFound))
		return
	}
	c.notify(about, appendSuccess(nil, msgID))
	c.session.Receipt(receipt)
}
