package fiberchat

import (
	"bytes"

	"fiberchat.example/fiberchat/internal/stomp"
)

// handleInit begins the replay of what is not confirmed.
func (c *client) handleInit(f *stomp.Frame) {
	if body := bytes.TrimSpace(f.Body); len(body) > 0 && string(body) != "null" {
		c.fail("", f.Receipt(), badField("the body of an init must be empty"))
		return
	}
	receipt := f.Receipt()
	c.slowedDown(c.chat.inits.take(c.identity.User.ID, c.session.Done()))
	c.drain() // a confirmation sent before counts
	if err := c.feed.Init(receipt); err != nil {
		c.session.Fail(stomp.NotAllowed("too many inits without a subscription to receive messages"))
	}
}
