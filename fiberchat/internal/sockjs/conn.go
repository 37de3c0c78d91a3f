package sockjs

import (
	"bytes"
	"net"
	"time"
)

// Conn is one session as a connection. Its methods are those that package
// stomp wants of one. Read and Unread are for one goroutine and WriteMessages
// for one, the others for any. Messages must be UTF-8.
type Conn interface {
	// Watch names the function to call at signs of life that Read does not
	// show.
	Watch(alive func())
	// Read reads the client's messages, whose boundaries are gone. After
	// Close it returns net.ErrClosed, and io.EOF after the client left.
	Read(p []byte) (int, error)
	// WriteMessages makes each element one string of an a[...] frame.
	WriteMessages(msgs [][]byte) error
	// TryWriteMessages is WriteMessages where that need not wait, else it does
	// nothing and reports false, as always over HTTP.
	TryWriteMessages(msgs [][]byte) bool
	// Ping reports false for all transports except for WebSocket.
	Ping() (can bool, err error)
	// Unread reports whether something came that Read has not returned.
	Unread() bool
	// Close may be called any number of times; the first call's code and
	// reason count. Queued messages go out before the close frame, and later
	// requests get that frame again until the session is forgotten.
	Close(code int, reason string) error
}

// push appends the messages of a client's body to what the session reads,
// and waits until there is space for it. stop ends the wait. One body at a time
// may wait, as SockJS clients send them, so that a session whose reader takes
// its time holds no more.
func (s *session) push(body []byte, stop <-chan struct{}) error {
	patience := time.NewTimer(s.server.cfg.WriteTimeout)
	defer patience.Stop()
	s.mu.Lock()
	if s.waiting {
		s.mu.Unlock()
		return errBusy
	}
	for s.err == nil && s.in.Len() > 0 && s.in.Len()+len(body) > s.server.cfg.MaxInbound {
		s.waiting = true
		s.mu.Unlock()
		up := true
		select {
		case <-s.inSpace:
		case <-s.over:
		case <-stop:
			up = false
		case <-patience.C:
			up = false
		}
		s.mu.Lock()
		s.waiting = false
		if !up {
			s.mu.Unlock()
			return errBusy
		}
	}
	if s.err != nil {
		left := s.left
		s.mu.Unlock()
		if left {
			// An iframe is not told that its stream broke (htmlfile): it learns
			// here or never, for it makes no other request.
			return errLeft
		}
		return nil // the close frame tells the client
	}
	before := s.dec
	s.in.Grow(len(body))
	decoded, err := s.dec.array(s.in.AvailableBuffer(), body)
	if err != nil {
		s.dec = before
	} else {
		s.in.Write(decoded)
		s.readable.notify()
	}
	alive := s.alive
	s.mu.Unlock()
	if err == nil && alive != nil {
		alive()
	}
	return err
}

func (s *session) Unread() bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.in.Len() > 0
}

func (s *session) Watch(alive func()) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.alive = alive
}

func (s *session) Read(p []byte) (int, error) {
	for {
		s.mu.Lock()
		if s.err == net.ErrClosed {
			s.mu.Unlock()
			return 0, net.ErrClosed
		}
		if s.in.Len() > 0 {
			n, err := s.in.Read(p)
			if s.in.Len() == 0 && s.in.Cap() > keepBuffer {
				s.in = bytes.Buffer{}
			}
			s.mu.Unlock()
			s.inSpace.notify()
			return n, err
		}
		err := s.err
		s.mu.Unlock()
		if err != nil {
			return 0, err
		}
		select {
		case <-s.readable:
		case <-s.over:
		}
	}
}

// WriteMessages returns when the messages are queued. It need not wait for a
// receiver to take them: what is queued is lost only together with the session.
func (s *session) WriteMessages(msgs [][]byte) error {
	defer s.wake.notify()
	for _, msg := range msgs {
		if err := s.queue(msg); err != nil {
			return err
		}
	}
	return nil
}

func (s *session) queue(msg []byte) error {
	for waited := false; ; waited = true {
		s.mu.Lock()
		if waited {
			s.waiting = false
		}
		if s.err != nil {
			s.mu.Unlock()
			return net.ErrClosed
		}
		if len(s.out) == 0 || len(s.out)+len(msg) < s.server.cfg.MaxOutbound {
			if len(s.out) > 0 {
				s.out = append(s.out, ',')
			}
			s.out = appendString(s.out, msg)
			s.mu.Unlock()
			return nil
		}
		s.mu.Unlock()
		s.wake.notify()
		// This ends: a receiver that takes nothing is cut by its write
		// time-out, and a session without one by the disconnect delay.
		select {
		case <-s.outSpace:
		case <-s.over:
		}
	}
}

// TryWriteMessages leaves it to WriteMessages.
func (s *session) TryWriteMessages([][]byte) bool { return false }

// Ping is what h frames and the disconnect delay do without being asked.
func (s *session) Ping() (bool, error) { return false, nil }

func (s *session) Close(code int, reason string) error {
	s.shut(code, reason)
	return nil
}

func (s *session) shut(code int, reason string) { s.end(net.ErrClosed, code, reason) }
