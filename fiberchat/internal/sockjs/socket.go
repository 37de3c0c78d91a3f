package sockjs

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"net"
	"sync"
	"sync/atomic"
	"time"

	"github.com/fasthttp/websocket"
)

// A peer gets this long to take the close frame and to answer it.
const closeTimeout = time.Second

// One WebSocket message carries at most about so many octets of messages, so
// that a slow client is seen to make progress within the write time-out.
const maxBatch = 64 << 10

// socket is one session of the websocket transport, which lives and ends with
// its connection. Reading is the session's reader's alone.
type socket struct {
	ws    *websocket.Conn
	limit int
	every time.Duration // between h frames
	alive func()
	in    bytes.Buffer // octets to be read
	dec   decoder
	raw   bytes.Buffer // one WebSocket message

	closing atomic.Bool // the session ends; what is read is not looked at

	mu     sync.Mutex // held while writing
	out    []byte
	closed bool // nothing more is written
	beat   *time.Timer

	wake     sync.Mutex // held while setting deadlines
	released bool       // the connection belongs to fasthttp again
}

// open sends the open frame and begins to beat.
func (w *socket) open() {
	w.ws.SetPingHandler(func(data string) error {
		w.sawLife()
		err := w.ws.WriteControl(websocket.PongMessage, []byte(data), time.Now().Add(closeTimeout))
		if errors.Is(err, websocket.ErrCloseSent) {
			return nil
		}
		return err
	})
	w.ws.SetPongHandler(func(string) error { w.sawLife(); return nil })
	w.mu.Lock()
	defer w.mu.Unlock()
	if w.closed {
		return
	}
	w.beat = time.AfterFunc(w.every, w.heartBeat)
	if w.write([]byte{'o'}) != nil {
		w.deadlines(time.Unix(1, 0)) // Read tells that the client is gone
	}
}

// heartBeat needs no waiting for: once closed is set under mu it does nothing.
func (w *socket) heartBeat() {
	w.mu.Lock()
	defer w.mu.Unlock()
	switch {
	case w.closed:
	case w.write([]byte{'h'}) != nil:
		w.deadlines(time.Unix(1, 0)) // Read tells that the client is gone
	default:
		w.beat.Reset(w.every)
	}
}

// write sends one message. mu is held.
func (w *socket) write(frame []byte) error {
	timeout := 30 * time.Second
	if w.closing.Load() {
		timeout = closeTimeout
	}
	if err := w.ws.SetWriteDeadline(time.Now().Add(timeout)); err != nil {
		return err
	}
	return w.ws.WriteMessage(websocket.TextMessage, frame)
}

func (w *socket) Watch(alive func()) { w.alive = alive }

func (w *socket) Unread() bool {
	w.wake.Lock()
	defer w.wake.Unlock()
	return !w.released && unread(unwrap(w.ws.NetConn()))
}

func (w *socket) sawLife() {
	if w.alive != nil {
		w.alive()
	}
}

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
	_, r, err := w.ws.NextReader()
	var closed *websocket.CloseError
	switch {
	case err != nil && w.closing.Load():
		return net.ErrClosed
	case errors.As(err, &closed) && closed.Code != websocket.CloseAbnormalClosure:
		return io.EOF
	case err != nil:
		return fmt.Errorf("read websocket: %w", err)
	case w.closing.Load():
		return nil // waiting for the peer to answer the close frame
	}
	n, err := w.raw.ReadFrom(io.LimitReader(r, int64(w.limit)+1))
	defer func() {
		w.raw.Reset()
		if w.raw.Cap() > keepBuffer {
			w.raw = bytes.Buffer{}
		}
	}()
	if err != nil {
		return fmt.Errorf("read websocket: %w", err)
	}
	if n > int64(w.limit) {
		w.shut(1009, "Message too big")
		return nil
	}
	w.sawLife() // a message may be empty
	if n == 0 {
		return nil
	}
	w.in.Grow(int(n))
	octets, err := w.dec.append(w.in.AvailableBuffer(), w.raw.Bytes())
	if err != nil {
		w.abort() // the protocol wants no close frame here
		return fmt.Errorf("decode message: %w", err)
	}
	w.in.Write(octets)
	return nil
}

func (w *socket) WriteMessages(msgs [][]byte) error {
	w.mu.Lock()
	defer w.mu.Unlock()
	for i, msg := range msgs {
		if w.closed {
			return net.ErrClosed
		}
		if len(w.out) == 0 {
			w.out = append(w.out, 'a', '[')
		} else {
			w.out = append(w.out, ',')
		}
		w.out = appendString(w.out, msg)
		if i < len(msgs)-1 && len(w.out)+len(msgs[i+1]) < maxBatch {
			continue
		}
		err := w.write(append(w.out, ']'))
		if w.out = w.out[:0]; cap(w.out) > keepBuffer {
			w.out = nil
		}
		if err != nil {
			return fmt.Errorf("write websocket: %w", err)
		}
		w.beat.Reset(w.every)
	}
	return nil
}

func (w *socket) Ping() (bool, error) {
	if w.closing.Load() {
		return true, net.ErrClosed
	}
	return true, w.ws.WriteControl(websocket.PingMessage, nil, time.Now().Add(30*time.Second))
}

func (w *socket) Close(code int, reason string) error {
	w.shut(code, reason)
	return nil
}

func (w *socket) shut(code int, reason string) { w.farewell(closeFrame(code, reason), code) }

// farewell sends the SockJS close frame and WebSocket's, and gives the peer a
// moment to answer, for which the reader waits.
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
	if w.write(frame) == nil {
		_ = w.ws.WriteControl(websocket.CloseMessage, websocket.FormatCloseMessage(code, ""), time.Now().Add(closeTimeout))
	}
	w.deadlines(time.Now().Add(closeTimeout))
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

func (w *socket) deadlines(t time.Time) {
	w.wake.Lock()
	defer w.wake.Unlock()
	if !w.released {
		_ = w.ws.NetConn().SetDeadline(t) // fails only on a connection that is closed already
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
