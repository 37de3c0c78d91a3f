package ws

import (
	"bytes"
	"encoding/binary"
	"errors"
	"io"
	"math"
	"net"
	"unicode/utf8"
)

// inbound is the data frame that is being read.
type inbound struct {
	left   uint64 // bytes of its payload
	key    [4]byte
	at     int  // where in key the next byte stands
	within bool // fragments of its message follow
}

// Opcodes and close codes of RFC 6455, 5.2 and 7.4.1.
const (
	continuation = 0
	textFrame    = 1
	binaryFrame  = 2
	closeFrame   = 8
	pingFrame    = 9
	pongFrame    = 10

	closeNormal        = 1000
	closeProtocolError = 1002
	closeInternal      = 1011
)

const maxControl = 125 // bytes of a control frame's payload (RFC 6455, 5.5)

// ErrTooLong is ReadMessage's error for a message beyond its limit.
var ErrTooLong = errors.New("ws: the message is too long")

// Read reads from the messages of the peer, text and binary alike.
func (c *Conn) Read(p []byte) (int, error) {
	n, err := c.read(p)
	if c.closed.Load() {
		return 0, net.ErrClosed // whatever is buffered
	}
	return n, err
}

func (c *Conn) read(p []byte) (int, error) {
	for c.frame.left == 0 {
		if c.closed.Load() {
			return 0, net.ErrClosed
		}
		if _, err := c.nextFrame(); err != nil {
			return 0, err
		}
	}
	return payload{c}.Read(p)
}

// ReadMessage reads the next message, of at most limit bytes, into m, which
// grows with what comes. It is not to be mixed with Read.
func (c *Conn) ReadMessage(m *bytes.Buffer, limit int) error {
	err := c.readMessage(m, int64(limit))
	if c.closed.Load() {
		return net.ErrClosed // whatever is buffered
	}
	return err
}

func (c *Conn) readMessage(m *bytes.Buffer, limit int64) error {
	for !c.closed.Load() {
		data, err := c.nextFrame()
		if err != nil {
			return err
		}
		if !data {
			continue
		}
		if _, err := m.ReadFrom(io.LimitReader(payload{c}, limit+1-int64(m.Len()))); err != nil {
			return err
		}
		switch {
		case int64(m.Len()) > limit:
			return ErrTooLong
		case c.frame.left > 0:
			return io.ErrUnexpectedEOF
		}
		c.alive()
		if !c.frame.within {
			return nil
		}
	}
	return net.ErrClosed
}

// payload reads what is left of a data frame.
type payload struct{ *Conn }

func (c payload) Read(p []byte) (int, error) {
	if c.frame.left == 0 {
		return 0, io.EOF
	}
	n, err := c.in.Read(p[:min(uint64(len(p)), c.frame.left)])
	c.frame.unmask(p[:n])
	c.frame.left -= uint64(n)
	return n, err
}

// nextFrame reads a frame up to a data frame's payload (RFC 6455, 5.2), and
// reports whether it is one.
func (c *Conn) nextFrame() (data bool, err error) {
	b, err := c.next(2)
	if err != nil {
		return false, err
	}
	const fin, reserved, masked = 0x80, 0x70, 0x80
	final, opcode, length := b[0]&fin != 0, int(b[0]&0xF), uint64(b[1]&0x7F)
	data = opcode <= binaryFrame
	switch {
	case b[0]&reserved != 0:
		return false, c.refuse("reserved bits are set")
	case b[1]&masked == 0:
		return false, c.refuse("a frame is not masked")
	case data && (opcode == continuation) != c.frame.within:
		return false, c.refuse("a fragment is out of order")
	case !data && (opcode < closeFrame || opcode > pongFrame):
		return false, c.refuse("an opcode is unknown")
	case !data && (!final || length > maxControl):
		return false, c.refuse("a control frame is too long or a fragment")
	}
	if length > maxControl {
		size := 2
		if length == 127 {
			size = 8
		}
		b, err := c.next(size)
		if err != nil {
			return false, err
		}
		var whole [8]byte
		copy(whole[8-size:], b)
		if length = binary.BigEndian.Uint64(whole[:]); length > math.MaxInt64 {
			return false, c.refuse("a length is negative")
		}
	}
	key, err := c.next(len(c.frame.key))
	if err != nil {
		return false, err
	}
	f := inbound{left: length, key: [4]byte(key), within: !final}
	if data {
		c.frame = f
		if length == 0 {
			c.alive()
		}
		return true, nil
	}
	payload, err := c.next(int(length))
	if err != nil {
		return false, err
	}
	f.unmask(payload)
	c.alive()
	return false, c.control(opcode, payload)
}

// control carries out a control frame between data frames.
func (c *Conn) control(opcode int, payload []byte) error {
	switch {
	case opcode == pingFrame:
		c.answerPing(payload)
	case opcode == closeFrame && !validClose(payload):
		return c.refuse("a close frame has no valid code and reason")
	case opcode == closeFrame:
		code := closeNormal
		if len(payload) > 0 {
			code = int(binary.BigEndian.Uint16(payload)) // browsers show a page the answer's
		}
		c.ending.Store(&ending{code: code})
		return io.EOF // Close answers
	}
	return nil
}

// validClose holds a close frame's payload against RFC 6455, 7.4, and the
// registry that it founded.
func validClose(payload []byte) bool {
	if len(payload) < 2 {
		return len(payload) == 0
	}
	switch code := binary.BigEndian.Uint16(payload); {
	case 1000 <= code && code <= 1003, 1007 <= code && code <= 1014, 3000 <= code && code <= 4999:
		return utf8.Valid(payload[2:])
	}
	return false
}

// refuse notes what the peer did wrong for the close frame: what is being written
// stays whole, and Close comes after it.
func (c *Conn) refuse(reason string) error {
	c.ending.Store(&ending{closeProtocolError, reason})
	return errors.New("ws: " + reason)
}

// next returns the next n bytes, valid until the next read.
func (c *Conn) next(n int) ([]byte, error) {
	b, err := c.in.Peek(n)
	_, _ = c.in.Discard(len(b)) // they are there
	return b, err
}

// unmask undoes the client's mask in place, by words.
func (f *inbound) unmask(b []byte) {
	var key [8]byte
	for i := range key {
		key[i] = f.key[(f.at+i)%4]
	}
	f.at = (f.at + len(b)) % 4
	word := binary.NativeEndian.Uint64(key[:])
	for ; len(b) >= len(key); b = b[len(key):] {
		binary.NativeEndian.PutUint64(b, binary.NativeEndian.Uint64(b)^word)
	}
	for i := range b {
		b[i] ^= key[i]
	}
}
