package stomp

import (
	"bytes"
	"strings"
)

// appendEscaped writes a header value that echoes what the client sent. Only
// 1.2 can say a CR: before, one at the end would be read as the line's.
func appendEscaped(dst []byte, s string, v Version) []byte {
	if v != V12 {
		s = strings.TrimRight(s, "\r")
	}
	for i := 0; i < len(s); i++ {
		c := s[i]
		switch {
		case v == V10:
			dst = append(dst, c)
		case c == '\n':
			dst = append(dst, '\\', 'n')
		case c == ':':
			dst = append(dst, '\\', 'c')
		case c == '\\':
			dst = append(dst, '\\', '\\')
		case c == '\r' && v == V12:
			dst = append(dst, '\\', 'r')
		default:
			dst = append(dst, c)
		}
	}
	return dst
}

// unescape undoes the escapes of a header in place (STOMP 1.2, Value
// Encoding; 1.1 has no \r and 1.0 none at all). All are looked at first:
// PartialReceipt reads a header that was refused again.
func unescape(b []byte, v Version) ([]byte, bool) {
	first := -1
	if v != V10 {
		first = bytes.IndexByte(b, '\\')
	}
	if first < 0 {
		return b, true
	}
	for i := first; i < len(b); i++ {
		if b[i] == '\\' {
			if i++; i == len(b) || standsFor(b[i], v) == 0 {
				return nil, false
			}
		}
	}
	out := b[:first]
	for i := first; i < len(b); i++ {
		c := b[i]
		if c == '\\' {
			i++
			c = standsFor(b[i], v)
		}
		out = append(out, c)
	}
	return out, true
}

// standsFor returns what a backslash and c stand for, 0 when it is undefined.
func standsFor(c byte, v Version) byte {
	switch {
	case c == 'n':
		return '\n'
	case c == 'c':
		return ':'
	case c == '\\':
		return c
	case c == 'r' && v == V12:
		return '\r'
	}
	return 0
}
