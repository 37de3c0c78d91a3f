package stomp

import "time"

// startWriter makes sure that someone writes what is queued. An idle session
// has no writer: a goroutine that waits would be a fifth of its memory, and
// starting one costs what waking one does. The caller holds out.mu.
func (s *Session) startWriter() {
	if !s.out.writing {
		s.out.writing = true
		s.work.Go(s.write) // waited for by Run
	}
}

// write sends what is queued until there is nothing, and closes the
// connection when the session is ending.
func (s *Session) write() {
	for {
		b, ping, over := s.out.dequeue()
		var err error
		switch {
		case b != nil:
			err = s.conn.WriteMessages(b.messages())
			s.wrote(b)
		case ping:
			err = s.ping()
		case over:
			s.closeConn()
			return
		default:
			return
		}
		if err != nil {
			s.abandon()
			return
		}
	}
}

// wrote gives back what dequeue handed out.
func (s *Session) wrote(b *batch) {
	s.out.mu.Lock()
	s.out.taken = 0
	s.lastWrite = s.now()
	s.out.mu.Unlock()
	b.release()
	notify(s.out.space)
}

// abandon ends the session when the client cannot be written to.
func (s *Session) abandon() {
	s.out.mu.Lock()
	s.out.end(CloseInternal, "write failed")
	s.out.next, s.out.writing = nil, false
	s.out.mu.Unlock()
	s.closeConn()
}

// closeConn ends the connection with the code the session ended with.
func (s *Session) closeConn() {
	s.out.mu.Lock()
	code, reason := s.out.code, s.out.reason
	s.out.mu.Unlock()
	// The session is over either way; there is nobody left to report to.
	_ = s.conn.Close(code, reason)
}

// burst is how soon after a write another one is taken for the next of many,
// which a writer then sends together.
const burst = 200 * time.Microsecond

// writeNow sends the only frame there is without a writer, if the connection
// takes it at once: at 500 pairs, starting writers was a sixth of the server's
// time. The caller holds out.mu.
func (s *Session) writeNow(b *batch) bool {
	now := s.now()
	if s.out.writing || s.lastWrite > 0 && now-s.lastWrite < burst {
		return false
	}
	if !s.conn.TryWriteMessages(b.messages()) {
		b.msgs = b.msgs[:0]
		return false
	}
	s.out.next = nil
	s.lastWrite = now
	b.release()
	return true
}
