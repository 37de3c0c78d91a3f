package chattest

import (
	"context"
	"crypto/rand"
	"encoding/json"
	"errors"
	"fmt"
	"net"
	"net/url"
	"sync"
	"time"
)

// ErrEnded is what reads and writes of a connection that has ended return;
// where the server has closed it, [Closed] stands behind it.
var ErrEnded = errors.New("chattest: the connection has ended")

// Closed is the server's close, of a WebSocket or of a SockJS session.
type Closed struct{ Code int }

func (c Closed) Error() string { return fmt.Sprint("closed with ", c.Code) }

// Refused is a door's HTTP answer in place of a connection: 401 where the
// token is not good.
type Refused struct{ Status int }

func (r Refused) Error() string { return fmt.Sprint("refused with HTTP status ", r.Status) }

// ServerError is an ERROR frame.
type ServerError struct{ Token, Text string }

func (e ServerError) Error() string { return "ERROR " + e.Token + ": " + e.Text }

// link carries messages over one transport. One goroutine reads, one at a
// time writes.
type link interface {
	write(text string) error
	// read returns the next messages, or how it ended.
	read() ([]string, error)
	// leave closes it as a browser does, cut without a word. Both are safe
	// while others read and write, which they end, and may be repeated.
	leave()
	cut()
}

// Conn is a connection through one of the doors. One goroutine at a time may
// read, any may write and close.
type Conn struct {
	link     link
	patience time.Duration
	writing  sync.Mutex
	unread   []string
}

// Open opens a door at addr, host and port, with a token, and says nothing
// yet: Connect does. ctx is for the opening alone. A door that does not open
// gives [Refused] or, through SockJS, [Closed].
func Open(ctx context.Context, addr, token string, opts ...Option) (*Conn, error) {
	var o options
	for _, option := range opts {
		option(&o)
	}
	if o.dial == nil {
		o.dial = new(net.Dialer).DialContext
	}
	if o.session == "" {
		o.session = rand.Text()
	}
	if o.patience > 0 {
		var cancel context.CancelFunc
		ctx, cancel = context.WithTimeout(ctx, o.patience)
		defer cancel()
	}
	l, err := o.open(ctx, addr+o.prefix, "?srect="+url.QueryEscape(token))
	if err != nil {
		return nil, fmt.Errorf("open a door: %w", err)
	}
	return &Conn{link: l, patience: o.patience}, nil
}

// Connect sends CONNECT, without heart-beats, and subscribes. It does not wait
// for the answer.
func (c *Conn) Connect(destinations ...string) error {
	if err := c.Write("CONNECT\naccept-version:1.2\nhost:chattest\nheart-beat:0,0\n\n"); err != nil {
		return err
	}
	return c.Subscribe(destinations...)
}

// Subscribe sends a SUBSCRIBE for each destination, which is its id as well.
func (c *Conn) Subscribe(destinations ...string) error {
	for _, d := range destinations {
		if err := c.Write("SUBSCRIBE\nid:" + d + "\ndestination:" + d + "\n\n"); err != nil {
			return err
		}
	}
	return nil
}

// Init asks for what is not confirmed; the receipt follows the last of it.
func (c *Conn) Init(receipt string) error {
	return c.Write("SEND\ndestination:/socket/chat/init\nreceipt:" + receipt + "\n\n")
}

// Send is step 1.
func (c *Conn) Send(msgID string, to int64, content string) error {
	text, err := json.Marshal(content)
	if err != nil {
		return fmt.Errorf("encode content: %w", err)
	}
	return c.Write(fmt.Sprintf("SEND\ndestination:/socket/chat/send\n\n"+`{"msgID":%q,"reciverId":%d,"content":%s}`, msgID, to, text))
}

// Confirm is step 4; id 0 leaves it to the server which message is meant.
func (c *Conn) Confirm(msgID string, id int64) error {
	body := fmt.Sprintf(`{"msgID":%q,"id":%d}`, msgID, id)
	if id == 0 {
		body = fmt.Sprintf(`{"msgID":%q}`, msgID)
	}
	return c.Write("SEND\ndestination:/socket/chat/recive\n\n" + body)
}

// Write sends frames, and adds the NUL to each.
func (c *Conn) Write(frames ...string) error {
	c.writing.Lock()
	defer c.writing.Unlock()
	for _, f := range frames {
		if err := c.raw(f + "\x00"); err != nil {
			return err
		}
	}
	return nil
}

// Raw sends text as one message of the door, whatever it holds.
func (c *Conn) Raw(text string) error {
	c.writing.Lock()
	defer c.writing.Unlock()
	return c.raw(text)
}

// Binary is Raw as a binary message, which the native door alone takes.
func (c *Conn) Binary(message []byte) error {
	ws, ok := c.link.(*wsLink)
	if !ok || ws.sockJS {
		return errors.New("chattest: SockJS takes no binary messages")
	}
	c.writing.Lock()
	defer c.writing.Unlock()
	return ws.binary(message)
}

func (c *Conn) raw(text string) error {
	defer c.bound()()
	if err := c.link.write(text); err != nil {
		return fmt.Errorf("%w: write: %w", ErrEnded, err)
	}
	return nil
}

// bound ends the connection when its patience is over, unless the function it
// returns was called.
func (c *Conn) bound() (done func()) {
	if c.patience == 0 {
		return func() {}
	}
	timer := time.AfterFunc(c.patience, c.link.cut)
	return func() { timer.Stop() }
}

// Read returns the next frame, heart-beats left out. An ERROR frame comes with
// a [ServerError].
func (c *Conn) Read() (Frame, error) {
	defer c.bound()()
	f, err := c.read()
	if err == nil && f.Command == "ERROR" {
		err = ServerError{f.Headers["message"], f.Body}
	}
	return f, err
}

func (c *Conn) read() (Frame, error) {
	for {
		for len(c.unread) > 0 {
			text := c.unread[0]
			c.unread = c.unread[1:]
			if text != "\n" {
				return ParseFrame(text), nil
			}
		}
		var err error
		if c.unread, err = c.link.read(); err != nil {
			return Frame{}, fmt.Errorf("%w: read: %w", ErrEnded, err)
		}
	}
}

// Until reads to the first frame for which found is true, which it returns.
func (c *Conn) Until(found func(Frame) bool) (Frame, error) {
	for {
		f, err := c.Read()
		if err != nil || found(f) {
			return f, err
		}
	}
}

// Leave closes the connection as a browser does, with a close frame where
// there is one; reads and writes end.
func (c *Conn) Leave() { c.link.leave() }

// Cut ends the connection without a word, as a network does.
func (c *Conn) Cut() { c.link.cut() }
