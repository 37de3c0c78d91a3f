package stomp

import "time"

// Fail ends the session with an ERROR frame and a close.
func (s *Session) Fail(e *Error) {
	s.out.mu.Lock()
	defer s.out.mu.Unlock()
	s.putError(e)
}

// expelTime is how long a client that is sent away may take to read what is
// queued; the transport allows it a second for the close.
const expelTime = time.Second

// Expel is Fail for a client that must not stay, however slowly it reads.
func (s *Session) Expel(e *Error) {
	s.out.mu.Lock()
	defer s.out.mu.Unlock()
	s.putError(e)
	if s.expelAt == 0 {
		s.expelAt = s.now() + expelTime
		if s.timer != nil && s.live() { // without one Run sees to it
			s.timer.Reset(expelTime)
		}
	}
}

// putError queues an ERROR and ends the session in the same hold, so that
// nothing follows it. The caller holds out.mu.
func (s *Session) putError(e *Error) {
	if !s.out.ending {
		s.out.failed = e
	}
	s.putLocked(func(b []byte) []byte { return appendError(b, e, s.dec.Version) })
	s.endLocked(e.Code, e.Token)
}

// Close ends the session; what is queued goes out first.
func (s *Session) Close(code int, reason string) { s.end(code, reason) }

// Abort ends the session now; what is queued is dropped.
func (s *Session) Abort(reason string) {
	s.out.mu.Lock()
	defer s.out.mu.Unlock()
	s.out.end(CloseInternal, reason)
	s.cut()
}

// cut closes the connection under the writer, which may be stuck in a write,
// and does not wait for it: the caller may be delivering to others too. The
// caller holds out.mu.
func (s *Session) cut() {
	if s.live() {
		s.work.Go(s.closeConn) // waited for by Run
	}
}

// live reports whether Run waits for what is started: before its end, or while
// it still waits for the writer. The caller holds out.mu.
func (s *Session) live() bool { return !s.out.gone || s.out.writing }

func (s *Session) end(code int, reason string) {
	s.out.mu.Lock()
	defer s.out.mu.Unlock()
	s.endLocked(code, reason)
}

func (s *Session) endLocked(code int, reason string) {
	if !s.out.ending {
		s.out.end(code, reason)
		s.startWriter()
	}
}

// Over reports whether the session has ended or is about to.
func (s *Session) Over() bool {
	s.out.mu.Lock()
	defer s.out.mu.Unlock()
	return s.out.ending
}

// Dropped reports whether the session ended because the client was too slow.
func (s *Session) Dropped() bool {
	s.out.mu.Lock()
	defer s.out.mu.Unlock()
	return s.out.dropped
}

// Failed returns the ERROR that ended the session, nil when none did.
func (s *Session) Failed() *Error {
	s.out.mu.Lock()
	defer s.out.mu.Unlock()
	return s.out.failed
}

// Done is closed when the session is over.
func (s *Session) Done() <-chan struct{} { return s.out.done }
