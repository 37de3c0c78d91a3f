package sockjs

import (
	"bufio"
	"bytes"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"strings"
	"time"

	"github.com/valyala/fasthttp"
)

// take gives the messages of a client's body to the session. Clients put all
// that waited for one request into the next, so a body may be of any length:
// up to MaxInbound it is taken as a whole or not at all, and of a longer one as
// many whole messages at a time as that holds. When such a one fails in the
// middle the session is over: nobody could tell where a repetition goes on.
// stop ends the waits for space.
func (s *session) take(body io.Reader, stop <-chan struct{}) error {
	limit := s.server.cfg.MaxInbound
	var buf bytes.Buffer
	for begun := false; ; begun = true {
		_, err := buf.ReadFrom(io.LimitReader(body, int64(limit+1-buf.Len())))
		last, taken := buf.Len() <= limit, 0
		if err != nil {
			err = fmt.Errorf("%w: %w", errCut, err)
		} else {
			taken, err = s.push(buf.Bytes(), begun, last, stop)
		}
		if taken > 0 {
			s.living()
		}
		if err != nil && begun {
			s.lost()
		}
		if err != nil || last || taken == 0 {
			return err
		}
		buf.Next(taken)
	}
}

// push appends the messages of a body, or of a part of it, to what the session
// reads, and returns how much of it was taken: nothing when the session is
// over. It waits until there is space, for as long as the session reads on.
// One body at a time may wait, as SockJS clients send them, so that a session
// whose reader takes its time holds no more.
func (s *session) push(body []byte, begun, last bool, stop <-chan struct{}) (taken int, err error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.taking && !begun && s.err == nil {
		return 0, errBusy
	}
	s.taking = true
	defer func() { s.taking = !last && err == nil }()
	if err = s.space(len(body), stop); err != nil {
		return 0, err
	}
	switch {
	case s.left:
		// In an iframe nothing tells of a broken stream (htmlfile): such a client
		// learns of it here or never, for it makes no other request.
		return 0, errLeft
	case s.err != nil:
		return 0, nil // the close frame tells the client
	}
	before := s.dec
	s.in.Grow(len(body))
	decoded := s.in.AvailableBuffer()
	if taken = len(body); last {
		decoded, err = s.dec.array(decoded, body)
	} else if decoded, taken = s.dec.part(decoded, body); taken == 0 {
		err = errTooLong
	}
	if err != nil {
		s.dec = before
		return 0, err
	}
	s.in.Write(decoded)
	s.readable.notify()
	return taken, nil
}

// space waits until n bytes more may wait to be read, or until the session is
// over. s.mu is held, but while it waits.
func (s *session) space(n int, stop <-chan struct{}) error {
	patience := time.NewTimer(s.server.cfg.WriteTimeout)
	defer patience.Stop()
	for s.err == nil && s.in.Len() > 0 && s.in.Len()+n > s.server.cfg.MaxInbound {
		s.mu.Unlock()
		up := true
		select {
		case <-s.inSpace:
			patience.Reset(s.server.cfg.WriteTimeout)
		case <-s.over:
		case <-stop:
			up = false
		case <-patience.C:
			up = false
		}
		s.mu.Lock()
		if !up {
			return errBusy
		}
	}
	return nil
}

// upload is a body that comes as a stream. What the client sends of it is a
// sign of life: on a slow network it has no other one for minutes.
type upload struct {
	ctx     *fasthttp.RequestCtx
	body    io.Reader
	session *session
}

// Read gives each read its own time: the app's ReadTimeout is for a request
// that nobody holds up.
func (u *upload) Read(p []byte) (int, error) {
	select {
	case <-u.session.over:
		return 0, io.EOF // nobody wants the rest
	default:
	}
	_ = u.ctx.SetReadDeadline(time.Now().Add(u.session.server.cfg.WriteTimeout)) // fails only where the app has given up the request
	n, err := u.body.Read(p)
	if n > 0 {
		u.session.living()
	}
	return n, err
}

// formField reads the field d of a form, decoded, as the form comes: a parser
// of forms makes 50 times as much of one that is all separators.
type formField struct {
	r     *bufio.Reader
	found bool
}

func (f *formField) Read(p []byte) (n int, err error) {
	for !f.found {
		name, err := f.r.Peek(2)
		if string(name) == "d=" {
			f.found = true
			_, _ = f.r.Discard(2) // they were seen
			break
		}
		if err != nil {
			return 0, err
		}
		for err = bufio.ErrBufferFull; errors.Is(err, bufio.ErrBufferFull); {
			_, err = f.r.ReadSlice('&')
		}
		if err != nil {
			return 0, err
		}
	}
	for ; n < len(p); n++ {
		if p[n], err = f.r.ReadByte(); err != nil {
			return n, err
		}
		switch p[n] {
		case '&':
			f.r.Reset(strings.NewReader(""))
			return n, io.EOF
		case '+':
			p[n] = ' '
		case '%':
			if digits, _ := f.r.Peek(2); len(digits) == 2 {
				if _, err := hex.Decode(p[n:n+1], digits); err == nil {
					_, _ = f.r.Discard(2) // they were seen
				}
			}
		}
	}
	return n, nil
}
