package fiberchat

import "encoding/binary"

// A publication is the id of its node, and entries: a byte that says of which
// kind one is, the length of the rest, and the rest. So an entry of a kind
// that this version does not know can be skipped.
const (
	entryMessage   = 'm' // to userID, whose body is empty where it is too long for the bus
	entryDelivered = 'd' // a body for userID's sessions about aboutDelivered
	entryPush      = 'p' // a queue of the app's, a space, and a body for userID's sessions
	entryNotice    = 'n' // to userID
	entryRead      = 'R' // a body for userID's sessions about aboutRead
	entryRevoked   = 'r' // one revocation, as appendRevoked writes it
	entryTicket    = 't' // one used ticket, as addUsedTicket writes it
	entryHello     = 'h' // asks for the revocations of late
)

type entry struct {
	kind                 byte
	userID, id, previous int64
	body                 []byte
}

func appendEntry(b []byte, e entry) []byte {
	var numbers [3 * binary.MaxVarintLen64]byte
	head := numbers[:0]
	for _, n := range []int64{e.userID, e.id, e.previous}[:numbersOf(e.kind)] {
		head = binary.AppendVarint(head, n)
	}
	b = append(b, e.kind)
	b = binary.AppendUvarint(b, uint64(len(head)+len(e.body)))
	return append(append(b, head...), e.body...)
}

// numbersOf is how many numbers begin an entry: userID, id and previous, or the
// first ones of them.
func numbersOf(kind byte) int {
	switch kind {
	case entryMessage:
		return 3
	case entryNotice:
		return 2
	case entryDelivered, entryPush, entryRead:
		return 1
	}
	return 0
}

// entryRest cuts the first of entries after its head; ok is false when it is
// not whole.
func entryRest(entries []byte) (rest, others []byte, ok bool) {
	if len(entries) < 2 {
		return nil, nil, false
	}
	size, n := binary.Uvarint(entries[1:])
	if n <= 0 || size > uint64(len(entries)-1-n) {
		return nil, nil, false
	}
	from := 1 + n
	return entries[from : from+int(size)], entries[from+int(size):], true
}

// entrySize is how many bytes the first of entries has.
func entrySize(entries []byte) int {
	_, others, _ := entryRest(entries)
	return len(entries) - len(others)
}

// nextEntry reads the first of entries, whose body it shares.
func nextEntry(entries []byte) (e entry, others []byte, ok bool) {
	rest, others, ok := entryRest(entries)
	if !ok {
		return e, nil, false
	}
	e.kind = entries[0]
	for _, field := range []*int64{&e.userID, &e.id, &e.previous}[:numbersOf(e.kind)] {
		v, n := binary.Varint(rest)
		if n <= 0 {
			e.kind = 0 // it is no entry of ours
			return e, others, true
		}
		*field, rest = v, rest[n:]
	}
	e.body = rest
	return e, others, true
}

// withoutBody returns an entry with its ids only.
func withoutBody(one []byte) []byte {
	e, _, _ := nextEntry(one)
	e.body = nil
	return appendEntry(nil, e)
}
