package fiberchat

import (
	"context"
	"errors"
	"fmt"
	"time"

	"fiberchat.example/fiberchat/chat"
)

var errNoConversations = errors.New("fiberchat: the Store is no chat.Conversations: it has no lists of conversations and notes nothing as read")

// conversations is the Store where it offers chat.Conversations, else nil.
func (ch *Chat) conversations() chat.Conversations {
	store, _ := ch.cfg.Store.(chat.Conversations)
	return store
}

// MarkRead notes that readerID has read what senderID sent to it, up to the
// message with id upTo: durably, only forward, and no further than what is
// stored now. Sessions of both that subscribed to it are notified, on all
// nodes; it confirms nothing. An error means that it is not known to be noted,
// or that the Store is no chat.Conversations.
func (ch *Chat) MarkRead(ctx context.Context, readerID, senderID, upTo int64) error {
	if err := ch.askable(); err != nil {
		return err
	}
	if err := ch.markRead(ctx, readerID, senderID, upTo, nil); err != nil {
		return fmt.Errorf("fiberchat: mark read: %w", err)
	}
	return nil
}

// Conversations returns the conversations of a user by their last message's
// id, newest first, at most limit of them: those whose last message has an id
// below before, or from the newest where that is 0. The Before of the next page
// is the last one's Last.ID. It is an error when the Store is no
// chat.Conversations.
func (ch *Chat) Conversations(ctx context.Context, userID, before int64, limit int) ([]chat.Summary, error) {
	if err := ch.askable(); err != nil {
		return nil, err
	}
	return ch.conversations().Conversations(ctx, userID, before, limit)
}

func (ch *Chat) askable() error {
	if ch.isClosing() {
		return ErrClosed
	}
	if ch.conversations() == nil {
		return errNoConversations
	}
	return nil
}

// markRead notes it and notifies the sessions of both, except for the one that
// it comes from.
func (ch *Chat) markRead(ctx context.Context, readerID, senderID, upTo int64, from *client) error {
	var changed bool
	readUpTo, err := guard(func() (id int64, err error) {
		id, changed, err = ch.conversations().MarkRead(ctx, readerID, senderID, upTo)
		return id, err
	})
	if err != nil || !changed {
		return err
	}
	body := appendRead(nil, readerID, senderID, readUpTo, time.Now())
	users := []int64{senderID, readerID}
	if senderID == readerID {
		users = users[:1]
	}
	for _, userID := range users {
		ch.notifyOthers(userID, from, aboutRead, body)
		ch.node.add(entry{kind: entryRead, userID: userID, body: body})
	}
	ch.node.flush()
	return nil
}

// notifyOthers notifies a user's sessions on this node, except for one.
func (ch *Chat) notifyOthers(userID int64, except *client, about subject, body []byte) {
	for _, c := range ch.hub.Of(userID) {
		if c != except {
			c.notify(about, body)
		}
	}
}
