package sockjs

import (
	"encoding/binary"
	"time"

	"github.com/fasthttp/websocket"
)

// A peer gets this long to take the close frame and to answer it.
const closeTimeout = time.Second

// headRoom stands before a payload, so that the frame's header finds its
// place and both are one write.
const headRoom = "          "

// frameOf writes the header of a server's whole frame (RFC 6455, 5.2) into
// the end of the room before its payload.
func frameOf(opcode byte, b []byte) []byte {
	const fin = 0x80
	switch n := len(b) - len(headRoom); {
	case n < 126:
		b = b[len(headRoom)-2:]
		b[1] = byte(n)
	case n < 1<<16:
		b = b[len(headRoom)-4:]
		b[1] = 126
		binary.BigEndian.PutUint16(b[2:], uint16(n))
	default:
		b[1] = 127
		binary.BigEndian.PutUint64(b[2:], uint64(n))
	}
	b[0] = fin | opcode
	return b
}

// send writes a short message. mu is held.
func (w *socket) send(opcode byte, payload []byte) error {
	return w.write(opcode, append([]byte(headRoom), payload...))
}

// write sends one message, whose payload stands behind headRoom. mu is held.
func (w *socket) write(opcode byte, b []byte) error {
	for rest := frameOf(opcode, b); len(rest) > 0; {
		piece := rest[:min(len(rest), maxBatch)]
		err := w.allow()
		if err == nil {
			_, err = w.conn.Write(piece)
		}
		if err != nil {
			// Half a frame may be out, which nothing can follow.
			w.stop()
			w.deadlines(time.Unix(1, 0))
			return err
		}
		rest = rest[len(piece):]
	}
	return nil
}

// allow gives a write its time, or what the end of the session leaves of it,
// which it may have set a moment ago and must not be undone.
func (w *socket) allow() error {
	w.wake.Lock()
	defer w.wake.Unlock()
	by := w.closeBy
	if by.IsZero() {
		by = time.Now().Add(w.timeout)
	}
	return w.conn.SetWriteDeadline(by)
}

// deadlines limits all reads and writes from now on.
func (w *socket) deadlines(t time.Time) {
	w.wake.Lock()
	defer w.wake.Unlock()
	if !w.released {
		w.closeBy = t
		_ = w.conn.SetDeadline(t) // fails only on a connection that is closed already
	}
}

func (w *socket) Close(code int, reason string) error {
	w.shut(code, reason)
	return nil
}

func (w *socket) shut(code int, reason string) { w.farewell(closeFrame(code, reason), code) }

// farewell sends the SockJS close frame, unless there is none because the
// peer has closed, and WebSocket's, and gives the peer a moment to answer,
// for which the reader waits.
func (w *socket) farewell(frame []byte, code int) {
	if !w.closing.CompareAndSwap(false, true) {
		return
	}
	// A write that is stuck gets no longer than the close frame itself.
	w.deadlines(time.Now().Add(closeTimeout))
	w.mu.Lock()
	defer w.mu.Unlock()
	if w.closed {
		return
	}
	w.stop()
	w.deadlines(time.Now().Add(closeTimeout))
	if frame == nil || w.send(websocket.TextMessage, frame) == nil {
		_ = w.send(websocket.CloseMessage, websocket.FormatCloseMessage(code, ""))
	}
}

// abort ends the connection without a word.
func (w *socket) abort() {
	w.closing.Store(true)
	w.deadlines(time.Unix(1, 0))
	w.mu.Lock()
	defer w.mu.Unlock()
	w.stop()
}

// stop lets nothing more out. mu is held.
func (w *socket) stop() {
	w.closed = true
	if w.beat != nil {
		w.beat.Stop()
	}
}

// finish reads until the peer has answered the close frame, because a
// connection closed with octets unread is reset and the frame may be lost.
// Then it lets go of the connection, which a Close from elsewhere may still
// be writing to.
func (w *socket) finish() {
	for {
		if _, _, err := w.ws.NextReader(); err != nil {
			break
		}
	}
	w.mu.Lock()
	defer w.mu.Unlock()
	w.stop()
	w.wake.Lock()
	defer w.wake.Unlock()
	w.released = true
}
