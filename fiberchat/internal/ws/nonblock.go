package ws

// Unread reports whether something came that Read has not seen. Only the
// reader calls it.
func (c *Conn) Unread() bool {
	return c.in.Buffered() > 0 || c.direct != nil && unread(c.direct)
}

// TryWriteMessages sends msgs if nobody else writes and the socket has space,
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
		b = appendHeader(b, textFrame, len(m))
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
