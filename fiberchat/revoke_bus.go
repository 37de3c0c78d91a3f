package fiberchat

import (
	"encoding/binary"
	"time"
)

// appendRevoked appends the kind, the nanoseconds since 1970, the length of
// the id, and the id.
func appendRevoked(b []byte, r revocation) []byte {
	b = append(b, r.kind)
	b = binary.AppendUvarint(b, uint64(r.at.UnixNano()))
	b = binary.AppendUvarint(b, uint64(len(r.id)))
	return append(b, r.id...)
}

// parseRevoked reads what appendRevoked wrote, as far as it is whole.
func parseRevoked(b []byte) (all []revocation) {
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
		all = append(all, revocation{revoked{kind, id}, time.Unix(0, int64(at))})
	}
	return all
}
