package stomp

import (
	"strconv"
	"unicode/utf8"
)

// messageHead is the part of a MESSAGE that all messages of a subscription
// share; appendMessage goes on from there. A subscription without an id is one
// of STOMP 1.0, whose clients go by the destination.
func messageHead(id, destination string, v Version) []byte {
	b := append(make([]byte, 0, 96+len(id)+len(destination)), "MESSAGE\n"...)
	if id != "" {
		b = append(b, "subscription:"...)
		b = appendEscaped(b, id, v)
		b = append(b, '\n')
	}
	b = append(b, "destination:"...)
	b = appendEscaped(b, destination, v)
	return append(b, "\ncontent-type:application/json\nmessage-id:"...)
}

func appendMessage(dst []byte, sub *Subscription, v Version, serial uint64, id int64, body []byte) []byte {
	dst = append(dst, sub.head...)
	if sub.Ack == AckAuto {
		dst = strconv.AppendUint(dst, serial, 10)
	} else {
		dst = appendMessageID(dst, serial, sub, id)
	}
	if sub.Ack != AckAuto && v == V12 { // before, ACK names the message-id
		dst = append(dst, "\nack:"...)
		dst = appendMessageID(dst, serial, sub, id)
	}
	dst = append(dst, "\ncontent-length:"...)
	dst = strconv.AppendInt(dst, int64(len(body)), 10)
	dst = append(dst, '\n', '\n')
	dst = append(dst, body...)
	return append(dst, 0)
}

func appendReceipt(dst []byte, id string, v Version) []byte {
	dst = append(dst, "RECEIPT\nreceipt-id:"...)
	dst = appendEscaped(dst, id, v)
	return append(dst, '\n', '\n', 0)
}

func appendError(dst []byte, e *Error, v Version) []byte {
	dst = append(dst, "ERROR\nmessage:"...)
	dst = append(dst, e.Token...)
	if e.Token == tokenVersion {
		dst = append(dst, "\nversion:1.0,1.1,1.2"...)
	}
	if e.Receipt != "" {
		dst = append(dst, "\nreceipt-id:"...)
		dst = appendEscaped(dst, e.Receipt, v)
	}
	dst = append(dst, "\ncontent-type:text/plain\ncontent-length:"...)
	dst = strconv.AppendInt(dst, int64(len(e.Text)), 10)
	dst = append(dst, '\n', '\n')
	dst = append(dst, e.Text...)
	return append(dst, 0)
}

func appendConnected(dst []byte, v Version, beat heartBeat, session string, cfg *Config, user User) []byte {
	dst = append(dst, "CONNECTED\nversion:"...)
	dst = append(dst, v.String()...)
	dst = append(dst, "\nheart-beat:"...)
	dst = strconv.AppendInt(dst, beat.out.Milliseconds(), 10)
	dst = append(dst, ',')
	dst = strconv.AppendInt(dst, beat.in.Milliseconds(), 10)
	dst = append(dst, "\nsession:"...)
	dst = append(dst, session...)
	dst = append(dst, "\nserver:"...)
	dst = append(dst, cfg.Server...)
	if fitsHeader(user.Name) {
		dst = append(dst, "\nuser-name:"...)
		dst = append(dst, user.Name...)
	}
	dst = append(dst, "\nuser-id:"...)
	dst = strconv.AppendInt(dst, user.ID, 10)
	dst = append(dst, "\nmax-content:"...)
	dst = strconv.AppendInt(dst, int64(cfg.MaxContent), 10)
	return append(dst, '\n', '\n', 0)
}

// fitsHeader reports whether every client in the field can read s as a header
// value: UTF-8, not empty, no space, colon, backslash or control character.
func fitsHeader(s string) bool {
	if s == "" {
		return false
	}
	for _, r := range s {
		if r <= ' ' || r == ':' || r == '\\' || r == 0x7F || r == utf8.RuneError {
			return false
		}
	}
	return true
}
