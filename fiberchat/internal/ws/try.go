package ws

import (
	"bytes"

	"github.com/fasthttp/websocket"
)

// Unread tells whether the socket holds something that Read has not seen.
func (c *Conn) Unread() bool { return c.direct != nil && unread(c.direct) }

// TryWriteMessages sends msgs if nobody else writes and the socket has room,
// and reports whether it did.
func (c *Conn) TryWriteMessages(msgs [][]byte) bool {
	if c.direct == nil || !c.writing.TryLock() {
		return false
	}
	buf := buffers.Get().(*[]byte)
	defer buffers.Put(buf)
	b := *buf
	for _, m := range msgs {
		b = appendHeader(b, websocket.TextMessage, len(m))
		b = append(b, m...)
	}
	n := 0
	if !c.closed.Load() && len(b) <= chunk {
		n = tryWrite(c.direct, b)
		*buf = b[:0]
	}
	if n == 0 || n == len(b) {
		c.writing.Unlock()
		if c.pong.Load() != nil {
			// The socket may be full, and the caller does not wait. Waited
			// for by linger.
			c.rests.Go(c.flushPong)
		}
		return n > 0
	}
	rest := bytes.Clone(b[n:])
	// Waited for by linger; it holds writing, so that nothing comes between.
	c.rests.Go(func() {
		c.cut = true
		err := c.write(rest)
		c.cut = err != nil
		c.unlock()
		if err != nil {
			_ = c.Close(websocket.CloseInternalServerErr, "") // the stream is broken
		}
	})
	return true
}
