package fiberchat

import (
	"bytes"

	"fiberchat.example/fiberchat/internal/stomp"
)

// handleInit begins the replay of what is not confirmed.
func (c *client) handleInit(f *stomp.Frame) {
	if body := bytes.TrimSpace(f.Body); len(body) > 0 && string(body) != "null" {
		c.refuse("", f.Receipt(), badField("the body of an init must be empty"))
		return
	}
	receipt := f.Receipt()
	if !c.chat.inits.take(c.identity.User.ID, 1, c.session.Done()) {
		return
	}
	c.drain() // a confirmation sent before counts
	if err := c.feed.Init(receipt); err != nil {
		e := stomp.NotAllowed("too many inits without a subscription to receive messages")
		e.Receipt = receipt
		c.session.Fail(e)
	}
}
