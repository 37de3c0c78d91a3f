package stomp

import (
	"bytes"
	"unicode/utf8"
)

// Limits bound what one frame may make the server hold.
type Limits struct {
	Frame   int // bytes of a whole frame
	Headers int // header lines
	Section int // bytes of command and headers together
}

// Decoder cuts a stream of bytes into frames. The bytes go into Space,
// Filled says how many came, and Next is called until it has no more.
// A fault in the headers is reported where they end.
// It holds at most Limits.Frame bytes and a read's worth beyond.
type Decoder struct {
	// Version decides the escapes of frames after the first; CONNECT has none.
	Version Version

	limits Limits
	buf    []byte
	start  int // where the frame begins
	end    int // where the bytes end

	// Progress within a frame that is not complete, relative to start, so
	// that bytes that trickle in are not looked at twice.
	scan   int    // bytes already searched
	line   int    // where the current line begins
	body   int    // where the body begins, 0 while in the headers
	length int    // content-length, -1 when there is none
	fields []span // header lines seen
	cmd    Command
	// fault is what was wrong first. The headers after it are read too, for the
	// receipt among them, so that the answer is the same wherever the fault is.
	fault   error
	receipt span // of the first receipt header

	frame Frame
}

// span is a header line: its key is [from, colon), its value (colon, to).
type span struct{ from, colon, to int }

const (
	readSize = 1 << 10 // what Space offers at least
	keepSize = 8 << 10 // a larger buffer is not kept once it is empty
)

// NewDecoder returns a decoder with these limits.
func NewDecoder(l Limits) *Decoder { return &Decoder{limits: l, length: -1} }

// Space returns where the next bytes go.
func (d *Decoder) Space() []byte {
	if d.start == d.end {
		d.start, d.end = 0, 0
		if cap(d.buf) > keepSize {
			d.buf = nil
		}
	}
	if d.buf == nil {
		d.buf = make([]byte, readSize)
	}
	if len(d.buf)-d.end < readSize/2 {
		have := d.end - d.start
		if to := d.buf; d.start >= readSize/2 || have+readSize <= len(to) {
			d.end = copy(to, d.buf[d.start:d.end])
		} else {
			// Next has refused a frame over the limit, so this is bounded.
			to = make([]byte, max(min(2*len(d.buf), d.limits.Frame), have+readSize))
			d.end = copy(to, d.buf[d.start:d.end])
			d.buf = to
		}
		d.start = 0
	}
	return d.buf[d.end:]
}

// Filled notes that n bytes were put into Space.
func (d *Decoder) Filled(n int) { d.end += n }

// Next returns the next whole frame, nil when bytes are missing, or an
// *Error. EOLs between frames are skipped: they are heart-beats. With an
// error, PartialReceipt returns the failed frame's receipt.
func (d *Decoder) Next() (*Frame, error) {
	if d.scan == 0 {
		d.fields, d.frame.headers, d.receipt = d.fields[:0], d.frame.headers[:0], span{}
		if more, err := d.skipEOL(); !more {
			return nil, err
		}
	}
	if d.body == 0 {
		if more, err := d.readHeaders(); !more || err != nil {
			return nil, err
		}
	}
	return d.readBody()
}

func (d *Decoder) skipEOL() (more bool, err error) {
	for d.start < d.end {
		switch d.buf[d.start] {
		case '\n':
			d.start++
		case '\r':
			if d.start+1 == d.end {
				return false, nil
			}
			if d.buf[d.start+1] != '\n' {
				return false, badFrame("a carriage return stands alone between frames")
			}
			d.start += 2
		default:
			return true, nil
		}
	}
	return false, nil
}

// readHeaders goes through whole lines up to the empty one.
func (d *Decoder) readHeaders() (more bool, err error) {
	data := d.buf[d.start:d.end]
	nul := bytes.IndexByte(data[d.scan:], 0)
	if nul += d.scan; nul < d.scan {
		nul = len(data)
	}
	for {
		i := bytes.IndexByte(data[d.scan:], '\n')
		next := len(data)
		if i >= 0 {
			next = d.scan + i + 1
		}
		// In this order the fault is the same however the bytes are cut.
		if nul < min(next, d.limits.Section) {
			return false, d.first(badFrame("a NUL stands before the empty line that ends the headers"))
		}
		if next > d.limits.Section {
			return false, d.first(tooLarge("the headers are larger than %d bytes", d.limits.Section))
		}
		d.scan = next
		if i < 0 {
			return false, nil
		}
		from, to := d.line, next-1
		if to > from && data[to-1] == '\r' {
			to--
		}
		d.line = next
		switch {
		case from == 0:
			if d.cmd = parseCommand(data[:to]); d.cmd == cmdUnknown {
				d.fault = &Error{Token: "unknown-command", Text: "the first line is no command that a client may send", Code: CloseProtocolError}
			}
		case to == from:
			if d.fault != nil {
				return false, d.fault
			}
			d.body = next
			return true, d.checkLength(data)
		default:
			if err := d.addField(data, from, to); err != nil {
				d.fault = d.first(err)
			}
		}
	}
}

