package fiberchat

import (
	"context"
	"crypto/rand"
	"encoding/hex"
	"errors"
	"fmt"

	"fiberchat.example/fiberchat/chat"
)

// Send stores and delivers a message for server code: from and to are user
// ids that the Directory knows. CanSend and Limits.SendRate do not apply. It may take
// Timeouts.Store, also when ctx ends before. The error wraps chat.ErrNotFound
// when a user is not known; any other error means that the message is not
// known to be stored.
func (ch *Chat) Send(ctx context.Context, from, to int64, content string) (chat.Message, error) {
	if ch.isClosing() {
		return chat.Message{}, ErrClosed
	}
	if content == "" || len(content) > ch.cfg.Limits.Content || !validText(content) {
		return chat.Message{}, fmt.Errorf("fiberchat: content must be 1 to %d bytes of UTF-8 without NUL", ch.cfg.Limits.Content)
	}
	if from == to {
		return chat.Message{}, errors.New("fiberchat: sender and receiver are the same user")
	}
	users := [2]chat.User{}
	for i, id := range [2]int64{from, to} {
		var err error
		if users[i], err = ch.receivers.find(ctx, id); err != nil {
			return chat.Message{}, fmt.Errorf("fiberchat: find user %d: %w", id, err)
		}
	}
	var serial [20]byte
	_, _ = rand.Read(serial[:]) // never fails
	type outcome struct {
		message chat.Message
		err     error
	}
	reported := make(chan outcome, 1)
	task := &sendTask{
		chat: ch,
		message: chat.Message{
			ChatID: hex.EncodeToString(serial[:]), Content: content, Time: now(),
			SenderID: from, SenderName: users[0].Name, ReceiverID: to, ReceiverName: users[1].Name,
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

// Conversation returns messages between two users, both ways, at most limit:
// those of page, see chat.Page.
func (ch *Chat) Conversation(ctx context.Context, userID, otherID int64, page chat.Page, limit int) ([]chat.Message, error) {
	if ch.isClosing() {
		return nil, ErrClosed
	}
	return ch.cfg.Store.Conversation(ctx, userID, otherID, page, limit)
}
