package ws

import (
	"bufio"
	"bytes"
	"cmp"
	"encoding/binary"
	"io"
	"net"
	"sync"
	"sync/atomic"
	"syscall"
	"time"
)

const (
	// writeTimeout is how long a write may make no progress, by default.
	writeTimeout = 30 * time.Second
	// closeTimeout is how long the peer may take to read what is under way
	// and the close frame.
	closeTimeout = time.Second
	// lingerBytes is how much of what a peer still sends is read after the
	// close: closing a socket with unread data resets it, and a reset takes
	// the ERROR frame with it.
	lingerBytes = 16 << 20
)

// Conn is one WebSocket connection. The library shakes hands and no more: it
// would answer a peer's faults in the middle of a frame of ours, and not show
// empty fragments. A server's frame is a header of at most 10 bytes, and
// several of them written together cost one system call.
type Conn struct {
	raw     net.Conn // the socket itself: valid also after the handler returned
	timeout time.Duration

	// The reader's own.
	in    *bufio.Reader
	frame inbound
	alive func()

	ending  atomic.Pointer[ending] // the peer's doing
	closed  atomic.Bool
	closeBy time.Time // set before closed
	once    sync.Once

	writing  sync.Mutex
	deadline time.Time   // of writes, under writing
	cut      bool        // within a frame, under writing
	waits    atomic.Bool // who holds writing waits for the socket, and Close may end it
	pong     atomic.Pointer[[]byte]

	direct syscall.RawConn // for writes that do not wait; nil where there is none
	rests  sync.WaitGroup  // of what the socket did not take at once
}

// ending is what the close frame says, whatever Close is called with: what the
// peer did wrong, or the code of its own close frame.
type ending struct {
	code   int // 0: there is no close frame
	reason string
}

func newConn(c net.Conn, timeout time.Duration) *Conn {
	raw := c
	if u, ok := raw.(interface{ UnsafeConn() net.Conn }); ok {
		// Closing a hijacked connection does nothing while its handler runs;
		// deadlines on the connection below do.
		raw = u.UnsafeConn()
	}
	conn := &Conn{raw: raw, timeout: cmp.Or(timeout, writeTimeout), alive: func() {}}
	conn.in = bufio.NewReaderSize(io.MultiReader(bytes.NewReader(readEarly(c, raw)), raw), 1<<10)
	if tcp, ok := raw.(*net.TCPConn); ok && unix {
		conn.direct, _ = tcp.SyscallConn() // without it writes wait, no more
	}
	return conn
}

// readEarly returns what the server has read beyond the handshake, which its
// own buffer bounds. From then on nobody but the reader holds bytes of the
// peer. The server's deadlines end.
func readEarly(c, raw net.Conn) []byte {
	_ = raw.SetReadDeadline(past) // so that a read which needs the socket fails
	b, _ := io.ReadAll(c)
	_ = raw.SetDeadline(time.Time{})
	return bytes.Clone(b) // without the space that ReadAll takes
}

// Watch names the function to call for pings, pongs and frames without payload.
func (c *Conn) Watch(alive func()) { c.alive = alive }

// Close sends a close frame, unless another frame is cut off half-way, and
// wakes the reader and the writer. What the socket took in part gets the time
// that a close frame gets; a write that waits is ended.
func (c *Conn) Close(code int, reason string) error { return c.CloseWith(nil, code, reason) }

// CloseWith is Close with a last text message before the close frame, if last
// is not nil and the peer neither broke the protocol nor closed.
func (c *Conn) CloseWith(last []byte, code int, reason string) error {
	var err error
	c.once.Do(func() {
		c.closeBy = time.Now().Add(closeTimeout)
		c.closed.Store(true)
		wait := closeTimeout
		if !c.writing.TryLock() {
			by := c.closeBy
			if c.waits.Load() {
				by, wait = past, time.Millisecond // its socket is full
			}
			_ = c.raw.SetWriteDeadline(by)
			c.writing.Lock()
		}
		if e := c.ending.Load(); e != nil {
			last, code, reason = nil, e.code, e.reason
		}
		if !c.cut && code != 0 {
			var b []byte
			if last != nil {
				b = append(appendHeader(b, textFrame, len(last)), last...)
			}
			b = binary.BigEndian.AppendUint16(appendHeader(b, closeFrame, 2+len(reason)), uint16(code))
			_ = c.raw.SetWriteDeadline(time.Now().Add(wait))
			_, err = c.raw.Write(append(b, reason...))
		}
		c.writing.Unlock()
		_ = c.raw.SetReadDeadline(past)
	})
	return err
}

var past = time.Unix(1, 0)

// Abort is Close without a close frame.
func (c *Conn) Abort() {
	c.ending.Store(new(ending))
	_ = c.Close(0, "")
}

// Finish waits for the peer to close its side, for a moment, and closes the
// socket, which a server that keeps hijacked connections does not. Nobody else
// reads or writes any more. Serve calls it; calling it again is harmless.
func (c *Conn) Finish() {
	_ = c.Close(closeNormal, "")
	c.rests.Wait()
	if half, ok := c.raw.(interface{ CloseWrite() error }); ok {
		_ = half.CloseWrite()
	}
	_ = c.raw.SetReadDeadline(time.Now().Add(closeTimeout / 2))
	_, _ = io.CopyN(io.Discard, c.raw, lingerBytes)
	_ = c.raw.Close()
}
