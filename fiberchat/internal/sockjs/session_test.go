package sockjs

import (
	"errors"
	"io"
	"net"
	"strings"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/gofiber/fiber/v2"
)

// bare is a session without a server around it.
func bare(cfg Config) *session {
	cfg.Key, cfg.Open = func(*fiber.Ctx) string { return "" }, serving(wait)
	return newSession(New(cfg), sessionKey{id: "x"})
}

func TestDisconnectDelay(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		s := bare(Config{})
		began := time.Now()
		r, ok := s.attach()
		if r == nil || !ok {
			t.Fatal("not attached")
		}
		time.Sleep(time.Minute) // a session with a receiver lives on
		s.detach(r)
		time.Sleep(4 * time.Second)
		r, _ = s.attach()
		s.detach(r)
		_, err := s.Read(make([]byte, 1))
		equal(t, "error", err, errTimeout)
		equal(t, "lived", time.Since(began), time.Minute+9*time.Second)
	})
}

func TestSecondReceiverWaitsForTheFirst(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		s := bare(Config{})
		first, _ := s.attach()
		began := time.Now()
		_, ok := s.attach()
		equal(t, "second", ok, false)
		equal(t, "waited", time.Since(began), 50*time.Millisecond)
		time.AfterFunc(30*time.Millisecond, func() { s.detach(first) })
		began = time.Now()
		second, ok := s.attach()
		equal(t, "third", ok, true)
		equal(t, "waited", time.Since(began), 30*time.Millisecond)
		s.detach(first) // a receiver detaches itself only
		if s.receiver != second {
			t.Error("the first detached the second")
		}
		s.Close(1000, "")
		s.detach(second)
		synctest.Wait()
		time.Sleep(6 * time.Second)
	})
}

func TestCloseFlushesFirst(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		s := bare(Config{})
		if err := s.WriteMessages([][]byte{[]byte("a"), []byte("b")}); err != nil {
			t.Fatal(err)
		}
		s.Close(1008, `not "allowed"`)
		s.Close(1000, "too late")
		for _, want := range []string{"o", `a["a","b"]`, `c[1008,"not \"allowed\""]`, `c[1008,"not \"allowed\""]`} {
			frame, last := s.dequeue(nil)
			equal(t, "frame", string(frame), want)
			equal(t, "last", last, strings.HasPrefix(want, "c"))
		}
		_, err := s.Read(make([]byte, 1))
		equal(t, "read", err, net.ErrClosed)
		equal(t, "write", s.WriteMessages([][]byte{nil}), net.ErrClosed)
		time.Sleep(6 * time.Second)
	})
}

// Polls and sends are signs of life.
func TestWatch(t *testing.T) {
	t.Parallel()
	var alive atomic.Int32
	watching := make(chan struct{})
	s := start(t, Config{Open: serving(func(conn Conn) {
		conn.Watch(func() { alive.Add(1) })
		close(watching)
		wait(conn)
	}), HeartBeat: 10 * time.Millisecond})
	path := "/echo" + newSessionPath()
	equal(t, "open", polled(t, s.addr, path+"/xhr"), "o\n")
	<-watching
	before := alive.Load()
	equal(t, "beat", polled(t, s.addr, path+"/xhr"), "h\n")
	equal(t, "after a poll", alive.Load(), before+1)
	sent(t, s.addr, path+"/xhr_send", "[]")
	equal(t, "after a send", alive.Load(), before+2)
}

// A serving function that panics ends its own session and nothing else.
func TestServingPanics(t *testing.T) {
	t.Parallel()
	s := start(t, Config{Open: serving(func(Conn) { panic("oh") })})
	path := "/echo" + newSessionPath()
	equal(t, "open", polled(t, s.addr, path+"/xhr"), "o\n")
	equal(t, "close", polled(t, s.addr, path+"/xhr"), "c[1011,\"internal error\"]\n")
	ws := dialWS(t, s.addr, "/echo"+newSessionPath()+"/websocket")
	wsWant(t, ws, "o", `c[1011,"internal error"]`)
}

func TestConfigIsChecked(t *testing.T) {
	t.Parallel()
	defer func() {
		if recover() == nil {
			t.Error("New took a Config without Key and Open")
		}
	}()
	New(Config{})
}

func TestReadReturnsTheFirstError(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		s := bare(Config{})
		s.lost()
		s.Close(1000, "late")
		_, err := s.Read(make([]byte, 1))
		equal(t, "error", errors.Is(err, io.EOF), true)
		time.Sleep(6 * time.Second)
	})
}
