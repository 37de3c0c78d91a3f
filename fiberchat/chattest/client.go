package chattest

import (
	"crypto/rand"
	"errors"
	"slices"
	"strconv"
	"sync"
	"testing"
	"time"

	"fiberchat.example/fiberchat/chat"
)

// maxKept is how many frames a client keeps that nobody has asked for yet;
// maxQueued is how many it reads ahead, and each subscription's channel.
const (
	maxKept   = 10_000
	maxQueued = 10_000
)

// Client is one session of a user. Its methods are for the goroutine of the
// test, one at a time: each of them fails the test when what it waits for does
// not come within the client's Patience. What comes meanwhile is kept for the
// methods that ask for it, up to 10,000 frames.
type Client struct {
	// Conn is the connection; the client reads from it, any goroutine may
	// write to it.
	Conn *Conn

	t        testing.TB
	patience time.Duration
	serial   int     // of receipts and subscriptions
	kept     []Frame // read while something else was waited for

	frames chan Frame    // closed when the connection has ended
	err    error         // why, once frames is closed
	done   chan struct{} // closed by Cut: what comes is dropped
	stop   sync.Once

	mu   sync.Mutex
	subs map[string]chan []byte // those of Subscribe, by id
}

// Cut ends the connection without a word, and waits until it is over here.
func (c *Client) Cut() { c.end(c.Conn.Cut) }

// Close ends the connection as a browser does that leaves the page.
func (c *Client) Close() { c.end(c.Conn.Leave) }

func (c *Client) end(how func()) {
	c.stop.Do(func() { close(c.done) })
	how()
	for range c.frames {
	}
}

func (c *Client) read() {
	defer func() {
		close(c.frames)
		c.mu.Lock()
		defer c.mu.Unlock()
		for _, sub := range c.subs {
			close(sub)
		}
		c.subs = nil
	}()
	for {
		f, err := c.Conn.read()
		if err != nil {
			c.err = err
			return
		}
		c.mu.Lock()
		sub := c.subs[f.Headers["subscription"]]
		c.mu.Unlock()
		if sub != nil && f.Command == "MESSAGE" {
			select {
			case sub <- []byte(f.Body):
			case <-c.done:
			}
			continue
		}
		select {
		case c.frames <- f:
		case <-c.done:
		}
	}
}

func (c *Client) connect() {
	c.t.Helper()
	c.write(c.Conn.Connect(SendStatus, ReceiveStatus, Failures))
	hello := c.await("CONNECTED", func(f Frame) bool { return f.Command == "CONNECTED" })
	user := hello.Headers["user-id"]
	if user == "" {
		user = hello.Headers["user-name"]
	}
	if user == "" {
		c.t.Fatal("chattest: CONNECTED does not say who this is:", hello)
	}
	c.withReceipt("SUBSCRIBE\nid:" + Inbox(user) + "\ndestination:" + Inbox(user))
}

// withReceipt sends a frame without body, and waits until it is carried out.
func (c *Client) withReceipt(head string) {
	c.t.Helper()
	c.serial++
	receipt := "receipt-" + strconv.Itoa(c.serial)
	c.write(c.Conn.Write(head + "\nreceipt:" + receipt + "\n\n"))
	c.await("the receipt of "+strconv.Quote(head), func(f Frame) bool { return f.Receipt() == receipt })
}

// write fails the test, unless the connection has ended: why it has is there
// to be read.
func (c *Client) write(err error) {
	c.t.Helper()
	switch {
	case errors.Is(err, ErrEnded):
		c.t.Log("chattest:", err)
	case err != nil:
		c.t.Fatal("chattest:", err)
	}
}

