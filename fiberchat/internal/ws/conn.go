package ws

import (
	"errors"
	"io"
	"net"
	"os"
	"strings"
	"sync"
	"sync/atomic"
	"syscall"
	"time"

	"github.com/fasthttp/websocket"
)

const (
	// writeTimeout is how long a write may make no progress.
	writeTimeout = 30 * time.Second
	// deadlineSlack saves moving the deadline at every write.
	deadlineSlack = time.Second
	// closeTimeout is how long the peer may take to read the close frame.
	closeTimeout = time.Second
	// lingerBytes is how much of what a peer still sends is read after the
	// close: closing a socket with unread data resets it, and a reset takes
	// the ERROR frame with it.
	lingerBytes = 1 << 20
)

// Conn is one WebSocket connection. The library reads; writes go straight to
// the socket, since a server's frame is a header of at most 10 octets and
// several of them then cost one system call.
type Conn struct {
	ws  *websocket.Conn
	raw net.Conn // the socket itself: valid also after the handler returned

	// The reader's own.
	message io.Reader
	alive   func()

	closed atomic.Bool
	once   sync.Once

	writing  sync.Mutex
	deadline time.Time // of writes, under writing
	cut      bool      // within a frame, under writing
	pong     atomic.Pointer[[]byte]

	direct syscall.RawConn // for writes that do not wait; nil where there is none
	rests  sync.WaitGroup  // of writes that the socket took in part
}

func newConn(c *websocket.Conn) *Conn {
	raw := c.NetConn()
	if u, ok := raw.(interface{ UnsafeConn() net.Conn }); ok {
		// Closing a hijacked connection does nothing while its handler runs;
		// deadlines on the connection below do.
		raw = u.UnsafeConn()
	}
	conn := &Conn{ws: c, raw: raw, alive: func() {}}
	if tcp, ok := raw.(*net.TCPConn); ok {
		conn.direct, _ = tcp.SyscallConn() // without it writes wait, no more
	}
	c.SetPingHandler(func(data string) error {
		conn.alive()
		conn.answerPing([]byte(data))
		return nil
	})
	c.SetPongHandler(func(string) error { conn.alive(); return nil })
	c.SetCloseHandler(func(int, string) error { return nil }) // Close answers
	return conn
}

// Watch names the function to call for pings, pongs and empty messages.
func (c *Conn) Watch(alive func()) { c.alive = alive }

// Read reads from the messages of the peer, text and binary alike.
func (c *Conn) Read(p []byte) (int, error) {
	for {
		if c.closed.Load() {
			return 0, net.ErrClosed // whatever is buffered
		}
		if c.message == nil {
			_, r, err := c.ws.NextReader()
			if err != nil {
				return 0, c.readError(err)
			}
			c.message = r
		}
		n, err := c.message.Read(p)
		if err == io.EOF {
			c.message, err = nil, nil
			if n == 0 {
				c.alive()
				continue
			}
		}
		if err != nil {
			err = c.readError(err)
		}
		return n, err
	}
}

func (c *Conn) readError(err error) error {
	if c.closed.Load() {
		return net.ErrClosed
	}
	if ce := (*websocket.CloseError)(nil); errors.As(err, &ce) {
		return io.EOF
	}
	if strings.HasPrefix(err.Error(), "websocket: ") {
		// The library has sent the close frame for the peer's fault, which
		// must be the last frame.
		c.once.Do(func() { c.closed.Store(true) })
	}
	return err
}

var buffers = sync.Pool{New: func() any { b := make([]byte, 0, 4<<10); return &b }}

// chunk is how much is written at once: progress is seen in steps of this.
const chunk = 32 << 10

// WriteMessages sends each element as one text message.
func (c *Conn) WriteMessages(msgs [][]byte) error {
	buf := buffers.Get().(*[]byte)
	defer func() {
		if cap(*buf) <= 2*chunk {
			*buf = (*buf)[:0]
			buffers.Put(buf)
		}
	}()
	c.writing.Lock()
	defer c.unlock()
	b := *buf
	for _, m := range msgs {
		b = appendHeader(b, websocket.TextMessage, len(m))
		b = append(b, m...)
		if len(b) >= chunk {
			if err := c.write(b); err != nil {
				return err
			}
			b = b[:0]
		}
	}
	*buf = b
	return c.write(b)
}

