package fiberchat

import (
	"errors"

	"fiberchat.example/fiberchat/chat"
	"fiberchat.example/fiberchat/internal/stomp"
)

// OnAck implements stomp.Handler: an ACK is step 4 for a message that its
// subscription was sent, and in client mode for those before it too. Nothing
// is remembered for it but ranges of ids: the store knows the rest.
func (c *client) OnAck(sub *stomp.Subscription, id int64, receipt string) {
	if about, _ := subjectOf(sub.Destination, c.identity.User); about == aboutNotices {
		c.ackNotice(sub, id, receipt)
		return
	}
	sent := chat.Confirmation{Sent: c.feed.SentTo(sub)}
	if !sent.WasSent(id) {
		c.session.Receipt(receipt)
		return
	}
	if !c.mayConfirm() {
		return
	}
	var m *chat.Message
	var err error
	c.aside(func() {
		if m, err = c.received(id); err == nil && sub.Ack == stomp.AckClient {
			err = c.confirmBefore(id, &sent, receipt)
		}
	})
	switch {
	case errors.Is(err, chat.ErrNotFound): // the id of somebody else's, between two that were sent
		c.chat.unknownConfirms.charge(c.identity.User.ID, 1)
		c.session.Receipt(receipt)
	case err != nil:
		c.refuse("", receipt, c.chat.failureOf(err, nil))
	default:
		c.confirm(&confirmTask{receipt: receipt, confirmation: chat.Confirmation{ChatID: m.ChatID, ID: id}})
	}
}

const ackPage = 8 // messages, with their contents, read at once

// confirmBefore confirms what a subscription was sent before a message and is
// not confirmed.
func (c *client) confirmBefore(id int64, sent *chat.Confirmation, receipt string) error {
	c.drain() // a confirmation sent before counts
	for after, full := sent.Sent[0].After, true; full; {
		page, err := c.page(c.chat.cfg.Store.Pending, after, ackPage)
		if err != nil {
			return err
		}
		full = len(page) == ackPage
		for i := range page {
			after = page[i].ID
			if after >= id {
				return nil
			}
			if sent.WasSent(after) {
				c.confirm(&confirmTask{receipt: receipt, part: true, confirmation: chat.Confirmation{ChatID: page[i].ChatID, ID: after}})
			}
		}
	}
	return nil
}

// received returns the message to the user with this id.
func (c *client) received(id int64) (*chat.Message, error) {
	page, err := c.page(c.chat.cfg.Store.Inbox, id-1, 1)
	if err != nil {
		return nil, err
	}
	if len(page) == 0 || page[0].ID != id {
		return nil, chat.ErrNotFound
	}
	return &page[0], nil
}
