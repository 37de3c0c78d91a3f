package ws

import (
	"bytes"
	"errors"
	"net"
	"os"
	"sync"
	"time"
)

var buffers = sync.Pool{New: func() any { b := make([]byte, 0, 4<<10); return &b }}

const (
	// chunk is how much is written at once: progress over TLS, which cannot
	// go on after a time-out, is seen in steps of this.
	chunk = 32 << 10
	// maxHeader is the longest header of a frame.
	maxHeader = 10
)

var errCut = errors.New("ws: the stream ends within a frame")

// WriteMessages sends each element as one text message.
func (c *Conn) WriteMessages(msgs [][]byte) error {
	buf := buffers.Get().(*[]byte)
	defer func() {
		if cap(*buf) <= 2*chunk {
			*buf = (*buf)[:0]
			buffers.Put(buf)
		}
	}()
	c.lock()
	defer c.unlock()
	b := *buf
	for _, m := range msgs {
		b = appendHeader(b, textFrame, len(m))
		b = append(b, m...)
		if len(b) >= chunk {
			if err := c.write(b, 0); err != nil {
				return err
			}
			b = b[:0]
		}
	}
	*buf = b
	return c.write(b, 0)
}

// Ping sends a WebSocket ping.
func (c *Conn) Ping() (bool, error) {
	c.lock()
	defer c.unlock()
	return true, c.write(appendHeader(nil, pingFrame, 0), 0)
}

// write sends b, of which sent bytes are gone. The caller holds writing.
func (c *Conn) write(b []byte, sent int) error {
	if c.cut {
		return errCut
	}
	for sent < len(b) {
		// Not moved at every write.
		if due := time.Now().Add(c.timeout); due.Sub(c.deadline) > c.timeout/30 {
			c.deadline = due
			if err := c.raw.SetWriteDeadline(due); err != nil {
				c.cut = sent > 0
				return err
			}
		}
		if c.closed.Load() { // and its deadline may have been set before ours
			if c.waits.Load() {
				c.cut = sent > 0
				return net.ErrClosed
			}
			_ = c.raw.SetWriteDeadline(c.closeBy)
		}
		n, err := c.raw.Write(b[sent:min(len(b), sent+chunk)])
		sent += n
		late := errors.Is(err, os.ErrDeadlineExceeded)
		switch {
		case late && n > 0 && !c.closed.Load():
			c.deadline = time.Time{} // the peer is slow, but reads
		case err != nil:
			c.cut = sent > 0
			if late && c.closed.Load() {
				return net.ErrClosed
			}
			return err
		}
	}
	return nil
}

// lock takes writing for a write that waits.
func (c *Conn) lock() {
	c.writing.Lock()
	c.waits.Store(true) // before write looks at closed: Close does the reverse
}

// unlock lets the next writer in; a ping that came meanwhile is answered.
func (c *Conn) unlock() {
	c.waits.Store(false)
	c.writing.Unlock()
	c.flushPong()
}

// finish sends what the socket did not take of b and lets go of writing, so
// that nothing comes between. Finish waits for it.
func (c *Conn) finish(b []byte, sent int) {
	c.rests.Go(func() {
		err := c.write(b, sent)
		c.unlock()
		if err != nil {
			_ = c.Close(closeInternal, "write failed")
		}
	})
}

// answerPing is called by the reader, which must not wait for a slow write;
// of several pings only the last needs an answer (RFC 6455, 5.5.3).
func (c *Conn) answerPing(payload []byte) {
	data := bytes.Clone(payload)
	c.pong.Store(&data)
	c.flushPong()
}

// flushPong answers a ping unless somebody writes, who does it then. It does
// not wait.
func (c *Conn) flushPong() {
	for c.pong.Load() != nil && !c.closed.Load() && c.writing.TryLock() {
		data := c.pong.Swap(nil)
		if data != nil && !c.cut && !c.closed.Load() {
			b := append(appendHeader(nil, pongFrame, len(*data)), *data...)
			sent := 0
			if c.direct != nil {
				sent = tryWrite(c.direct, b)
			}
			if sent < len(b) {
				c.finish(b, sent)
				return
			}
		}
		c.writing.Unlock()
	}
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