// first returns the first fault of a frame in which err was found.
func (d *Decoder) first(err error) error {
	if d.fault != nil {
		return d.fault
	}
	return err
}

func (d *Decoder) addField(data []byte, from, to int) error {
	colon := bytes.IndexByte(data[from:to], ':')
	if colon < 0 {
		return badFrame("a header line has no colon")
	}
	if colon == 0 {
		return badFrame("a header has no name")
	}
	if bytes.IndexByte(data[from:to], '\r') >= 0 {
		return badFrame("a carriage return stands within a header line")
	}
	s := span{from, from + colon, to}
	if d.receipt.to == 0 && string(data[from:s.colon]) == "receipt" {
		d.receipt = s
	}
	if len(d.fields) == d.limits.Headers {
		return tooLarge("there are more than %d headers", d.limits.Headers)
	}
	d.fields = append(d.fields, s)
	if d.length < 0 && string(data[from:s.colon]) == "content-length" {
		d.length = parseLength(d.value(data, s), d.limits.Frame)
		if d.length < 0 {
			return badFrame("content-length is not a number")
		}
	}
	return nil
}

// value is what stands after a header line's colon. In STOMP 1.0 blanks before
// it do not belong to it: its own text writes them.
func (d *Decoder) value(data []byte, s span) []byte {
	v := data[s.colon+1 : s.to]
	if d.Version == V10 {
		v = bytes.TrimLeft(v, " ")
	}
	return v
}

// parseLength returns -1 for what is no number, and limit+1 for anything above.
func parseLength(b []byte, limit int) int {
	if len(b) == 0 {
		return -1
	}
	n := 0
	for _, c := range b {
		if c < '0' || c > '9' {
			return -1
		}
		if n <= limit {
			n = n*10 + int(c-'0')
		}
	}
	return min(n, limit+1)
}

func (d *Decoder) checkLength(data []byte) error {
	if !utf8.Valid(data[:d.body]) {
		return badFrame("the headers are not UTF-8")
	}
	if d.body+max(d.length, 0)+1 > d.limits.Frame {
		return tooLarge("the frame is larger than %d bytes", d.limits.Frame)
	}
	return nil
}

func (d *Decoder) readBody() (*Frame, error) {
	data := d.buf[d.start:d.end]
	end := d.body + d.length
	if d.length < 0 {
		i := bytes.IndexByte(data[d.scan:], 0)
		if i < 0 {
			d.scan = len(data)
			if len(data) >= d.limits.Frame {
				return nil, tooLarge("the frame is larger than %d bytes", d.limits.Frame)
			}
			return nil, nil
		}
		end = d.scan + i
		if end+1 > d.limits.Frame {
			return nil, tooLarge("the frame is larger than %d bytes", d.limits.Frame)
		}
	} else {
		if len(data) <= end {
			return nil, nil
		}
		if data[end] != 0 {
			return nil, badFrame("the byte after content-length bytes of body is not NUL")
		}
	}
	f := &d.frame
	f.Command, f.Body = d.cmd, data[d.body:end]
	escaped := d.cmd != Connect && bytes.IndexByte(data[:d.body], '\\') >= 0
	for _, s := range d.fields {
		h := header{data[s.from:s.colon], d.value(data, s)}
		if escaped {
			var ok, ok2 bool
			h.key, ok = unescape(h.key, d.Version)
			h.value, ok2 = unescape(h.value, d.Version)
			if !ok || !ok2 {
				return nil, badFrame("a header has an escape that STOMP %s does not define", d.Version)
			}
		}
		f.headers = append(f.headers, h)
	}
	if len(f.Body) > 0 && f.Command != Send && d.Version != V10 {
		return nil, badBody()
	}
	d.start += end + 1
	d.scan, d.line, d.body, d.length = 0, 0, 0, -1
	return f, nil
}

func badBody() *Error { return badFrame("only SEND may have a body") }

// PartialReceipt returns the receipt header of the frame that Next refused,
// as far as it was read, "" when there is none.
func (d *Decoder) PartialReceipt() string {
	if v, ok := d.frame.Header("receipt"); ok {
		return string(v) // its escapes are undone, in place
	}
	if d.receipt.to == 0 {
		return ""
	}
	v, ok := bytes.Clone(d.value(d.buf[d.start:d.end], d.receipt)), true
	if d.cmd != Connect {
		v, ok = unescape(v, d.Version)
	}
	if !ok || !utf8.Valid(v) {
		return ""
	}
	return string(v)
}
