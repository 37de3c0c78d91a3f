package ws

import (
	"bufio"
	"bytes"
	"cmp"
	"errors"
	"io"
	"net"
	"os"
	"sync"
	"testing"
	"testing/synctest"
	"time"
)

// A peer that takes nothing for as long as is configured is given up.
func TestNoProgress(t *testing.T) {
	t.Parallel()
	for configured, limit := range map[time.Duration]time.Duration{0: 30 * time.Second, 300 * time.Millisecond: 300 * time.Millisecond} {
		t.Run(limit.String(), func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				peer := overPipeWithin(t, configured, func(c *Conn) {
					begun := time.Now()
					err := c.WriteMessages([][]byte{make([]byte, 100)})
					if !errors.Is(err, os.ErrDeadlineExceeded) {
						t.Error(err)
					}
					if took := time.Since(begun); took < limit-limit/30 || took > limit {
						t.Errorf("it took %v", took)
					}
				})
				synctest.Wait()
				time.Sleep(time.Minute)
				_ = peer.Close()
			})
		})
	}
}

// A peer that is slow but goes on reading is not, whatever it reads at once.
// The deadline moves with short time-outs too.
func TestSlowProgress(t *testing.T) {
	t.Parallel()
	for name, tt := range map[string]struct {
		timeout time.Duration
		step    int64
	}{"chunks": {0, chunk}, "less": {0, chunk / 100}, "short": {300 * time.Millisecond, chunk / 100}} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				const size = 2*chunk + 1
				peer := overPipeWithin(t, tt.timeout, func(c *Conn) {
					for range 2 {
						if err := c.WriteMessages([][]byte{make([]byte, size), make([]byte, size)}); err != nil {
							t.Error(err)
						}
					}
				})
				pause := cmp.Or(tt.timeout, writeTimeout) * 2 / 3
				for left := int64(4*(size+maxHeader) + len("\x88\x02\x03\xE8")); left > 0; {
					time.Sleep(pause)
					n, err := io.CopyN(io.Discard, peer, min(tt.step, left))
					if err != nil {
						t.Fatal(err)
					}
					left -= n
				}
				_ = peer.Close()
			})
		})
	}
}

// A peer that stops reading is given up, however much it had read.
func TestProgressEnds(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		stopped := make(chan time.Time, 1)
		peer := overPipe(t, func(c *Conn) {
			if err := c.WriteMessages([][]byte{make([]byte, 100)}); !errors.Is(err, os.ErrDeadlineExceeded) {
				t.Error(err)
			}
			if took := time.Since(<-stopped); took > 2*writeTimeout {
				t.Errorf("it took %v", took)
			}
			if err := c.WriteMessages([][]byte{[]byte("within a frame")}); !errors.Is(err, errCut) {
				t.Error(err)
			}
			if _, err := c.Ping(); !errors.Is(err, errCut) {
				t.Error(err)
			}
		})
		if _, err := io.CopyN(io.Discard, peer, 50); err != nil {
			t.Fatal(err)
		}
		stopped <- time.Now()
		time.Sleep(3 * writeTimeout)
		if b, err := io.ReadAll(peer); err != nil || len(b) > 0 {
			t.Errorf("a frame that was cut off is followed by %q, %v", b, err)
		}
		_ = peer.Close()
	})
}

// The reader reads on while a pong is not taken.
func TestPongIsNotWaitedFor(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		read := make(chan struct{})
		peer := overPipe(t, func(c *Conn) {
			if got, err := readFull(c, 4); got != "next" || err != nil {
				t.Error(got, err)
			}
			close(read)
			if err := c.WriteMessages([][]byte{[]byte("answer")}); err != nil {
				t.Error(err)
			}
		})
		begun := time.Now()
		if _, err := peer.Write(append(frameOf(fin|pingOp, "p"), frameOf(fin|textOp, "next")...)); err != nil {
			t.Fatal(err)
		}
		<-read // while nobody reads the pong
		if took := time.Since(begun); took != 0 {
			t.Errorf("it took %v", took)
		}
		const want = "\x8A\x01p\x81\x06answer\x88\x02\x03\xE8"
		if got, err := io.ReadAll(peer); err != nil || string(got) != want {
			t.Errorf("got %q, %v", got, err)
		}
		_ = peer.Close()
	})
}

// A pong that is cut off ends the connection, as any write does, and nothing
// follows it.
func TestPongFails(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		peer := overPipe(t, func(c *Conn) {
			begun := time.Now()
			if _, err := c.Read(make([]byte, 1)); !errors.Is(err, net.ErrClosed) {
				t.Error(err)
			}
			if took := time.Since(begun); took > 2*writeTimeout {
				t.Errorf("it took %v", took)
			}
			if err := c.WriteMessages([][]byte{[]byte("late")}); err == nil {
				t.Error("a message was written into the middle of a pong")
			}
		})
		if _, err := peer.Write(frameOf(fin|pingOp, "p")); err != nil {
			t.Fatal(err)
		}
		if _, err := io.CopyN(io.Discard, peer, 1); err != nil {
			t.Fatal(err)
		}
		time.Sleep(3 * writeTimeout)
		if got, err := io.ReadAll(peer); err != nil || len(got) > 0 {
			t.Errorf("half a pong is followed by %q, %v", got, err)
		}
		_ = peer.Close()
	})
}

// The close frame for a peer's fault comes after what is being written, and
// does not hurry it.
func TestFaultWhileWriting(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		big := make([]byte, 3*chunk)
		peer := overPipe(t, func(c *Conn) {
			var reader sync.WaitGroup
			reader.Go(func() {
				if _, err := c.Read(make([]byte, 1)); err == nil {
					t.Error("a frame without mask was read")
				}
			})
			if err := c.WriteMessages([][]byte{big}); err != nil {
				t.Error(err)
			}
			reader.Wait()
		})
		r := bufio.NewReader(peer)
		if _, err := r.Peek(1); err != nil {
			t.Fatal(err)
		}
		if _, err := peer.Write([]byte{fin | textOp, 0}); err != nil {
			t.Fatal(err)
		}
		synctest.Wait()
		time.Sleep(2 * closeTimeout)
		got, err := io.ReadAll(r)
		if err != nil {
			t.Fatal(err)
		}
		frame := append(appendHeader(nil, textOp, len(big)), big...)
		rest, whole := bytes.CutPrefix(got, frame)
		if !whole || !bytes.HasPrefix(rest, []byte{fin | closeOp}) || !bytes.HasPrefix(rest[2:], []byte{0x03, 0xEA}) {
			t.Errorf("got %d bytes of %d, then %.50q", len(got), len(frame), rest)
		}
		_ = peer.Close()
	})
}
