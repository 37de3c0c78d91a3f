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

// One WebSocket message carries at most about so many octets of messages, and
// one write no more, so that a slow client is seen to make progress.
const maxBatch = 64 << 10

// socket is one session of the websocket transport, which lives and ends with
// its connection. Reading is the session's reader's alone, and through the
// library; writes go straight to the socket, because the library would undo a
// deadline that another goroutine has shortened.
type socket struct {
	ws      *websocket.Conn
	conn    net.Conn // below ws: the one to write to and to wake
	limit   int
	timeout time.Duration // of writes
	every   time.Duration // between h frames
	alive   func()
	in      bytes.Buffer // octets to be read
	dec     decoder
	message bytes.Buffer // one WebSocket message

	closing atomic.Bool // the session ends; what is read is not looked at
	pong    atomic.Pointer[[]byte]

	mu     sync.Mutex // held while writing
	out    []byte
	closed bool // nothing more is written
	beat   *time.Timer

	wake     sync.Mutex // held while setting deadlines
	closeBy  time.Time  // once the session ends, the limit of every write
	released bool       // the connection belongs to fasthttp again
}

func newSocket(ws *websocket.Conn, cfg *Config) *socket {
	w := &socket{ws: ws, conn: unwrap(ws.NetConn()), limit: cfg.MaxInbound, timeout: cfg.WriteTimeout, every: cfg.HeartBeat}
	ws.SetPingHandler(func(data string) error {
		w.sawLife()
		w.answerPing([]byte(data))
		return nil
	})
	ws.SetPongHandler(func(string) error { w.sawLife(); return nil })
	ws.SetCloseHandler(func(int, string) error { return nil }) // receive answers
	return w
}

// open sends the open frame and begins to beat.
func (w *socket) open() {
	w.mu.Lock()
	defer w.unlock()
	if w.closed {
		return
	}
	w.beat = time.AfterFunc(w.every, w.heartBeat)
	_ = w.send(websocket.TextMessage, []byte{'o'}) // Read tells that the client is gone
}

// heartBeat needs no waiting for: once closed is set under mu it does nothing.
func (w *socket) heartBeat() {
	w.mu.Lock()
	defer w.unlock()
	if !w.closed && w.send(websocket.TextMessage, []byte{'h'}) == nil {
		w.beat.Reset(w.every)
	}
}

func (w *socket) Watch(alive func()) { w.alive = alive }

func (w *socket) TryWriteMessages([][]byte) bool { return false }

func (w *socket) Unread() bool {
	w.wake.Lock()
	defer w.wake.Unlock()
	return !w.released && unread(w.conn)
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
		w.farewell(nil, closed.Code)
		return io.EOF
	case err != nil:
		w.abort() // of a breach of its protocol the library has told the client
		return fmt.Errorf("read websocket: %w", err)
	case w.closing.Load():
		return nil // waiting for the peer to answer the close frame
	}
	n, err := w.message.ReadFrom(io.LimitReader(r, int64(w.limit)+1))
	defer func() {
		w.message.Reset()
		if w.message.Cap() > keepBuffer {
			w.message = bytes.Buffer{}
		}
	}()
	if err != nil {
		w.abort()
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
	octets, err := w.dec.append(w.in.AvailableBuffer(), w.message.Bytes())
	if err != nil {
		w.abort() // the protocol wants no close frame here
		return fmt.Errorf("decode message: %w", err)
	}
	w.in.Write(octets)
	return nil
}

func (w *socket) WriteMessages(msgs [][]byte) error {
	w.mu.Lock()
	defer w.unlock()
	for i, msg := range msgs {
		if w.closed {
			return net.ErrClosed
		}
		if len(w.out) == 0 {
			w.out = append(append(w.out, headRoom...), 'a', '[')
		} else {
			w.out = append(w.out, ',')
		}
		w.out = appendString(w.out, msg)
		if i < len(msgs)-1 && len(w.out)+len(msgs[i+1]) < maxBatch {
			continue
		}
		err := w.write(websocket.TextMessage, append(w.out, ']'))
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
	w.mu.Lock()
	defer w.unlock()
	if w.closed {
		return true, net.ErrClosed
	}
	return true, w.send(websocket.PingMessage, nil)
}

// unlock lets the next writer in; a ping that came meanwhile is answered.
func (w *socket) unlock() {
	w.mu.Unlock()
	w.flushPong()
}

// answerPing is called by the reader, which must not wait for a slow write;
// of several pings only the last needs an answer (RFC 6455, 5.5.3).
func (w *socket) answerPing(data []byte) {
	w.pong.Store(&data)
	w.flushPong()
}

func (w *socket) flushPong() {
	for w.pong.Load() != nil && !w.closing.Load() && w.mu.TryLock() {
		if data := w.pong.Swap(nil); data != nil && !w.closed {
			_ = w.send(websocket.PongMessage, *data) // Read tells that the client is gone
		}
		w.mu.Unlock()
	}
}
