package sockjs

import (
	"bytes"
	"errors"
	"fmt"
	"net"
	"sync"
	"time"
	"unicode/utf8"

	"fiberchat.example/fiberchat/internal/ws"
)

// One WebSocket message carries at most about so many bytes of messages.
const maxBatch = 64 << 10

// encoded holds buffers for what is written, so that an idle socket has none.
var encoded = sync.Pool{New: func() any { return new([]byte) }}

// socket is one session of the websocket transport, which lives and ends with
// its connection: SockJS's framing over that.
type socket struct {
	*ws.Conn
	limit int           // of a message
	every time.Duration // between h frames

	// The reader's own.
	message bytes.Buffer // one WebSocket message
	dec     decoder
	in      bytes.Buffer // bytes to be read

	beat *time.Timer // set before anybody else writes
	mu   sync.Mutex  // held while beating
	over bool        // no more beats
}

func newSocket(conn *ws.Conn, cfg *Config) *socket {
	return &socket{Conn: conn, limit: cfg.MaxInbound, every: cfg.HeartBeat}
}

// open sends the open frame and begins to beat.
func (w *socket) open() {
	w.mu.Lock()
	defer w.mu.Unlock()
	_ = w.Conn.WriteMessages([][]byte{{'o'}}) // Read reports that the client is gone
	w.beat = time.AfterFunc(w.every, w.heartBeat)
}

// heartBeat is waited for by finish.
func (w *socket) heartBeat() {
	w.mu.Lock()
	defer w.mu.Unlock()
	if w.over {
		return
	}
	if w.Conn.WriteMessages([][]byte{{'h'}}) != nil {
		_ = w.Close(1011, "write failed") // ends Read, if nobody has
		return
	}
	w.beat.Reset(w.every)
}

// finish ends the connection, when nobody reads or writes any more.
func (w *socket) finish() {
	w.mu.Lock()
	if w.over = true; w.beat != nil {
		w.beat.Stop()
	}
	w.mu.Unlock()
	w.Finish()
}

// Unread also counts what is decoded. It implements Conn, as do the following.
func (w *socket) Unread() bool { return w.in.Len() > 0 || w.Conn.Unread() }

func (w *socket) Read(p []byte) (int, error) {
	for w.in.Len() == 0 {
		if err := w.receive(); err != nil {
			return 0, err
		}
	}
	n, err := w.in.Read(p)
	if w.in.Len() == 0 && w.in.Cap() > keepBuffer {
		w.in = bytes.Buffer{}
	}
	return n, err
}

// receive reads one WebSocket message into in.
func (w *socket) receive() error {
	defer func() {
		w.message.Reset()
		if w.message.Cap() > keepBuffer {
			w.message = bytes.Buffer{}
		}
	}()
	switch err := w.ReadMessage(&w.message, w.limit); {
	case errors.Is(err, ws.ErrTooLong):
		_ = w.Close(1009, "Message too big")
		return net.ErrClosed
	case err != nil:
		return err
	case w.message.Len() == 0:
		return nil
	}
	w.in.Grow(w.message.Len())
	decoded, err := w.dec.arrayOrString(w.in.AvailableBuffer(), w.message.Bytes())
	if err != nil && !utf8.Valid(w.message.Bytes()) {
		_ = w.Close(1007, "Not UTF-8")
		return net.ErrClosed
	}
	if err != nil {
		w.Abort() // the protocol wants no close frame here
		return fmt.Errorf("decode message: %w", err)
	}
	w.in.Write(decoded)
	return nil
}

func (w *socket) WriteMessages(msgs [][]byte) error {
	buf := encoded.Get().(*[]byte)
	defer release(buf)
	for len(msgs) > 0 {
		*buf, msgs = appendBatch((*buf)[:0], msgs)
		if err := w.Conn.WriteMessages([][]byte{*buf}); err != nil {
			return err
		}
		w.beat.Reset(w.every)
	}
	return nil
}

func (w *socket) TryWriteMessages(msgs [][]byte) bool {
	buf := encoded.Get().(*[]byte)
	defer release(buf)
	*buf, msgs = appendBatch((*buf)[:0], msgs)
	if len(msgs) > 0 || !w.Conn.TryWriteMessages([][]byte{*buf}) {
		return false
	}
	w.beat.Reset(w.every)
	return true
}

func release(buf *[]byte) {
	if cap(*buf) <= 2*maxBatch {
		encoded.Put(buf)
	}
}

// appendBatch appends the a frame of as many of msgs as go into one, and
// returns the rest.
func appendBatch(dst []byte, msgs [][]byte) (frame []byte, rest [][]byte) {
	dst = append(dst, 'a', '[')
	for i, msg := range msgs {
		if i > 0 {
			if len(dst)+len(msg) >= maxBatch {
				return append(dst, ']'), msgs[i:]
			}
			dst = append(dst, ',')
		}
		dst = appendString(dst, msg)
	}
	return append(dst, ']'), nil
}

func (w *socket) Close(code int, reason string) error {
	return w.CloseWith(closeFrame(code, reason), code, "")
}
