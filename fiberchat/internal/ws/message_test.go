package ws

import (
	"bytes"
	"errors"
	"io"
	"net"
	"strings"
	"testing"
)

// echoMessages answers each message with itself, and the end with what ended it.
func echoMessages(limit int) func(*Conn) {
	return func(c *Conn) {
		for {
			var m bytes.Buffer
			if err := c.ReadMessage(&m, limit); err != nil {
				_ = c.CloseWith([]byte(err.Error()), 1000, "")
				return
			}
			if c.WriteMessages([][]byte{m.Bytes()}) != nil {
				return
			}
		}
	}
}

func TestReadMessage(t *testing.T) {
	bothWays(t, func(t *testing.T, secure bool) {
		const limit = 10
		d := open(t, secure, echoMessages(limit))
		c := d.dial(t, frameOf(fin|textOp, "early"))
		c.want(textOp, "early")
		c.write(frameOf(fin|binaryOp, ""))
		c.want(textOp, "")
		c.write(frameOf(more|textOp, "in"))
		c.write(frameOf(fin|pingOp, "between"))
		c.want(pongOp, "between")
		c.write(frameOf(more|contOp, ""))
		c.write(append(frameOf(fin|contOp, " parts"), frameOf(fin|textOp, "next")...))
		c.want(textOp, "in parts")
		c.want(textOp, "next")
		c.write(frameOf(fin|textOp, strings.Repeat("x", limit)))
		c.want(textOp, strings.Repeat("x", limit))
		c.write(frameOf(fin|closeOp, "\x0F\xA0")) // who closes hears nothing but the answer
		c.wantClose(4000, "")

		for name, b := range map[string][]byte{
			"one frame":    frameOf(fin|textOp, strings.Repeat("x", limit+1)),
			"two frames":   append(frameOf(more|textOp, "12345"), frameOf(fin|contOp, "678901")...),
			"only claimed": masked(fin|textOp, 1<<62, strings.Repeat("x", limit+1)),
		} {
			t.Run(name, func(t *testing.T) {
				c := d.dial(t, b)
				c.want(textOp, ErrTooLong.Error())
				c.wantClose(1000, "")
			})
		}
	})
}

// A message that is only claimed takes no memory, and one cut off is none.
func TestReadMessageCutOff(t *testing.T) {
	t.Parallel()
	c := newConn(recorded{in: bytes.NewReader(nil)}, 0)
	c.in.Reset(bytes.NewReader(masked(fin|textOp, 1<<30, "part")))
	var m bytes.Buffer
	if err := c.ReadMessage(&m, 1<<30); err != io.ErrUnexpectedEOF {
		t.Error(err)
	}
	if m.Cap() > 4<<10 {
		t.Errorf("4 bytes came, and %d are held", m.Cap())
	}
}

// Every part of a message shows that the peer lives.
func TestReadMessageAlive(t *testing.T) {
	t.Parallel()
	alive := make(chan struct{}, 100)
	c := open(t, false, func(c *Conn) {
		c.Watch(func() { alive <- struct{}{} })
		echoMessages(100)(c)
	}).dial(t, nil)
	for _, b := range [][]byte{
		frameOf(more|textOp, "a"), frameOf(more|contOp, ""), frameOf(fin|contOp, "b"), frameOf(fin|pongOp, ""),
	} {
		c.write(b)
		<-alive
	}
}

// A fault of the peer's is answered by its close frame and nothing else.
func TestNoLastMessageAfterAFault(t *testing.T) {
	t.Parallel()
	c := open(t, false, echoMessages(100)).dial(t, []byte{fin | textOp, 0})
	c.wantClose(1002, "a frame is not masked")
}

func TestAbort(t *testing.T) {
	bothWays(t, func(t *testing.T, secure bool) {
		c := open(t, secure, func(c *Conn) {
			c.Abort()
			_ = c.CloseWith([]byte("late"), 1000, "")
			if err := c.ReadMessage(new(bytes.Buffer), 100); !errors.Is(err, net.ErrClosed) {
				t.Error(err)
			}
		}).dial(t, frameOf(fin|textOp, "unread"))
		if got, err := io.ReadAll(c.r); err != nil || len(got) > 0 {
			t.Errorf("got %q, %v", got, err)
		}
	})
}
