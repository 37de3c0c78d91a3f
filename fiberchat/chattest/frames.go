package chattest

import "time"

// What follows sees the frames one by one, in the order that they came: for
// tests of the protocol itself.

// Bare leaves a client of Dial without CONNECT and subscriptions.
func Bare() Option { return func(o *options) { o.bare = true } }

// Raw sends text as one message of the door.
func (c *Client) Raw(text string) {
	c.t.Helper()
	if err := c.Conn.Raw(text); err != nil {
		c.t.Fatal("chattest:", err)
	}
}

// Frame returns the next frame, whatever it is.
func (c *Client) Frame() Frame {
	c.t.Helper()
	return c.await("a frame", func(Frame) bool { return true })
}

// Ended waits for the end of the connection, and returns the frames that came
// before and how it ended: an error that is [ErrEnded], and [Closed] where the
// server has closed it.
func (c *Client) Ended() ([]Frame, error) {
	c.t.Helper()
	rest := c.kept
	c.kept = nil
	timeout := time.NewTimer(c.patience)
	defer timeout.Stop()
	for {
		select {
		case f, ok := <-c.frames:
			if !ok {
				return rest, c.err
			}
			rest = append(rest, f)
		case <-timeout.C:
			c.t.Fatalf("chattest: the connection does not end within %v; meanwhile %d frames came", c.patience, len(rest))
		}
	}
}
