package ws

import (
	"fmt"
	"io"
	"runtime"
	"strings"
	"testing"
	"time"
)

// numbered is a message that can be told from the others, large enough that
// a socket takes the last one in part.
func numbered(i int) string { return strings.Repeat(fmt.Sprintf("%08d", i), 4000) }

func onUnix(t *testing.T) {
	t.Helper()
	if runtime.GOOS == "windows" {
		t.Skip("only a Unix socket can be asked, or written to without waiting")
	}
}

// fill writes without waiting until the socket takes no more.
func fill(c *Conn) (sent int) {
	for c.TryWriteMessages([][]byte{[]byte(numbered(sent))}) {
		sent++
	}
	return sent
}

// What is written without waiting keeps its place before what waits, also
// what the socket took in part.
func TestTryWrite(t *testing.T) {
	t.Parallel()
	onUnix(t)
	full := make(chan int)
	c := open(t, false, func(c *Conn) {
		sent := fill(c)
		full <- sent
		if err := c.WriteMessages([][]byte{[]byte(numbered(sent))}); err != nil {
			t.Error(err)
		}
		if !c.TryWriteMessages([][]byte{[]byte("small"), nil}) {
			// The socket may still be full.
			if err := c.WriteMessages([][]byte{[]byte("small"), nil}); err != nil {
				t.Error(err)
			}
		}
		_ = c.Close(1000, "")
	}).dial(t, nil)
	sent := <-full
	if sent < 2 {
		t.Fatalf("the socket took %d messages", sent)
	}
	for i := range sent + 1 {
		c.want(textOp, numbered(i))
	}
	c.want(textOp, "small")
	c.want(textOp, "")
	c.wantClose(1000, "")
}

// What the socket took in part goes out whole before the close frame, if the
// peer reads.
func TestTryWriteThenClose(t *testing.T) {
	t.Parallel()
	onUnix(t)
	full := make(chan int)
	c := open(t, false, func(c *Conn) {
		full <- fill(c)
		_ = c.Close(1001, "going away")
	}).dial(t, nil)
	sent := <-full
	for i := range sent {
		c.want(textOp, numbered(i))
	}
	c.wantClose(1001, "going away")
}

// Close does not wait for long for a peer that reads nothing, and puts
// nothing into the middle of a frame.
func TestTryWriteThenCloseUnread(t *testing.T) {
	t.Parallel()
	onUnix(t)
	closed := make(chan int)
	c := open(t, false, func(c *Conn) {
		sent := fill(c)
		begun := time.Now()
		_ = c.Close(1008, "slow consumer")
		if took := time.Since(begun); took >= writeTimeout {
			t.Errorf("waited %v for a peer that does not read", took)
		}
		if c.TryWriteMessages([][]byte{[]byte("late")}) {
			t.Error("taken after Close")
		}
		if err := c.WriteMessages([][]byte{[]byte("late")}); err == nil {
			t.Error("written after Close")
		}
		closed <- sent
	}).dial(t, nil)
	sent := <-closed
	var want []byte
	for i := range sent {
		want = append(appendHeader(want, textOp, len(numbered(i))), numbered(i)...)
	}
	got, err := io.ReadAll(c.r)
	if err != nil {
		t.Fatal(err)
	}
	// The last one may have been taken whole by chance.
	want = append(want, "\x88\x0F\x03\xF0slow consumer"...)
	if !strings.HasPrefix(string(want), string(got)) {
		t.Errorf("%d bytes that are not what was written", len(got))
	}
}

// Too much for one go is refused before it is put together. Not parallel:
// AllocsPerRun counts what others allocate.
func TestTryWriteTooLarge(t *testing.T) {
	onUnix(t)
	dialled, served := make(chan struct{}), make(chan struct{})
	open(t, false, func(c *Conn) {
		defer close(served)
		<-dialled
		msgs := [][]byte{make([]byte, chunk/2), make([]byte, chunk/2)}
		if n := testing.AllocsPerRun(10, func() {
			if c.TryWriteMessages(msgs) {
				t.Error("taken")
			}
		}); n > 0 {
			t.Errorf("%v allocations", n)
		}
	}).dial(t, nil)
	close(dialled)
	<-served
}

// TLS keeps state between records: there everything goes through the writer.
func TestTryWriteTLS(t *testing.T) {
	t.Parallel()
	c := open(t, true, func(c *Conn) {
		if c.TryWriteMessages([][]byte{[]byte("plain")}) {
			t.Error("taken")
		}
		_ = c.Close(1000, "")
	}).dial(t, nil)
	c.wantClose(1000, "")
}

// The socket tells what the reader has still to see: bytes, and the end.
func TestUnread(t *testing.T) {
	t.Parallel()
	onUnix(t)
	sent, served := make(chan struct{}), make(chan struct{})
	c := open(t, false, func(c *Conn) {
		defer close(served)
		if c.Unread() {
			t.Error("nothing was sent, but something is unread")
		}
		sent <- struct{}{}
		for !c.Unread() {
			runtime.Gosched() // until the bytes are there
		}
		if got, err := readFull(c, 2); got != "hi" || err != nil {
			t.Error(got, err)
		}
		if c.Unread() {
			t.Error("everything was read, but something is unread")
		}
		sent <- struct{}{}
		for !c.Unread() {
			runtime.Gosched() // until the end is there
		}
	}).dial(t, nil)
	<-sent
	c.write(frameOf(fin|textOp, "hi"))
	<-sent
	_ = c.Close()
	<-served
}

// So does what came together with what was read.
func TestUnreadBuffered(t *testing.T) {
	bothWays(t, func(t *testing.T, secure bool) {
		done := make(chan struct{})
		c := open(t, secure, func(c *Conn) {
			defer close(done)
			for _, want := range []string{"one", "two"} {
				if got, err := readFull(c, 3); got != want || err != nil {
					t.Error(got, err)
				}
				if c.Unread() != (want == "one") {
					t.Errorf("after %q: unread is %v", want, c.Unread())
				}
			}
		}).dial(t, nil)
		c.write(append(frameOf(fin|textOp, "one"), frameOf(fin|textOp, "two")...))
		<-done
	})
}

// A ping that comes while something is tried is answered, but not by who
// tries, which is who delivers to everybody: the socket may be full.
func TestTryWriteDoesNotWaitForAPong(t *testing.T) {
	t.Parallel()
	onUnix(t)
	served := make(chan struct{})
	c := open(t, false, func(c *Conn) {
		defer close(served)
		for tryWrite(c.direct, make([]byte, chunk)) > 0 {
		}
		ping := []byte("ping")
		c.pong.Store(&ping) // what answerPing does while somebody writes
		begun := time.Now()
		c.TryWriteMessages([][]byte{[]byte("small")})
		if took := time.Since(begun); took >= writeTimeout {
			t.Errorf("waited %v for a peer that does not read", took)
		}
		_ = c.Close(1000, "")
	}).dial(t, nil)
	<-served
	_ = c.Close()
}