// write sends b whole. The caller holds writing.
func (c *Conn) write(b []byte) error {
	for sent := 0; sent < len(b); {
		if due := time.Now().Add(writeTimeout); due.Sub(c.deadline) > deadlineSlack {
			c.deadline = due
			if err := c.raw.SetWriteDeadline(due); err != nil {
				return err
			}
		}
		var n int
		err := net.ErrClosed // Close may have set its deadline before ours
		if !c.closed.Load() {
			n, err = c.raw.Write(b[sent:min(len(b), sent+chunk)])
		}
		sent += n
		if err != nil {
			c.cut = c.cut || sent > 0
			if errors.Is(err, os.ErrDeadlineExceeded) && c.closed.Load() {
				return net.ErrClosed
			}
			return err
		}
	}
	return nil
}

// unlock lets the next writer in; a ping that came meanwhile is answered.
func (c *Conn) unlock() {
	c.writing.Unlock()
	c.flushPong()
}

// answerPing is called by the reader, which must not wait for a slow write;
// of several pings only the last needs an answer (RFC 6455, 5.5.3).
func (c *Conn) answerPing(data []byte) {
	c.pong.Store(&data)
	c.flushPong()
}

func (c *Conn) flushPong() {
	for c.pong.Load() != nil && !c.closed.Load() && c.writing.TryLock() {
		if data := c.pong.Swap(nil); data != nil {
			// A write that fails shows in the next write or read.
			_ = c.write(append(appendHeader(nil, websocket.PongMessage, len(*data)), *data...))
		}
		c.writing.Unlock()
	}
}

// Ping sends a WebSocket ping.
func (c *Conn) Ping() (bool, error) {
	c.writing.Lock()
	defer c.unlock()
	return true, c.write(appendHeader(nil, websocket.PingMessage, 0))
}

// Close sends a close frame, unless another frame is cut off half-way, and
// wakes the reader and the writer.
func (c *Conn) Close(code int, reason string) error {
	var err error
	c.once.Do(func() {
		c.closed.Store(true)
		timeout := closeTimeout
		if !c.writing.TryLock() {
			// This ends a write that is stuck; a pong is done in no time. A
			// socket that takes nothing at once is not waited for.
			_ = c.raw.SetWriteDeadline(past)
			c.writing.Lock()
			timeout = time.Millisecond
		}
		if !c.cut {
			payload := websocket.FormatCloseMessage(code, reason)
			_ = c.raw.SetWriteDeadline(time.Now().Add(timeout))
			_, err = c.raw.Write(append(appendHeader(nil, websocket.CloseMessage, len(payload)), payload...))
		}
		c.writing.Unlock()
		_ = c.raw.SetReadDeadline(past)
	})
	return err
}

var past = time.Unix(1, 0)

// linger waits for the peer to close its side, for a moment. Run has
// returned: nobody else reads or writes.
func (c *Conn) linger() {
	_ = c.Close(websocket.CloseNormalClosure, "")
	c.rests.Wait()
	if half, ok := c.raw.(interface{ CloseWrite() error }); ok {
		_ = half.CloseWrite()
	}
	_ = c.raw.SetReadDeadline(time.Now().Add(closeTimeout / 2))
	_, _ = io.CopyN(io.Discard, c.raw, lingerBytes)
}

// appendHeader writes the header of a server's whole frame (RFC 6455, 5.2).
func appendHeader(b []byte, opcode byte, length int) []byte {
	const fin = 0x80
	switch {
	case length < 126:
		return append(b, fin|opcode, byte(length))
	case length < 1<<16:
		return append(b, fin|opcode, 126, byte(length>>8), byte(length))
	default:
		n := uint64(length)
		return append(b, fin|opcode, 127, byte(n>>56), byte(n>>48), byte(n>>40), byte(n>>32),
			byte(n>>24), byte(n>>16), byte(n>>8), byte(n))
	}
}
