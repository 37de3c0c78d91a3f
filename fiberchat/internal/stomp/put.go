package stomp

// Message queues a MESSAGE with this JSON body; body may be shared.
func (s *Session) Message(sub *Subscription, body []byte) {
	s.put(func(b []byte) []byte {
		s.out.serial++
		return appendMessage(b, sub.head, s.out.serial, body)
	})
}

// Receipt queues a RECEIPT, unless id is empty.
func (s *Session) Receipt(id string) {
	if id != "" {
		s.put(func(b []byte) []byte { return appendReceipt(b, id, s.dec.Version) })
	}
}

// put queues one frame.
func (s *Session) put(appendFrame func([]byte) []byte) {
	s.out.mu.Lock()
	defer s.out.mu.Unlock()
	s.putLocked(appendFrame)
}

// putLocked is put for callers that hold out.mu.
func (s *Session) putLocked(appendFrame func([]byte) []byte) {
	b := s.out.open()
	if b == nil {
		return
	}
	first := s.out.used() == 0
	b.buf = appendFrame(b.buf)
	if !s.out.seal(b) {
		s.cut()
		return
	}
	if !first || !s.writeNow(b) {
		s.startWriter()
	}
	if s.cfg.FramesOut != nil {
		s.cfg.FramesOut.Inc()
	}
}

// Fail ends the session with an ERROR frame and a close.
func (s *Session) Fail(e *Error) { s.fail(e, e.Receipt) }

func (s *Session) fail(e *Error, receipt string) {
	s.out.mu.Lock()
	defer s.out.mu.Unlock()
	s.putError(e, receipt)
}

// putError queues an ERROR and ends the session in the same hold, so that
// nothing follows it. The caller holds out.mu.
func (s *Session) putError(e *Error, receipt string) {
	s.putLocked(func(b []byte) []byte { return appendError(b, e, receipt, s.dec.Version) })
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
	if !s.out.gone {
		s.work.Go(s.closeConn) // waited for by Run
	}
}

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

func (s *Session) over() bool {
	s.out.mu.Lock()
	defer s.out.mu.Unlock()
	return s.out.ending
}

// Done is closed when the session is over.
func (s *Session) Done() <-chan struct{} { return s.out.done }

// Dropped tells that the session ended because the client was too slow.
func (s *Session) Dropped() bool {
	s.out.mu.Lock()
	defer s.out.mu.Unlock()
	return s.out.dropped
}

// Queued returns how many octets wait to be sent.
func (s *Session) Queued() int {
	s.out.mu.Lock()
	defer s.out.mu.Unlock()
	return s.out.used()
}

// WaitRoom blocks until at most half of the queue is in use and reports
// whether the session is still up. One goroutine at a time may wait.
func (s *Session) WaitRoom() bool {
	for {
		free, ending := s.out.half()
		if ending {
			return false
		}
		if free {
			return true
		}
		<-s.out.room
	}
}
