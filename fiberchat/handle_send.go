package fiberchat

import (
	"context"
	"errors"
	"time"

	"fiberchat.example/fiberchat/chat"
	"fiberchat.example/fiberchat/internal/stomp"
)

// sendTask is a message on its way to the store.
type sendTask struct {
	chat    *Chat
	message chat.Message
	receipt string
	begun   bool                      // in sending
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
	from := c.identity.User
	t := &sendTask{
		chat: c.chat, from: c, receipt: receipt,
		message: chat.Message{
			ChatID: b.msgID, Content: b.content, Time: now(),
			SenderID: from.ID, SenderName: from.Name, ReceiverID: b.receiverID,
		},
	}
	if fault == nil && c.chat.cfg.BeforeSave != nil {
		if !c.chat.sending.begin(operation{from.ID, b.msgID}, c.session.Done()) {
			return
		}
		t.begun = true
	}
	if fault == nil {
		fault = c.chat.admitMessage(from, &t.message)
	}
	if fault != nil {
		t.end()
		c.chat.metrics.Sends.Refused.Inc()
		c.refuse(b.msgID, receipt, fault)
		return
	}
	c.submit(t)
}

// end lets the same message be sent again.
func (t *sendTask) end() {
	if t.begun {
		t.chat.sending.end(operation{t.message.SenderID, t.message.ChatID})
	}
}

// admitMessage asks whoever has a say whether a client's message may be stored,
// and completes it. One that is stored already is answered as it was.
func (ch *Chat) admitMessage(from chat.User, m *chat.Message) *failure {
	if ch.cfg.BeforeSave != nil {
		switch old, err := ch.stored(from.ID, m.ChatID); {
		case err != nil:
			return ch.tryAgain(err)
		case old != nil:
			m.Content = old.Content // Apply finds it, or that it had another receiver
			return nil
		}
	}
	to, fault := ch.checkSend(from, m.ReceiverID)
	if fault != nil {
		if ch.cfg.BeforeSave == nil {
			switch old, err := ch.stored(from.ID, m.ChatID); {
			case err != nil:
				return ch.tryAgain(err) // it may have been accepted before
			case old != nil:
				return nil
			}
		}
		return fault
	}
	m.ReceiverName = to.Name
	if ch.cfg.BeforeSave != nil {
		return ch.beforeSave(m)
	}
	return nil
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

// mayWrite asks CanSend, if there is one.
func (ch *Chat) mayWrite(ctx context.Context, from, to chat.User) *failure {
	if ch.cfg.CanSend == nil {
		return nil
	}
	err := ch.call(ctx, "CanSend", func(ctx context.Context) error { return ch.cfg.CanSend(ctx, from, to) })
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
	t.end()
	if errors.Is(err, chat.ErrConflict) && t.chat.cfg.BeforeSave != nil && t.sameReceiver(&r.Message) {
		err = nil // two nodes had it at once, and BeforeSave made two contents of it
	}
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
	t.chat.hooks.saved.add(t.message.SenderID, t.message.ChatID, r, err)
	t.chat.count(&t.chat.metrics.Sends, r, err)
}

// sameReceiver reports whether stored is a message that t repeats, as far as
// BeforeSave leaves that to be seen.
func (t *sendTask) sameReceiver(stored *chat.Message) bool {
	return stored.ChatID == t.message.ChatID && stored.ReceiverID == t.message.ReceiverID
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
