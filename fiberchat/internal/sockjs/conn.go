package sockjs

import (
	"bytes"
	"net"
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
	for {
		s.mu.Lock()
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
