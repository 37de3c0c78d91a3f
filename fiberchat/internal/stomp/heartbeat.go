package stomp

import "time"

// startClock begins to watch the time, with the wait for CONNECT.
func (s *Session) startClock() {
	s.out.mu.Lock()
	defer s.out.mu.Unlock()
	wait := s.cfg.ConnectTimeout
	if s.expelAt != 0 {
		wait = expelTime
	}
	s.timer = time.AfterFunc(wait, s.onTimer)
}

// setBeat begins the heart-beats, once the client has connected.
func (s *Session) setBeat(beat heartBeat) {
	s.out.mu.Lock()
	defer s.out.mu.Unlock()
	s.connected, s.beat = true, beat
	s.lastWrite, s.lastPing = s.now(), s.now()
	s.rewind()
}

// onTimer holds out.mu, under which all of this is quick; Run stops the timer
// in the same way.
func (s *Session) onTimer() {
	s.out.mu.Lock()
	defer s.out.mu.Unlock()
	if s.expelAt != 0 && s.now() >= s.expelAt {
		s.cut()
	}
	s.rewind()
}

// rewind does what is due and sets the timer for what comes next. The caller
// holds out.mu.
func (s *Session) rewind() {
	if s.out.ending {
		return
	}
	if next := s.tick(); !s.out.ending {
		s.timer.Reset(next)
	}
}

// tick does what is due by the clock and returns when to look again.
func (s *Session) tick() time.Duration {
	if !s.connected {
		s.putError(&Error{Token: "connect-timeout", Text: "no CONNECT frame came in time", Code: ClosePolicy})
		return 0
	}
	return min(s.tickOut(), s.tickIn())
}

// tickOut beats: a little early rather than late, since clients close at 1.5
// times the interval.
func (s *Session) tickOut() time.Duration {
	if s.beat.out == 0 {
		return maxBeat
	}
	every := s.beat.out - s.beat.out/10
	idle := s.now() - s.lastWrite
	if idle < every {
		return every - idle
	}
	if s.out.used() == 0 { // else the writer is at it
		if b := s.out.open(); b != nil {
			b.buf = append(b.buf, '\n') // STOMP 1.2, Heart-beating
			s.out.seal(b)
			s.startWriter()
		}
	}
	return every
}

// tickIn watches for silence. A client that does not beat, or more rarely than
// pings find who is gone, is pinged, where the transport can. So is one that
// beats and has fallen silent, once: a browser answers also where the timers of
// a hidden page stand still.
func (s *Session) tickIn() time.Duration {
	limit, next := 2*s.beat.in, maxBeat
	silent := time.Since(s.SilentSince())
	switch every := s.cfg.PingInterval; {
	case s.noPing && s.beat.in == 0:
		return maxBeat // such a transport finds silent peers by itself
	case s.noPing:
	case s.beat.in == 0 || s.beat.in > every:
		limit, next = 2*every, every-(s.now()-s.lastPing)
		if next <= 0 {
			next = every
			s.askPing()
		}
	case silent < s.beat.in*3/2:
		next = s.beat.in*3/2 - silent
	case s.now()-s.lastPing >= silent: // none since it fell silent
		s.askPing()
	}
	if silent > limit {
		s.putError(&Error{Token: "no-heart-beat", Text: "nothing came from the client for too long", Code: CloseProtocolError})
		return 0
	}
	// One past the limit, so that a peer exactly at it is not looked at twice.
	return min(next, limit-silent+time.Millisecond)
}

func (s *Session) askPing() {
	s.lastPing, s.out.ping = s.now(), true
	s.startWriter()
}

// ping is the writer's.
func (s *Session) ping() error {
	can, err := s.conn.Ping()
	if !can {
		s.out.mu.Lock()
		s.noPing = true
		s.out.mu.Unlock()
	}
	return err
}

// SilentSince returns when something came from the client last; that is now,
// while its frames are being carried out.
func (s *Session) SilentSince() time.Time {
	since := s.waiting.Load()
	if since == 0 {
		return time.Now()
	}
	return s.begun.Add(time.Duration(since) - 1)
}

// alive notes a sign of life that is no data.
func (s *Session) alive() {
	if since := s.waiting.Load(); since != 0 {
		s.waiting.CompareAndSwap(since, int64(s.now()))
	}
}

// now is the time since the session began, never 0.
func (s *Session) now() time.Duration { return time.Since(s.begun) + 1 }
