package fiberchat

import (
	"context"
	"crypto/rand"
	"encoding/hex"
	"errors"
	"fmt"

	"fiberchat.example/fiberchat/chat"
)

var errToSelf = chat.Refuse(failToSelf.name, failToSelf.text)

// Send is SendAs with a msgID of its own, so each call sends another message.
func (ch *Chat) Send(ctx context.Context, from, to int64, content string) (chat.Message, error) {
	var serial [20]byte
	_, _ = rand.Read(serial[:]) // never fails
	return ch.SendAs(ctx, from, to, hex.EncodeToString(serial[:]), content)
}

// SendAs stores and delivers a message for server code: from and to are user
// ids that the Directory knows. CanSend, BeforeSave and Limits.SendRate do not
// apply. msgID, 1 to 64 printable ASCII characters without space, is from's own
// serial: the same call again returns the message that is stored under it, and
// sends nothing, also after a restart; so it may be repeated until it succeeds.
//
// It may take Timeouts.Store, also when ctx ends before. The error wraps
// chat.ErrNotFound when a user is not known, and chat.ErrConflict when from has
// used the msgID for another receiver or content (with BeforeSave, which may
// have changed the content: for another receiver); any other error means that the
// message is not known to be stored.
func (ch *Chat) SendAs(ctx context.Context, from, to int64, msgID, content string) (chat.Message, error) {
	if ch.isClosing() {
		return chat.Message{}, ErrClosed
	}
	if !validMsgID(msgID) {
		return chat.Message{}, errors.New("fiberchat: msgID must be 1 to 64 printable ASCII characters without space")
	}
	if err := ch.checkContent(content); err != nil {
		return chat.Message{}, err
	}
	sender, receiver, err := ch.pair(ctx, from, to)
	if err != nil {
		return chat.Message{}, err
	}
	type outcome struct {
		message chat.Message
		err     error
	}
	reported := make(chan outcome, 1)
	task := &sendTask{
		chat: ch,
		message: chat.Message{
			ChatID: msgID, Content: content, Time: now(),
			SenderID: from, SenderName: sender.Name, ReceiverID: to, ReceiverName: receiver.Name,
		},
		done: func(r *chat.Result, err error) {
			if err != nil {
				reported <- outcome{err: fmt.Errorf("fiberchat: store message: %w", err)}
				return
			}
			reported <- outcome{message: r.Message}
		},
	}
	if err := ch.committer.Submit(task, false); err != nil {
		return chat.Message{}, ErrClosed
	}
	select {
	case o := <-reported:
		return o.message, o.err
	case <-ctx.Done():
		return chat.Message{}, ctx.Err()
	}
}

// MayWrite asks CanSend for server code, such as a handler of REST or of typing
// notices. It returns nil when from may write to to, what CanSend refused with (an
// error that is chat.ErrForbidden by errors.Is) when not, such an error too when
// they are the same user, an error that wraps
// chat.ErrNotFound when one of them is not known, and any other error when it
// could not find out. Limits are not asked about.
func (ch *Chat) MayWrite(ctx context.Context, from, to int64) error {
	if ch.isClosing() {
		return ErrClosed
	}
	sender, receiver, err := ch.pair(ctx, from, to)
	if err != nil || ch.cfg.CanSend == nil {
		return err
	}
	err = ch.call(ctx, "CanSend", func(ctx context.Context) error { return ch.cfg.CanSend(ctx, sender, receiver) })
	if err != nil {
		return fmt.Errorf("fiberchat: ask CanSend: %w", err)
	}
	return nil
}

// pair finds two users who are to talk to each other.
func (ch *Chat) pair(ctx context.Context, from, to int64) (sender, receiver chat.User, err error) {
	if from == to {
		return sender, receiver, errToSelf
	}
	if sender, err = ch.receivers.find(ctx, from); err != nil {
		return sender, receiver, fmt.Errorf("fiberchat: find user %d: %w", from, err)
	}
	if receiver, err = ch.receivers.find(ctx, to); err != nil {
		return sender, receiver, fmt.Errorf("fiberchat: find user %d: %w", to, err)
	}
	return sender, receiver, nil
}

var errBadContent = errors.New("fiberchat: not a content")

// checkContent holds the server's own code to what clients may send.
func (ch *Chat) checkContent(content string) error {
	if content == "" || len(content) > ch.cfg.Limits.Content || !validText(content) {
		return fmt.Errorf("%w: must be 1 to %d bytes of UTF-8 without NUL", errBadContent, ch.cfg.Limits.Content)
	}
	return nil
}

// Conversation returns messages between two users, both ways, at most limit:
// those of page, see chat.Page.
func (ch *Chat) Conversation(ctx context.Context, userID, otherID int64, page chat.Page, limit int) ([]chat.Message, error) {
	if ch.isClosing() {
		return nil, ErrClosed
	}
	return ch.cfg.Store.Conversation(ctx, userID, otherID, page, limit)
}
