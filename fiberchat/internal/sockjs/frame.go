package sockjs

import (
	"strconv"
	"unicode/utf8"
)

const hexDigits = "0123456789abcdef"

// appendString appends msg as a JSON string. What browsers are known to
// mangle on the way is escaped, and so is what is not UTF-8 (as U+FFFD).
func appendString(dst, msg []byte) []byte {
	dst = append(dst, '"')
	start := 0 // what precedes it is written
	for i := 0; i < len(msg); {
		b := msg[i]
		if b >= 0x20 && b != '"' && b != '\\' && b < utf8.RuneSelf {
			i++
			continue
		}
		r, size := rune(b), 1
		if b >= utf8.RuneSelf {
			if r, size = utf8.DecodeRune(msg[i:]); !mangled(r) {
				i += size
				continue
			}
		}
		dst = append(dst, msg[start:i]...)
		dst = appendEscape(dst, r)
		i += size
		start = i
	}
	dst = append(dst, msg[start:]...)
	return append(dst, '"')
}

// mangled holds the ranges that SockJS wants escaped by a server.
func mangled(r rune) bool {
	return r >= 0x200c && r <= 0x200f || r >= 0x2028 && r <= 0x202f ||
		r >= 0x2060 && r <= 0x206f || r >= 0xfff0 && r <= 0xffff
}

func appendEscape(dst []byte, r rune) []byte {
	switch r {
	case '"', '\\':
		return append(dst, '\\', byte(r))
	case '\b':
		return append(dst, `\b`...)
	case '\f':
		return append(dst, `\f`...)
	case '\n':
		return append(dst, `\n`...)
	case '\r':
		return append(dst, `\r`...)
	case '\t':
		return append(dst, `\t`...)
	}
	return append(dst, '\\', 'u', hexDigits[r>>12&15], hexDigits[r>>8&15], hexDigits[r>>4&15], hexDigits[r&15])
}

// appendScript appends a frame as a JavaScript string that is safe inside a
// script element. The frame is JSON, so it holds no control characters.
func appendScript(dst, frame []byte) []byte {
	dst = append(dst, '"')
	for _, b := range frame {
		switch b {
		case '"', '\\':
			dst = append(dst, '\\', b)
		case '<', '>', '&':
			dst = append(dst, '\\', 'u', '0', '0', hexDigits[b>>4], hexDigits[b&15])
		default:
			dst = append(dst, b)
		}
	}
	return append(dst, '"')
}

// closeFrame is c[code,"reason"].
func closeFrame(code int, reason string) []byte {
	frame := strconv.AppendInt([]byte("c["), int64(code), 10)
	return append(appendString(append(frame, ','), []byte(reason)), ']')
}
