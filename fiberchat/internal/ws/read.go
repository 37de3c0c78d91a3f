package ws

import (
	"encoding/binary"
	"errors"
	"io"
	"math"
	"net"
	"unicode/utf8"

	"github.com/fasthttp/websocket"
)

// inbound is the data frame that is being read.
type inbound struct {
	left   uint64 // octets of its payload
	key    [4]byte
	at     int  // where in key the next octet stands
	within bool // fragments of its message follow
}

const (
	continuation = 0
	maxControl   = 125 // octets of a control frame's payload (RFC 6455, 5.5)
)

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
		if err := c.nextFrame(); err != nil {
			return 0, err
		}
	}
	n, err := c.in.Read(p[:min(uint64(len(p)), c.frame.left)])
	c.frame.unmask(p[:n])
	c.frame.left -= uint64(n)
	return n, err
}

// nextFrame reads a frame up to a data frame's payload (RFC 6455, 5.2).
func (c *Conn) nextFrame() error {
	b, err := c.take(2)
	if err != nil {
		return err
	}
	const fin, reserved, masked = 0x80, 0x70, 0x80
	final, opcode, length := b[0]&fin != 0, int(b[0]&0xF), uint64(b[1]&0x7F)
	data := opcode <= websocket.BinaryMessage
	switch {
	case b[0]&reserved != 0:
		return c.refuse("reserved bits are set")
	case b[1]&masked == 0:
		return c.refuse("a frame is not masked")
	case data && (opcode == continuation) != c.frame.within:
		return c.refuse("a fragment is out of order")
	case !data && (opcode < websocket.CloseMessage || opcode > websocket.PongMessage):
		return c.refuse("an opcode is unknown")
	case !data && (!final || length > maxControl):
		return c.refuse("a control frame is too long or a fragment")
	}
	if length > maxControl {
		octets := 2
		if length == 127 {
			octets = 8
		}
		b, err := c.take(octets)
		if err != nil {
			return err
		}
		var whole [8]byte
		copy(whole[8-octets:], b)
		if length = binary.BigEndian.Uint64(whole[:]); length > math.MaxInt64 {
			return c.refuse("a length is negative")
		}
	}
	key, err := c.take(len(c.frame.key))
	if err != nil {
		return err
	}
	f := inbound{left: length, key: [4]byte(key), within: !final}
	if data {
		c.frame = f
		if length == 0 {
			c.alive()
		}
		return nil
	}
	payload, err := c.take(int(length))
	if err != nil {
		return err
	}
	f.unmask(payload)
	c.alive()
	return c.control(opcode, payload)
}

// control carries out a control frame between data frames.
func (c *Conn) control(opcode int, payload []byte) error {
	switch {
	case opcode == websocket.PingMessage:
		c.answerPing(payload)
	case opcode == websocket.CloseMessage && !validClose(payload):
		return c.refuse("a close frame has no valid code and reason")
	case opcode == websocket.CloseMessage:
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
	case 1000 <= code && code <= 1003, 1007 <= code && code <= 1013, 3000 <= code && code <= 4999:
		return utf8.Valid(payload[2:])
	}
	return false
}

// refuse notes the peer's fault for the close frame: what is being written
// stays whole, and Close comes after it.
func (c *Conn) refuse(reason string) error {
	c.fault.Store(&fault{websocket.CloseProtocolError, reason})
	return errors.New("ws: " + reason)
}

// take returns the next n octets, valid until the next read.
func (c *Conn) take(n int) ([]byte, error) {
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
