package sockjs

import (
	"bytes"
	"errors"
	"io"
	"sync"
	"time"
)

var (
	errTimeout = errors.New("sockjs: client did not come back")
	errBusy    = errors.New("sockjs: too much waits to be read")
)

// A buffer of an idle session that is larger than this is given back.
const keepBuffer = 2 << 10

// slowest is how many bytes a second a client is taken to fetch at least.
const slowest = 8 << 10

type sessionKey struct{ user, credential, id string }

// session is one session of the transports that receive over HTTP. It
// outlives each request and remembers how it ended until it is forgotten.
type session struct {
	server *Server
	key    sessionKey
	over   chan struct{} // closed when err is set

	// A token in one of these says: look again. One waiter each.
	readable signal // inbound bytes
	inSpace  signal // the reader took some
	wake     signal // a frame for the receiver
	outSpace signal // a receiver took what was queued

	mu       sync.Mutex
	alive    func()
	in       bytes.Buffer
	waiting  bool // a body waits for space
	dec      decoder
	opened   bool   // the o frame was sent
	out      []byte // queued messages as JSON strings, a comma between them
	err      error  // why it is over
	farewell []byte // the close frame
	receiver *receiver
	streams  []*stream   // open ones
	idle     *time.Timer // runs while there is no receiver
	idleFrom time.Time
	fetched  time.Time // when even a slow client has what was taken for it
}

// receiver is one request that receives. Its done is closed when it is detached.
type receiver struct{ done chan struct{} }

type signal chan struct{}

func newSignal() signal { return make(signal, 1) }

func (s signal) notify() {
	select {
	case s <- struct{}{}:
	default:
	}
}

func newSession(server *Server, key sessionKey) *session {
	s := &session{
		server:   server,
		key:      key,
		over:     make(chan struct{}),
		readable: newSignal(),
		inSpace:  newSignal(),
		wake:     newSignal(),
		outSpace: newSignal(),
		idleFrom: time.Now(),
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	s.idle = time.AfterFunc(server.cfg.DisconnectDelay, s.expire)
	return s
}

// expire ends a session that no receiver came back to and forgets it.
func (s *session) expire() {
	s.mu.Lock()
	// A receiver that came and went while this waited has set the clock anew.
	stays := s.receiver != nil || time.Since(s.idleFrom) < s.server.disconnectDelay()
	s.mu.Unlock()
	if stays {
		return
	}
	s.end(errTimeout, 1002, "Connection timed out")
	s.server.forget(s)
}

// end ends the session; only the first call counts.
func (s *session) end(err error, code int, reason string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.endLocked(err, code, reason)
}

func (s *session) endLocked(err error, code int, reason string) {
	if s.err != nil {
		return
	}
	s.err, s.farewell = err, closeFrame(code, reason)
	close(s.over)
	s.wake.notify()
	for _, st := range s.streams {
		_ = s.limitLocked(st) // a write that fails finds out
	}
}

// drained reports whether a receiver has taken all messages.
func (s *session) drained() bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	return len(s.out) == 0
}

// lost ends the session of a receiver whose client left: what it was sent
// may not have arrived, so what is queued would come after a gap.
func (s *session) lost() {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.out = nil
	s.endLocked(io.EOF, 1002, "Connection interrupted")
}

// attach makes the caller the session's receiver, or says that there is one.
// One that is just finishing gets a moment: a client polls again as soon as
// it has the last byte. When the session is over anybody may take what is
// left, so there is no receiver then (nil, true).
func (s *session) attach() (*receiver, bool) {
	patience := time.NewTimer(50 * time.Millisecond)
	defer patience.Stop()
	for {
		s.mu.Lock()
		current, alive := s.receiver, s.alive
		if s.err != nil {
			s.mu.Unlock()
			return nil, true
		}
		if current == nil {
			r := &receiver{done: make(chan struct{})}
			s.receiver = r
			s.idle.Stop()
			s.mu.Unlock()
			if alive != nil {
				alive()
			}
			return r, true
		}
		s.mu.Unlock()
		select {
		case <-current.done:
		case <-patience.C:
			return nil, false
		}
	}
}

// detach lets the next receiver in. It is called before the response ends.
func (s *session) detach(r *receiver) {
	if r == nil {
		return
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.receiver != r {
		return
	}
	s.receiver = nil
	close(r.done)
	// What was written may still wait in the kernel or in a proxy: a client
	// that is fetching it has not left.
	s.startClock(max(0, time.Until(s.fetched)))
}

// startClock gives the client that long, and the disconnect delay. s.mu is held.
func (s *session) startClock(fetches time.Duration) {
	if s.server.hurried.Load() {
		fetches = 0
	}
	s.idleFrom = time.Now().Add(fetches)
	s.idle.Reset(fetches + s.server.disconnectDelay())
}

// hurry is Server.Hurry for one session.
func (s *session) hurry() {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.receiver == nil {
		s.startClock(0)
	}
}

// fetching notes that n bytes are handed out. s.mu is held.
func (s *session) fetching(n int) {
	now := time.Now()
	fetches := max(0, s.fetched.Sub(now)) + time.Duration(n)*time.Second/slowest
	s.fetched = now.Add(min(fetches, s.server.cfg.WriteTimeout))
}

// dequeue appends the next frame for the client to dst, if there is one. last
// says that it is the close frame.
func (s *session) dequeue(dst []byte) (frame []byte, last bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	switch {
	case !s.opened:
		s.opened = true
		return append(dst, 'o'), false
	case len(s.out) > 0:
		dst = append(append(append(dst, 'a', '['), s.out...), ']')
		s.fetching(len(s.out))
		s.out = s.out[:0]
		if cap(s.out) > keepBuffer {
			s.out = nil
		}
		s.outSpace.notify()
		return dst, false
	case s.err != nil:
		return append(dst, s.farewell...), true
	}
	return dst, false
}
