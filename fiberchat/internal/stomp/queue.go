package stomp

// Message queues a MESSAGE with this JSON body; body may be shared. id, if it
// is not 0, is what OnAck is called with.
func (s *Session) Message(sub *Subscription, id int64, body []byte) {
	s.put(func(b []byte) []byte {
		s.out.serial++
		return appendMessage(b, sub, s.dec.Version, s.out.serial, id, body)
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

// Queued returns how many bytes wait to be sent.
func (s *Session) Queued() int {
	s.out.mu.Lock()
	defer s.out.mu.Unlock()
	return s.out.used()
}

// WaitSpace blocks until n more bytes fit into half of the queue, or nothing is
// queued, and reports whether the session is still up. Those who wait take turns.
func (s *Session) WaitSpace(n int) bool {
	s.out.turn <- struct{}{}
	defer func() { <-s.out.turn }()
	for {
		free, ending := s.out.half(n)
		if ending {
			return false
		}
		if free {
			return true
		}
		<-s.out.space
	}
}
