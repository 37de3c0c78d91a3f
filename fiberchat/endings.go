package fiberchat

import (
	"encoding/binary"
	"time"
)

// maxEndingsHint is about how many octets of endings go in one hint: a node
// that comes back hears of all of them, which must not flood the bus.
const maxEndingsHint = 32 << 10

// exchangeEndings asks for the endings that this node may have missed, and
// tells those that others may have.
func (l *link) exchangeEndings() {
	if l.ask.Swap(false) {
		l.publish(controlTopic, hintHello)
	}
	if !l.tell.Swap(false) {
		return
	}
	var data []byte
	for _, e := range l.chat.knownEndings() {
		data = appendEnding(data, e)
		if len(data) >= maxEndingsHint {
			l.publish(controlTopic, hintEndings, data)
			data = data[:0] // publish has copied it
		}
	}
	if len(data) > 0 {
		l.publish(controlTopic, hintEndings, data)
	}
}

func (ch *Chat) knownEndings() []endingAt {
	ch.mu.Lock()
	defer ch.mu.Unlock()
	all := make([]endingAt, 0, len(ch.endings))
	for e, at := range ch.endings {
		all = append(all, endingAt{e, at})
	}
	return all
}

// appendEnding appends the kind, the nanoseconds since 1970, the length of
// the id, and the id.
func appendEnding(b []byte, e endingAt) []byte {
	b = append(b, e.kind)
	b = binary.AppendUvarint(b, uint64(e.at.UnixNano()))
	b = binary.AppendUvarint(b, uint64(len(e.id)))
	return append(b, e.id...)
}

// parseEndings reads what appendEnding wrote, as far as it is whole.
func parseEndings(b []byte) (all []endingAt) {
	for len(b) > 0 {
		kind := b[0]
		at, n := binary.Uvarint(b[1:])
		if n <= 0 {
			break
		}
		b = b[1+n:]
		size, n := binary.Uvarint(b)
		if n <= 0 || size > uint64(len(b)-n) {
			break
		}
		id := string(b[n : n+int(size)])
		b = b[n+int(size):]
		all = append(all, endingAt{ending{kind, id}, time.Unix(0, int64(at))})
	}
	return all
}
