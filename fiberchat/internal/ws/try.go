package ws

import "github.com/fasthttp/websocket"

// Unread tells whether the socket holds something that Read has not seen.
func (c *Conn) Unread() bool { return c.direct != nil && unread(c.direct) }

// TryWriteMessages sends msgs if nobody else writes and the socket has room,
// and reports whether it did.
func (c *Conn) TryWriteMessages(msgs [][]byte) bool {
	size := 0
	for _, m := range msgs {
		size += maxHeader + len(m)
	}
	if c.direct == nil || size > chunk || !c.writing.TryLock() {
		return false
	}
	if c.closed.Load() || c.cut {
		c.writing.Unlock()
		return false
	}
	buf := buffers.Get().(*[]byte)
	b := *buf
	for _, m := range msgs {
		b = appendHeader(b, websocket.TextMessage, len(m))
		b = append(b, m...)
	}
	n := tryWrite(c.direct, b)
	if 0 < n && n < len(b) {
		c.finish(b, n) // b is its own now
		return true
	}
	*buf = b[:0]
	buffers.Put(buf)
	c.unlock()
	return n > 0
}
