package sockjs

import (
	"net"
	"slices"
	"strconv"
	"time"

	"github.com/gofiber/fiber/v2"
	"github.com/valyala/fasthttp"
)

// closeTimeout is how long what is left may take once the session is over.
const closeTimeout = time.Second

// stream is one response that carries frame after frame. It owns the
// hijacked connection and writes the response itself, headers included.
type stream struct {
	t        *transport
	callback string
	conn     net.Conn
	session  *session
	chunked  bool
	limit    int       // bytes left before the client must come again
	buf      []byte    // to be written
	frame    []byte    // one frame, before the transport's framing
	closeBy  time.Time // set when the session is over, under its mu
}

// stream hijacks the connection. What later middleware does to the response's
// headers still counts, because they are read only when all of it is through.
func (s *Server) stream(c *fiber.Ctx, t *transport, session *session, callback string) {
	ctx := c.Context()
	stopping := ctx.Done()
	// fasthttp runs this in a goroutine of its own when the handlers have
	// returned; Close waits for what it let in.
	ctx.HijackSetNoResponse(true)
	ctx.Hijack(func(hijacked net.Conn) {
		conn := unwrap(hijacked)
		defer conn.Close() // a server that keeps hijacked connections does not
		st := &stream{
			t: t, callback: callback, conn: conn, session: session,
			chunked: ctx.Request.Header.IsHTTP11(), limit: s.cfg.StreamLimit,
		}
		if t.callback {
			s.allowFraming(&ctx.Response.Header)
		}
		st.head(&ctx.Response.Header)
		if !s.enter() {
			st.closeBy = time.Now().Add(closeTimeout)
			st.put(frameLeaving)
			st.end()
			return
		}
		defer s.leave("SockJS stream")
		limitSilence(st.conn, s.cfg.WriteTimeout)
		st.serve(s.cfg.HeartBeat, stopping)
	})
}

// head begins the response with its headers and the prelude.
func (st *stream) head(h *fasthttp.ResponseHeader) {
	h.SetStatusCode(fasthttp.StatusOK)
	h.SetContentType(st.t.contentType)
	h.Del(fasthttp.HeaderContentEncoding)
	h.Del(fasthttp.HeaderContentLength)
	h.Del(fasthttp.HeaderETag)
	h.Set("X-Accel-Buffering", "no") // nginx would wait for its buffer to fill
	if st.chunked {
		h.SetContentLength(-1)
		h.SetConnectionClose()
	} else {
		h.SetContentLength(-2) // the end of the connection is the end of the body
	}
	st.buf = h.AppendBytes(make([]byte, 0, 4<<10))
	st.chunk(st.t.prelude(st.callback))
}

func (st *stream) chunk(data []byte) {
	if st.chunked {
		st.buf = strconv.AppendInt(st.buf, int64(len(data)), 16)
		st.buf = append(append(append(st.buf, "\r\n"...), data...), "\r\n"...)
		return
	}
	st.buf = append(st.buf, data...)
}

// serve sends frames until the session is over, the limit is reached or the
// client left, and then ends the response.
func (st *stream) serve(every time.Duration, stopping <-chan struct{}) {
	session := st.session
	session.join(st)
	defer session.part(st)
	gone := make(chan struct{})
	// Notices that the client left. Ends at the past deadline set below.
	go func() {
		defer close(gone)
		discard(st.conn)
	}()
	defer func() {
		_ = st.conn.SetReadDeadline(time.Unix(1, 0)) // fails only on a conn that is closed, which ends it as well
		<-gone
	}()

	r, ok := session.attach()
	if !ok {
		st.put(frameBusy)
		st.end()
		return
	}
	defer session.detach(r)
	heartBeat := time.NewTimer(every)
	defer heartBeat.Stop()
	var grace <-chan time.Time
	for {
		last := false
		for !last && st.limit > 0 {
			if st.frame, last = session.dequeue(st.frame[:0]); len(st.frame) == 0 {
				break
			}
			st.put(st.frame)
		}
		if !st.flush() {
			session.lost()
			return
		}
		if last || st.limit <= 0 {
			select {
			case <-gone: // and with it, perhaps, what was just written
				session.lost()
				return
			default:
			}
			// The client asks again at the last byte: let that one in first.
			session.detach(r)
			st.end()
			return
		}
		heartBeat.Reset(every)
		select {
		case <-session.wake:
		case <-gone:
			session.lost()
			return
		case <-stopping:
			stopping, grace = nil, time.After(shutdownGrace)
		case <-grace:
			session.shut(1001, "going away")
		case <-heartBeat.C:
			st.put([]byte{'h'})
		}
	}
}

// put adds one frame, as a chunk of its own.
func (st *stream) put(frame []byte) {
	framed := st.t.frame(nil, frame, st.callback)
	st.limit -= len(framed)
	st.chunk(framed)
	if cap(st.frame) > keepBuffer {
		st.frame = nil // a slow client is to hold one copy, not two
	}
}

// end writes what is left and the end of the body. The session has its close
// frame or a next receiver already, so a failure here tells nobody anything.
func (st *stream) end() {
	if st.chunked {
		st.buf = append(st.buf, "0\r\n\r\n"...)
	}
	st.flush()
}

// flush writes in pieces, each of which has its own time to make progress.
func (st *stream) flush() bool {
	for rest := st.buf; len(rest) > 0; {
		piece := rest[:min(len(rest), 16<<10)]
		if err := st.session.limit(st); err != nil {
			return false
		}
		if _, err := st.conn.Write(piece); err != nil {
			return false
		}
		rest = rest[len(piece):]
	}
	st.buf = st.buf[:0]
	if cap(st.buf) > keepBuffer {
		st.buf = nil
	}
	return true
}

// join lets the end of the session hurry the stream; part takes that back.
func (s *session) join(st *stream) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.streams = append(s.streams, st)
}

func (s *session) part(st *stream) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.streams = slices.DeleteFunc(s.streams, func(other *stream) bool { return other == st })
}

// limit gives a write its time.
func (s *session) limit(st *stream) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.limitLocked(st)
}

// limitLocked leaves a stream whose session is over no more than a moment for
// all that it still has to write: who ends a session may wait for it.
func (s *session) limitLocked(st *stream) error {
	if s.err != nil && st.closeBy.IsZero() {
		st.closeBy = time.Now().Add(closeTimeout)
	}
	by := st.closeBy
	if by.IsZero() {
		by = time.Now().Add(s.server.cfg.WriteTimeout)
	}
	return st.conn.SetWriteDeadline(by)
}

// discard reads until it fails. A client sends nothing more on a connection
// that streams to it; if it does, nobody is interested.
func discard(conn net.Conn) {
	var buf [256]byte
	for {
		if _, err := conn.Read(buf[:]); err != nil {
			return
		}
	}
}

// unwrap returns the connection that fasthttp wraps for a hijack handler: the
// one that may be read and woken by another goroutine.
func unwrap(hijacked net.Conn) net.Conn {
	return hijacked.(interface{ UnsafeConn() net.Conn }).UnsafeConn()
}
