package stomp

import (
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"
)

// buffered is a pipe that knows what it holds.
type buffered struct {
	*pipe
	more, unread atomic.Bool
}

func (b *buffered) Buffered() bool { return b.more.Load() || b.rest != "" }
func (b *buffered) Unread() bool   { return b.unread.Load() }

const quiet = 5 * time.Millisecond

// busy is a session over conn that carries out a SEND, and one for each value
// that carryOut then gets.
func busy(t *testing.T, conn Conn, p *pipe) (c *talk, carryOut chan struct{}) {
	carryOut = make(chan struct{})
	c = startOver(t, conn, p, testConfig(), &room{onSend: func(*Frame) error { <-carryOut; return nil }})
	c.send(frame("CONNECT") + frame("SEND", "destination:/a"))
	c.want("CONNECTED")
	synctest.Wait()
	return c, carryOut
}

// What had come is handled once the reader comes back for more, also when more
// is there at once.
func TestHandledThoughMoreComes(t *testing.T) {
	inBubble(t, func(t *testing.T) {
		b := &buffered{pipe: newPipe()}
		c, carryOut := busy(t, b, b.pipe)
		turn := c.session.Turn()
		time.Sleep(time.Minute)
		if c.session.Handled(turn, quiet) {
			t.Error("handled, but it is being carried out")
		}
		carryOut <- struct{}{}
		c.send(frame("SEND", "destination:/b"))
		synctest.Wait()
		if !c.session.Handled(turn, quiet) {
			t.Error("the reader came back for more, but it is not handled")
		}
		if c.session.Handled(c.session.Turn(), quiet) {
			t.Error("what came since is handled, but it is being carried out")
		}
		close(carryOut)
	})
}

// The reader that comes back for what is buffered is not done, until it waits.
func TestHandledBehindABuffer(t *testing.T) {
	t.Parallel()
	for name, known := range map[string]bool{"something is buffered": true, "nobody knows": false} {
		t.Run(name, func(t *testing.T) {
			inBubble(t, func(t *testing.T) {
				b := &buffered{pipe: newPipe()}
				b.more.Store(true)
				conn := Conn(b)
				if !known {
					conn = b.pipe
				}
				c, carryOut := busy(t, conn, b.pipe)
				turn := c.session.Turn()
				close(carryOut)
				synctest.Wait()
				time.Sleep(quiet - 1)
				if c.session.Handled(turn, quiet) {
					t.Error("handled, but more may be there")
				}
				time.Sleep(1)
				if !c.session.Handled(turn, quiet) {
					t.Error("nothing more came, but it is not handled")
				}
			})
		})
	}
}

func TestSessionUnread(t *testing.T) {
	inBubble(t, func(t *testing.T) {
		b := &buffered{pipe: newPipe()}
		c, carryOut := busy(t, b, b.pipe)
		close(carryOut)
		for _, want := range []bool{false, true} {
			b.unread.Store(want)
			if got := c.session.Unread(); got != want {
				t.Errorf("unread: %v, want %v", got, want)
			}
		}
		if NewSession(b.pipe, testConfig(), "", nil).Unread() {
			t.Error("a connection that cannot tell has something unread")
		}
	})
}
