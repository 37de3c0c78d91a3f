package sockjs

import (
	"bytes"
	"io"
	"net"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/valyala/fasthttp"
)

// pipeStream serves a stream of s over a pipe, where a write takes until the
// client has read it. served is closed when the stream has ended.
func pipeStream(s *session, server net.Conn) (served chan struct{}) {
	st := &stream{t: transports["xhr_streaming"], conn: server, session: s, chunked: true, limit: s.server.cfg.StreamLimit}
	st.head(&fasthttp.ResponseHeader{})
	served = make(chan struct{})
	go func() {
		defer close(served)
		defer server.Close()
		st.serve(time.Minute, nil)
	}()
	return served
}

func write(t *testing.T, s *session, messages ...string) {
	t.Helper()
	for _, message := range messages {
		if err := s.WriteMessages([][]byte{[]byte(message)}); err != nil {
			t.Fatal(err)
		}
	}
}

// wantFrames takes what the next receivers get.
func wantFrames(t *testing.T, s *session, frames ...string) {
	t.Helper()
	for _, want := range frames {
		frame, _ := s.dequeue(nil)
		equal(t, "frame", string(frame), want)
	}
}

const interrupted = `c[1002,"Connection interrupted"]`

// What was queued behind a frame that may be lost is not sent either.
func TestNothingComesAfterAGap(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		s := bare(Config{})
		write(t, s, "1")
		wantFrames(t, s, "o", `a["1"]`)
		write(t, s, "2")
		s.lost()
		wantFrames(t, s, interrupted)

		s = bare(Config{})
		write(t, s, "1")
		wantFrames(t, s, "o", `a["1"]`)
		write(t, s, "2")
		s.Close(1008, "slow")
		s.lost()
		wantFrames(t, s, `c[1008,"slow"]`)
		time.Sleep(6 * time.Second)
	})
}

// A client that leaves in the middle of a stream's last frames is lost, like
// one that leaves in the middle of others.
func TestStreamCutAtItsLimit(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		s := bare(Config{StreamLimit: 1000})
		server, client := net.Pipe()
		served := pipeStream(s, server)
		write(t, s, strings.Repeat("x", 2000))
		if _, err := io.ReadFull(client, make([]byte, 3000)); err != nil {
			t.Fatal(err)
		}
		client.Close()
		<-served
		wantFrames(t, s, interrupted)
		time.Sleep(6 * time.Second)
	})
}

// halfClosed is the connection of a client that left: what is written to it
// goes into a buffer that nobody reads, after a moment.
type halfClosed struct{ net.Conn }

func (halfClosed) Read([]byte) (int, error) { return 0, io.EOF }

func (halfClosed) Write(p []byte) (int, error) {
	time.Sleep(time.Second)
	return len(p), nil
}

// A write that succeeds does not say that somebody is there.
func TestStreamGoneAtItsLimit(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		s := bare(Config{StreamLimit: 1000})
		write(t, s, strings.Repeat("x", 2000))
		server, client := net.Pipe()
		defer client.Close()
		<-pipeStream(s, halfClosed{server})
		wantFrames(t, s, interrupted)
		time.Sleep(6 * time.Second)
	})
}

// A client that reads slowly, but reads, has its session as long as a stream
// takes, and the disconnect delay afterwards.
func TestSlowStreamKeepsItsSession(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		s := bare(Config{StreamLimit: 100_000})
		write(t, s, strings.Repeat("x", 120_000))
		server, client := net.Pipe()
		served := pipeStream(s, server)
		var got bytes.Buffer
		for began := time.Now(); !bytes.HasSuffix(got.Bytes(), []byte("\r\n0\r\n\r\n")); time.Sleep(100 * time.Millisecond) {
			if _, err := io.CopyN(&got, client, 1000); err != nil && err != io.EOF {
				t.Fatalf("after %s: %v", time.Since(began), err)
			}
		}
		<-served
		time.Sleep(4 * time.Second)
		r, ok := s.attach()
		equal(t, "comes back", r != nil && ok, true)
		s.Close(1000, "")
		s.detach(r)
		time.Sleep(time.Minute)
	})
}

// What a response took, a poll's or a stream's, may be on its way for longer
// than the disconnect delay.
func TestSlowFetchKeepsItsSession(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		name  string
		sizes []int // taken by one receiver each
		lives time.Duration
	}{
		{"little", []int{100}, 5 * time.Second},
		{"a full queue at 10 KB/s", []int{128 << 10}, 5*time.Second + 16*time.Second},
		{"several in a row", []int{32 << 10, 32 << 10}, 5*time.Second + 8*time.Second},
		{"no longer than a write may take", []int{1 << 20, 1 << 20}, 5*time.Second + 30*time.Second},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				s := bare(Config{})
				wantFrames(t, s, "o")
				for _, n := range c.sizes {
					r, _ := s.attach()
					write(t, s, strings.Repeat("x", n))
					s.dequeue(nil)
					s.detach(r)
				}
				began := time.Now()
				_, err := s.Read(make([]byte, 1))
				equal(t, "error", err, errTimeout)
				equal(t, "lived", time.Since(began).Truncate(time.Second), c.lives)
			})
		})
	}
}

// A client that reads nothing does not keep those who wait for the end.
func TestEndHurriesAStuckStream(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		s := bare(Config{})
		server, client := net.Pipe()
		defer client.Close()
		served := pipeStream(s, server)
		time.Sleep(10 * time.Second) // it is stuck, with its write time-out running
		began := time.Now()
		s.Close(1001, "going away")
		<-served
		equal(t, "took", time.Since(began), closeTimeout)

		// One that begins later has as long, and so has one that reads little
		// by little.
		server, trickle := net.Pipe()
		defer trickle.Close()
		began = time.Now()
		served = pipeStream(s, server)
		for range 5 {
			time.Sleep(150 * time.Millisecond)
			if _, err := io.ReadFull(trickle, make([]byte, 1)); err != nil {
				t.Fatal(err)
			}
		}
		<-served
		equal(t, "took", time.Since(began), closeTimeout)
		time.Sleep(6 * time.Second)
	})
}

// While the server goes nobody waits for a client that can not come back.
func TestHurry(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		s := bare(Config{})
		wantFrames(t, s, "o")
		r, _ := s.attach()
		write(t, s, strings.Repeat("x", 128<<10))
		s.dequeue(nil)
		s.detach(r) // it may fetch that for 16 s
		began := time.Now()
		s.server.Hurry()
		s.hurry() // bare sessions are not the server's
		_, err := s.Read(make([]byte, 1))
		equal(t, "error", err, errTimeout)
		equal(t, "lived", time.Since(began), shutdownGrace)
	})
}
