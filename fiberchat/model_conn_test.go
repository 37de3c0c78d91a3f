package fiberchat

import (
	"io"
	"net"
	"strings"
	"sync"
)

// modelConn is a client's connection without a network. Its reading side may
// be slow: then it takes nothing until it is released.
type modelConn struct {
	session *modelSession
	in      chan []byte
	left    chan struct{} // the client is gone
	closed  chan struct{} // by the server

	mu       sync.Mutex
	rest     []byte
	slow     chan struct{} // not nil while the client takes nothing
	leaving  sync.Once
	shutting sync.Once
}

func newModelConn(s *modelSession) *modelConn {
	return &modelConn{session: s, in: make(chan []byte, 4096), left: make(chan struct{}), closed: make(chan struct{})}
}

func (c *modelConn) Watch(func()) {}

func (c *modelConn) Read(p []byte) (int, error) {
	c.mu.Lock()
	rest := c.rest
	c.mu.Unlock()
	if len(rest) == 0 {
		select {
		case rest = <-c.in:
		case <-c.left:
			return 0, io.EOF
		case <-c.closed:
			return 0, net.ErrClosed
		}
	}
	n := copy(p, rest)
	c.mu.Lock()
	defer c.mu.Unlock()
	c.rest = rest[n:]
	return n, nil
}

// Unread reports whether Read would return at once.
func (c *modelConn) Unread() bool {
	c.mu.Lock()
	defer c.mu.Unlock()
	return len(c.rest) > 0 || len(c.in) > 0
}

func (c *modelConn) TryWriteMessages(msgs [][]byte) bool {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.slow != nil || c.over() {
		return false
	}
	c.session.receive(msgs)
	return true
}

func (c *modelConn) WriteMessages(msgs [][]byte) error {
	for {
		c.mu.Lock()
		slow := c.slow
		if slow == nil {
			defer c.mu.Unlock()
			if c.over() {
				return net.ErrClosed
			}
			c.session.receive(msgs)
			return nil
		}
		c.mu.Unlock()
		select {
		case <-slow:
		case <-c.left:
			return net.ErrClosed
		case <-c.closed:
			return net.ErrClosed
		}
	}
}

func (c *modelConn) over() bool {
	select {
	case <-c.left:
		return true
	case <-c.closed:
		return true
	default:
		return false
	}
}

func (c *modelConn) Ping() (bool, error) { return false, nil }

func (c *modelConn) Close(code int, reason string) error {
	c.shutting.Do(func() {
		c.session.ended(code, reason)
		close(c.closed)
	})
	return nil
}

// leave ends the connection from the client's side, without a word.
func (c *modelConn) leave() { c.leaving.Do(func() { close(c.left) }) }

// pause makes the client slow, or releases it.
func (c *modelConn) pause(slow bool) {
	c.mu.Lock()
	defer c.mu.Unlock()
	switch {
	case slow && c.slow == nil:
		c.slow = make(chan struct{})
	case !slow && c.slow != nil:
		close(c.slow)
		c.slow = nil
	}
}

// modelFrame is a server's frame. What the model names has nothing to escape.
type modelFrame struct {
	command, body string
	headers       []string
}

func parseModelFrame(b []byte) modelFrame {
	head, body, _ := strings.Cut(string(b), "\n\n")
	lines := strings.Split(head, "\n")
	return modelFrame{lines[0], strings.TrimSuffix(body, "\x00"), lines[1:]}
}

func (f modelFrame) header(name string) string {
	for _, line := range f.headers {
		if value, ok := strings.CutPrefix(line, name+":"); ok {
			return value
		}
	}
	return ""
}
