package stomp

import "time"

// Waiting returns for how long the reader has been waiting for octets, 0
// while it is at work.
func (s *Session) Waiting() time.Duration {
	since := s.waiting.Load()
	if since == 0 {
		return 0
	}
	return s.now() - time.Duration(since)
}

// Left tells that the reader has ended: what it had not handled is dropped.
func (s *Session) Left() bool { return s.left.Load() }

// Unread tells whether the connection holds something that the reader has not
// seen, false where it cannot tell.
func (s *Session) Unread() bool {
	c, ok := s.conn.(interface{ Unread() bool })
	return ok && c.Unread()
}

// More tells whether the client has sent more than the frame that the Handler
// has. It is for the Handler's methods alone.
func (s *Session) More() bool { return s.dec.start < s.dec.end || s.Unread() }

// Turn returns a mark for Handled: take it after Unread told that there is
// nothing.
func (s *Session) Turn() uint64 { return s.turn.Load() }

// Handled tells that all that had come when the turn was taken is handled,
// though the client may go on sending: the reader has begun to wait since, or
// it has been waiting for a while. The while is for what the transport has
// buffered. Only the latter counts where conn is not Buffered.
func (s *Session) Handled(turn uint64, while time.Duration) bool {
	return s.turn.Load() > turn || s.Waiting() >= while
}

// alive notes a sign of life that is no data.
func (s *Session) alive() {
	if since := s.waiting.Load(); since != 0 {
		s.waiting.CompareAndSwap(since, int64(s.now()))
	}
}

// now is the time since the session began, never 0.
func (s *Session) now() time.Duration { return time.Since(s.begun) + 1 }
