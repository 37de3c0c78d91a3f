package fiberchat

import (
	"context"
	"errors"
	"time"

	"fiberchat.example/fiberchat/chat"
	"fiberchat.example/fiberchat/internal/commit"
	"fiberchat.example/fiberchat/internal/stomp"
)

// sendTask is a message on its way to the store.
type sendTask struct {
	chat    *Chat
	message chat.Message
	receipt string
	from    *peer                     // nil for a message of the server's own
	done    func(*chat.Result, error) // unless from is set
}

// handleSend is step 1: check, and hand over to the committer.
func (p *peer) handleSend(f *stomp.Frame) {
	b, fault := parseSend(f.Body, p.chat.cfg.MaxContent)
	if fault == nil {
		fault = p.chat.allowSend(p.identity.User.ID)
	}
	var to chat.User
	if fault == nil {
		to, fault = p.chat.checkSend(p.identity.User, b.receiverID)
		if fault != nil && p.chat.accepted(p.identity.User, b.msgID) {
			to, fault = chat.User{ID: b.receiverID}, nil // it is answered as it was
		}
		if fault == failPending {
			p.chat.metrics.RateLimited.Inc()
		}
	}
	if fault != nil {
		p.chat.metrics.Sends.Refused.Inc()
		p.fail(b.msgID, fault)
		return
	}
	from := p.identity.User
	p.submit(&sendTask{
		chat: p.chat, from: p, receipt: f.Receipt(),
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
	to, online := ch.online(receiverID)
	if online && ch.cfg.CanSend == nil && ch.cfg.MaxPending == 0 {
		return to, nil // nobody is asked: no deadline is needed
	}
	ctx, cancel := context.WithTimeout(ch.ctx, ch.cfg.StoreTimeout)
	defer cancel()
	to, err := ch.userByID(ctx, receiverID)
	if err != nil {
		f = ch.failureOf(err, failNoReceiver)
		if f != failNoReceiver {
			ch.cfg.Logger.Error(errText("find receiver", err), "user", from.ID)
		}
		return to, f
	}
	if f := ch.mayWrite(ctx, from, to); f != nil {
		return to, f
	}
	return to, ch.allowPending(ctx, to)
}

// accepted tells whether the user's message is stored already. It is asked
// about those that would be refused.
func (ch *Chat) accepted(from chat.User, msgID string) bool {
	store, ok := ch.cfg.Store.(chat.Counter)
	if !ok {
		return false
	}
	ctx, cancel := context.WithTimeout(ch.ctx, ch.cfg.StoreTimeout)
	defer cancel()
	stored, err := guard(func() (bool, error) { return store.Stored(ctx, from.ID, msgID) })
	if err != nil {
		ch.cfg.Logger.Error(errText("look for a message", err), "user", from.ID)
	}
	return stored
}

// mayWrite asks CanSend, if there is one.
func (ch *Chat) mayWrite(ctx context.Context, from, to chat.User) *failure {
	if ch.cfg.CanSend == nil {
		return nil
	}
	_, err := guard(func() (struct{}, error) { return struct{}{}, ch.cfg.CanSend(ctx, from, to) })
	switch panicked := (*commit.PanicError)(nil); {
	case err == nil:
		return nil
	case errors.As(err, &panicked):
		ch.cfg.Logger.Error(errText("ask CanSend", err), "user", from.ID)
		return ch.failureOf(err, nil)
	default:
		return failForbidden
	}
}

// online finds a user with a session on this node.
func (ch *Chat) online(id int64) (chat.User, bool) {
	if up := ch.hub.Of(id); len(up) > 0 {
		return up[0].identity.User, true
	}
	return chat.User{}, false
}

// userByID takes a user from the hub when online, else from the Directory.
func (ch *Chat) userByID(ctx context.Context, id int64) (chat.User, error) {
	if u, ok := ch.online(id); ok {
		return u, nil
	}
	if id <= 0 {
		return chat.User{}, chat.ErrNotFound
	}
	return guard(func() (chat.User, error) { return ch.cfg.Directory.UserByID(ctx, id) })
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
	defer t.chat.recovered("tell of a message")
	switch {
	case err == nil && r.Changed:
		t.chat.deliver(&r.Message)
	case isUnknown(err):
		t.chat.doubt(t.message.ReceiverID)
	}
	if t.from == nil {
		t.done(r, err)
	} else {
		t.from.answer(aboutSendStatus, t.message.ChatID, t.receipt, err, failNoReceiver)
	}
	t.chat.count(&t.chat.metrics.Sends, r, err)
	t.chat.logFailure("store message", err)
}

// submit hands an operation to the committer; its Done releases the slot.
func (p *peer) submit(t interface {
	Op() chat.Op
	Done(*chat.Result, error)
}) {
	p.slots <- struct{}{}
	if err := p.chat.committer.Submit(t, p.session.More()); err != nil {
		t.Done(nil, err)
	}
}

// release frees the slot of an operation.
func (p *peer) release() { <-p.slots }

// answer tells the session what became of an operation.
func (p *peer) answer(about subject, msgID, receipt string, err error, notFound *failure) {
	if err != nil {
		p.fail(msgID, p.chat.failureOf(err, notFound))
		return
	}
	p.tell(about, appendSuccess(nil, msgID))
	p.session.Receipt(receipt)
}
