package stomp

import "sync"

// outbox holds the frames that wait for the writer: whole, in order, and
// bounded in bytes. Everyone may put; one writer takes.
type outbox struct {
	limit int
	done  chan struct{} // closed when the session is over
	space chan struct{} // wakes the one who waits for space
	turn  chan struct{} // holds one while somebody waits

	mu      sync.Mutex
	next    *batch // nil while empty
	taken   int    // bytes that the writer holds
	serial  uint64 // of the last MESSAGE
	writing bool   // a writer is at work
	ping    bool   // the writer is to ping
	ending  bool   // nothing more is put, and done is closed
	code    int
	reason  string
	failed  *Error // what an ERROR frame said, nil without one
	dropped bool   // the client was too slow
	gone    bool   // Run is returning: nothing is started but beside the last writer
}

// batch is frames one after the other in one buffer. An idle session holds none.
type batch struct {
	buf  []byte
	ends []int
	msgs [][]byte
}

var batches = sync.Pool{New: func() any { return new(batch) }}

// keepBatch is the largest buffer that goes back to the pool.
const keepBatch = 64 << 10

func (b *batch) release() {
	if cap(b.buf) > keepBatch {
		return
	}
	clear(b.msgs)
	b.buf, b.ends, b.msgs = b.buf[:0], b.ends[:0], b.msgs[:0]
	batches.Put(b)
}

// messages cuts the buffer into frames.
func (b *batch) messages() [][]byte {
	from := 0
	for _, to := range b.ends {
		b.msgs = append(b.msgs, b.buf[from:to])
		from = to
	}
	return b.msgs
}

// open returns the batch to append a frame to, nil when the session is
// ending. The caller holds mu and calls seal.
func (o *outbox) open() *batch {
	if o.ending {
		return nil
	}
	if o.next == nil {
		o.next = batches.Get().(*batch)
	}
	return o.next
}

// seal ends the frame that was appended to b. It reports false when the
// client is too slow: then the queue is dropped and the session over, which
// loses nothing, since everything is stored. The caller wakes the writer.
func (o *outbox) seal(b *batch) bool {
	if o.taken+len(b.buf) > o.limit {
		o.dropped = true
		o.end(ClosePolicy, "slow consumer")
		o.next = nil
		b.release()
		return false
	}
	b.ends = append(b.ends, len(b.buf))
	return true
}

// end lets nothing more in; what is queued goes out first. The first call's
// code and reason count.
func (o *outbox) end(code int, reason string) {
	if !o.ending {
		o.ending, o.code, o.reason = true, code, reason
		notify(o.space)
		close(o.done)
	}
}

// dequeue hands the writer what is to do: frames to write, or else a ping. When
// there is nothing, the writer's work is done, except for the close when over: in
// the same hold, since another writer may start after it.
func (o *outbox) dequeue() (b *batch, ping, over bool) {
	o.mu.Lock()
	defer o.mu.Unlock()
	switch {
	case o.next != nil:
		b, o.next = o.next, nil
		o.taken = len(b.buf)
	case o.ping && !o.ending:
		ping, o.ping = true, false
	default:
		o.writing, over = false, o.ending
	}
	return b, ping, over
}

// used is how many bytes are queued. The caller holds mu.
func (o *outbox) used() int {
	if o.next == nil {
		return o.taken
	}
	return o.taken + len(o.next.buf)
}

// half reports whether n more bytes fit into half the limit, or nothing is
// queued, and whether the session is ending.
func (o *outbox) half(n int) (free, ending bool) {
	o.mu.Lock()
	defer o.mu.Unlock()
	used := o.used()
	return used == 0 || used+n <= o.limit/2, o.ending
}

func notify(c chan struct{}) {
	select {
	case c <- struct{}{}:
	default:
	}
}
