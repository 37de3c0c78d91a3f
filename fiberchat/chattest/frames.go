package chattest

import (
	"testing"
	"time"
)

// What follows sees the frames one by one, in the order that they came: for
// tests of the protocol itself.

// NewClient is a client on an open connection, until the test ends. Unlike
// Dial it says nothing: not even CONNECT.
func NewClient(t testing.TB, conn *Conn) *Client {
	c := &Client{
		Conn: conn, t: t, patience: conn.patience,
		frames: make(chan Frame, maxQueued), done: make(chan struct{}), subs: make(map[string]chan []byte),
	}
	if c.patience == 0 {
		c.patience = defaultPatience
	}
	go c.read() // ends with the connection; joined by Cut, which the clean-up calls
	t.Cleanup(c.Cut)
	return c
}

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