// await returns the first frame for which found is true, and keeps the others.
func (c *Client) await(what string, found func(Frame) bool) Frame {
	c.t.Helper()
	if i := slices.IndexFunc(c.kept, found); i >= 0 {
		f := c.kept[i]
		c.kept = slices.Delete(c.kept, i, i+1)
		return f
	}
	timeout := time.NewTimer(c.patience)
	defer timeout.Stop()
	for {
		var f Frame
		var ok bool
		select {
		case f, ok = <-c.frames:
		case <-timeout.C:
			c.t.Fatalf("chattest: within %v there is no sign of %s; not asked for: %v", c.patience, what, c.kept[max(0, len(c.kept)-3):])
		}
		switch {
		case !ok:
			c.t.Fatalf("chattest: waiting for %s: %v", what, c.err)
		case found(f):
			return f
		case f.Command == "ERROR":
			c.t.Fatalf("chattest: waiting for %s: %v", what, ServerError{f.Headers["message"], f.Body})
		case len(c.kept) == maxKept:
			c.t.Fatalf("chattest: waiting for %s: %d other frames came", what, maxKept)
		}
		c.kept = append(c.kept, f)
	}
}

// Send is step 1: it sends a message to a user and waits for step 2, or for
// the failure. The Status has the msgID that it was sent under.
func (c *Client) Send(to int64, content string) Status {
	c.t.Helper()
	return c.Resend(rand.Text(), to, content)
}

// Resend is Send under a msgID of the caller's: where it was used before, with
// the same receiver and content, nothing more is stored.
func (c *Client) Resend(msgID string, to int64, content string) Status {
	c.t.Helper()
	c.write(c.Conn.Send(msgID, to, content))
	return c.status(SendStatus, msgID)
}

// Next returns the next message to this user, in the order that they came; it
// waits for one if there is none.
func (c *Client) Next() chat.Message {
	c.t.Helper()
	m, err := c.await("a message", Frame.IsMessage).Message()
	if err != nil {
		c.t.Fatal("chattest:", err)
	}
	return m
}

// Confirm is step 4: it confirms a message and waits for step 5, or for the
// failure.
func (c *Client) Confirm(m chat.Message) Status {
	c.t.Helper()
	c.write(c.Conn.Confirm(m.ChatID, m.ID))
	return c.status(ReceiveStatus, m.ChatID)
}

func (c *Client) status(destination, msgID string) (s Status) {
	c.t.Helper()
	c.await("an answer to "+msgID, func(f Frame) bool {
		if !f.On(destination) && !f.On(Failures) {
			return false
		}
		var err error
		if s, err = f.Status(); err != nil {
			c.t.Fatal("chattest:", err)
		}
		return s.MsgID == msgID
	})
	return s
}

// Init asks for all that is not confirmed, and waits until it is here: Next
// returns it.
func (c *Client) Init() {
	c.t.Helper()
	c.withReceipt("SEND\ndestination:/socket/chat/init")
}

// Subscribe subscribes to one more destination, and waits until that is
// carried out. The bodies of its messages come through the channel, which any
// goroutine may read; it is closed when the connection ends. It holds
// 10,000: then the client reads no more until there is space.
func (c *Client) Subscribe(destination string) <-chan []byte {
	c.t.Helper()
	sub := make(chan []byte, maxQueued)
	c.serial++
	id := "subscription-" + strconv.Itoa(c.serial)
	c.mu.Lock()
	if c.subs == nil {
		c.mu.Unlock()
		c.t.Fatal("chattest: subscribe: the connection has ended")
	}
	c.subs[id] = sub
	c.mu.Unlock()
	c.withReceipt("SUBSCRIBE\nid:" + id + "\ndestination:" + destination)
	return sub
}

// Nothing fails the test when anything has come that nobody has asked for: it
// has the server answer something harmless, and wants that answer next. What
// another user was told to be stored may still be on its way: Init before
// Nothing waits for that.
func (c *Client) Nothing() {
	c.t.Helper()
	c.withReceipt("UNSUBSCRIBE\nid:none")
	if len(c.kept) > 0 {
		c.t.Fatal("chattest: want nothing, got", c.kept[0])
	}
}
