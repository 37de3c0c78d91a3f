package ws

import (
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/gofiber/fiber/v2"
)

// readFull reads n bytes as a session does, in whatever pieces they come.
func readFull(c *Conn, n int) (string, error) {
	b := make([]byte, n)
	_, err := io.ReadFull(c, b)
	return string(b), err
}

// echo answers everything read with a text message of the same bytes, and
// the end with a normal close.
func echo(c *Conn) {
	b := make([]byte, 4096)
	for {
		n, err := c.Read(b)
		if err != nil {
			_ = c.Close(1000, "")
			return
		}
		if c.WriteMessages([][]byte{b[:n]}) != nil {
			return
		}
	}
}

func TestReadAndWrite(t *testing.T) {
	bothWays(t, func(t *testing.T, secure bool) {
		// The first frame comes with the handshake.
		c := open(t, secure, echo).dial(t, frameOf(fin|textOp, "one"))
		c.want(textOp, "one")
		c.write(frameOf(fin|binaryOp, "binary\x00\xFF"))
		c.want(textOp, "binary\x00\xFF")
		c.write(frameOf(fin|textOp, "half of \xE8\xB5")) // UTF-8 is not this room's matter
		c.want(textOp, "half of \xE8\xB5")
		// Control frames between fragments, an empty fragment too.
		c.write(frameOf(more|textOp, "first"))
		c.want(textOp, "first")
		c.write(frameOf(fin|pingOp, "between"))
		c.want(pongOp, "between")
		c.write(frameOf(fin|pongOp, "unasked"))
		c.write(frameOf(more|contOp, ""))
		c.write(frameOf(more|contOp, "second"))
		c.want(textOp, "second")
		c.write(frameOf(fin|contOp, "last"))
		c.want(textOp, "last")
		c.write(append(frameOf(fin|textOp, ""), frameOf(fin|pingOp, "")...)) // empty ones
		c.want(pongOp, "")
		c.write(frameOf(fin|pingOp, strings.Repeat("p", 125)))
		c.want(pongOp, strings.Repeat("p", 125))
		c.write(frameOf(fin|closeOp, "\x03\xE9bye"))
		c.wantClose(1001, "")
	})
}

func TestManyMessages(t *testing.T) {
	bothWays(t, func(t *testing.T, secure bool) {
		var msgs [][]byte
		for _, n := range []int{0, 1, 125, 126, 127, 32<<10 - 1, 32 << 10, 65535, 65536, 65537, 300_000, 1} {
			msgs = append(msgs, []byte(strings.Repeat("x", n)))
		}
		for range 1000 {
			msgs = append(msgs, []byte("small"))
		}
		c := open(t, secure, func(c *Conn) {
			if err := errors.Join(c.WriteMessages(nil), c.WriteMessages(msgs), c.WriteMessages(msgs[:2])); err != nil {
				t.Error(err)
			}
			if can, err := c.Ping(); !can || err != nil {
				t.Error(can, err)
			}
			_ = c.Close(1013, "try again later")
		}).dial(t, nil)
		for _, m := range append(msgs, msgs[:2]...) {
			c.want(textOp, string(m))
		}
		c.want(pingOp, "")
		c.wantClose(1013, "try again later")
	})
}

// What shows that the peer lives, and Read does not show.
func TestAlive(t *testing.T) {
	t.Parallel()
	alive := make(chan struct{}, 100)
	c := open(t, false, func(c *Conn) {
		c.Watch(func() { alive <- struct{}{} })
		echo(c)
	}).dial(t, nil)
	for _, b := range [][]byte{
		frameOf(fin|pingOp, "a"), frameOf(fin|pongOp, ""), frameOf(fin|textOp, ""),
		frameOf(more|textOp, ""), frameOf(more|contOp, ""), frameOf(more|contOp, ""), frameOf(fin|contOp, ""),
	} {
		c.write(b)
		<-alive
	}
}

// Frames that RFC 6455 forbids end the connection with 1002, whatever the
// session ends with, and nothing follows that close frame.
func TestBadFrames(t *testing.T) {
	t.Parallel()
	huge := strings.Repeat("x", 126)
	for name, b := range map[string][]byte{
		"unmasked":                     {fin | textOp, 2, 'h', 'i'},
		"unmasked ping":                {fin | pingOp, 0},
		"RSV1":                         frameOf(fin|0x40|textOp, "hi"),
		"RSV2":                         frameOf(fin|0x20|textOp, "hi"),
		"RSV3":                         frameOf(fin|0x10|textOp, "hi"),
		"RSV1 on a ping":               frameOf(fin|0x40|pingOp, "hi"),
		"reserved opcode 3":            frameOf(fin|3, "hi"),
		"reserved opcode 11":           frameOf(fin|11, ""),
		"reserved opcode 15":           frameOf(fin|15, ""),
		"huge ping":                    frameOf(fin|pingOp, huge),
		"huge pong":                    frameOf(fin|pongOp, huge),
		"huge close":                   frameOf(fin|closeOp, "\x03\xE8"+huge),
		"ping of 2^62 bytes":           masked(fin|pingOp, 1<<62, ""),
		"fragmented ping":              frameOf(more|pingOp, "hi"),
		"fragmented close":             frameOf(more|closeOp, "\x03\xE8"),
		"continuation of nothing":      frameOf(fin|contOp, "hi"),
		"text within a message":        append(frameOf(more|textOp, "a"), frameOf(fin|textOp, "b")...),
		"negative length":              masked(fin|textOp, 1<<63, ""),
		"negative length of a part":    append(frameOf(more|textOp, "a"), masked(fin|contOp, 1<<64-1, "")...),
		"close with half a code":       frameOf(fin|closeOp, "\x03"),
		"close code 1005":              frameOf(fin|closeOp, "\x03\xED"),
		"close code 999":               frameOf(fin|closeOp, "\x03\xE7"),
		"close reason that is no text": frameOf(fin|closeOp, "\x03\xE8\xFF"),
		"all ones":                     {0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			for _, secure := range []bool{false, true} {
				got := make(chan error, 1)
				c := open(t, secure, func(c *Conn) {
					_, err := io.Copy(io.Discard, c)
					got <- err
					// What a session does then: what is queued, and a close.
					_ = c.WriteMessages([][]byte{[]byte("queued")})
					_ = c.Close(1000, "")
				}).dial(t, nil)
				c.write(b)
				if err := <-got; err == nil {
					t.Error("the reader saw a peer that left in good order")
				}
				c.want(textOp, "queued")
				c.wantClose(1002, "")
			}
		})
	}
}

// A length that is only declared allocates nothing, and the peer may leave.
func TestDeclaredLength(t *testing.T) {
	t.Parallel()
	for name, b := range map[string][]byte{
		"sum overflows": append(frameOf(more|textOp, "a"), masked(fin|contOp, 1<<63-1, "")...),
		"2^62":          masked(fin|textOp, 1<<62, "a"),
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			c := open(t, false, func(c *Conn) {
				if _, err := io.Copy(io.Discard, c); err != nil {
					t.Error(err)
				}
				_ = c.Close(1000, "")
			}).dial(t, nil)
			c.write(b)
			if err := c.Conn.(*net.TCPConn).CloseWrite(); err != nil {
				t.Fatal(err)
			}
			c.wantClose(1000, "")
		})
	}
}

// A message that never ends reaches the reader piece by piece, so that the
// decoder's limit counts.
func TestFragmentedForever(t *testing.T) {
	t.Parallel()
	const limit = 64 << 10
	c := open(t, false, func(c *Conn) {
		if _, err := readFull(c, limit); err != nil {
			t.Error(err)
		}
		_ = c.WriteMessages([][]byte{[]byte("too large")})
		_ = c.Close(1009, "frame-too-large")
	}).dial(t, nil)
	b := frameOf(more|textOp, "x")
	for range 999 {
		b = append(b, frameOf(more|contOp, "x")...)
	}
	sent := make(chan struct{})
	go func() { // ends when the server has closed
		defer close(sent)
		for n := 0; ; n++ {
			if _, err := c.Write(b); err != nil {
				return
			}
			b[0] = more | contOp
		}
	}()
	c.want(textOp, "too large")
	op, payload, err := c.read()
	if err != nil || op != closeOp || payload != "\x03\xF1frame-too-large" {
		t.Errorf("got %d %q %v", op, payload, err)
	}
	_ = c.Close()
	<-sent
}

// The reader answers pings, and reads on, while the writer is stuck.
func TestPingsWhileStuck(t *testing.T) {
	bothWays(t, func(t *testing.T, secure bool) {
		big := []byte(strings.Repeat("x", 1<<20))
		const messages = 16
		read := make(chan struct{})
		c := open(t, secure, func(c *Conn) {
			wrote := make(chan struct{})
			go func() { // joined below
				defer close(wrote)
				for range messages {
					if err := c.WriteMessages([][]byte{big}); err != nil {
						t.Error(err)
					}
				}
			}()
			if got, err := readFull(c, 5); got != "after" || err != nil {
				t.Error(got, err)
			}
			close(read)
			<-wrote
			_ = c.Close(1000, "")
		}).dial(t, nil)
		for i := range 20_000 {
			c.write(frameOf(fin|pingOp, fmt.Sprint(i)))
		}
		c.write(frameOf(fin|textOp, "after"))
		select {
		case <-read:
		case <-time.After(patience):
			t.Fatal("the reader waits for the writer")
		}
		last, got := "", 0
		for {
			op, payload, err := c.read()
			if err != nil {
				t.Fatal(err)
			}
			if op == closeOp {
				break
			}
			if op == pongOp {
				last = payload
			} else if got++; op != textOp || payload != string(big) {
				t.Fatalf("got %d with %d bytes", op, len(payload))
			}
		}
		if last != "19999" || got != messages {
			t.Errorf("the last pong is %q, %d messages", last, got)
		}
	})
}

// Close from another goroutine wakes a writer that is stuck, and the reader.
func TestCloseWakes(t *testing.T) {
	bothWays(t, func(t *testing.T, secure bool) {
		done := make(chan struct{})
		c := open(t, secure, func(c *Conn) {
			wrote, read := make(chan error, 1), make(chan error, 1)
			go func() { // joined below
				wrote <- c.WriteMessages([][]byte{make([]byte, 32<<20)}) // more than sockets hold
			}()
			if got, err := readFull(c, 5); got != "begun" || err != nil {
				t.Error(got, err)
			}
			go func() { // joined below
				_, err := c.Read(make([]byte, 1))
				read <- err
			}()
			_ = c.Close(1008, "slow consumer")
			for _, ended := range []chan error{wrote, read} {
				if err := <-ended; !errors.Is(err, net.ErrClosed) {
					t.Error(err)
				}
			}
			close(done)
		}).dial(t, nil)
		if _, err := c.r.Peek(1000); err != nil {
			t.Fatal(err)
		}
		c.write(frameOf(fin|textOp, "begun"))
		select {
		case <-done:
		case <-time.After(patience):
			t.Fatal("somebody was not woken")
		}
	})
}

// What was written before Close arrives, with its code and reason, though the
// peer goes on sending: unread bytes would reset the connection.
func TestCloseWhilePeerSends(t *testing.T) {
	bothWays(t, func(t *testing.T, secure bool) {
		d := open(t, secure, func(c *Conn) {
			if _, err := readFull(c, 1000); err != nil {
				t.Error(err)
			}
			if err := c.WriteMessages([][]byte{[]byte("ERROR")}); err != nil {
				t.Error(err)
			}
			_ = c.Close(1009, "frame-too-large")
			if err := c.WriteMessages([][]byte{[]byte("late")}); !errors.Is(err, net.ErrClosed) {
				t.Error("a write after Close:", err)
			}
			if _, err := c.Ping(); !errors.Is(err, net.ErrClosed) {
				t.Error("a ping after Close:", err)
			}
			if _, err := c.Read(make([]byte, 1)); !errors.Is(err, net.ErrClosed) {
				t.Error("a read after Close:", err)
			}
		})
		for range 10 {
			c := d.dial(t, nil)
			b := frameOf(fin|textOp, strings.Repeat("x", 60_000))
			c.write(append(b, b...)) // more than is read, in one go
			c.want(textOp, "ERROR")
			c.wantClose(1009, "frame-too-large")
		}
	})
}

// A close frame is not lost to a pong that goes out at the same moment.
func TestCloseBesidePongs(t *testing.T) {
	t.Parallel()
	d := open(t, false, func(c *Conn) {
		var reader sync.WaitGroup
		reader.Go(func() { _, _ = io.Copy(io.Discard, c) })
		_, _ = c.Ping()
		_ = c.Close(1002, "bad-frame")
		reader.Wait()
	})
	pings := frameOf(fin|pingOp, "p")
	for len(pings) < 8000 {
		pings = append(pings, pings...)
	}
	for i := range 100 {
		c := d.dial(t, pings)
		for {
			op, payload, err := c.read()
			if err != nil {
				t.Fatalf("connection %d ended without a close frame: %v", i, err)
			}
			if op == closeOp {
				if payload != "\x03\xEAbad-frame" {
					t.Errorf("close frame %q", payload)
				}
				break
			}
		}
		_ = c.Close()
	}
}

// A peer that shuts its sending side down can still be answered.
func TestHalfClose(t *testing.T) {
	bothWays(t, func(t *testing.T, secure bool) {
		c := open(t, secure, func(c *Conn) {
			if got, err := readFull(c, 4); got != "last" || err != nil {
				t.Error(got, err)
			}
			if n, err := c.Read(make([]byte, 1)); n != 0 || err != io.EOF {
				t.Error(n, err)
			}
			_ = c.WriteMessages([][]byte{[]byte("answer")})
			_ = c.Close(1000, "")
		}).dial(t, nil)
		c.write(frameOf(fin|textOp, "last"))
		half := c.Conn.(interface{ CloseWrite() error })
		if err := half.CloseWrite(); err != nil {
			t.Fatal(err)
		}
		c.want(textOp, "answer")
		c.wantClose(1000, "")
	})
}

// A peer that vanishes without a word ends the reader too.
func TestReset(t *testing.T) {
	t.Parallel()
	done := make(chan error, 1)
	c := open(t, false, func(c *Conn) {
		_, err := c.Read(make([]byte, 1))
		done <- err
	}).dial(t, nil)
	if err := c.Conn.(*net.TCPConn).SetLinger(0); err != nil {
		t.Fatal(err)
	}
	_ = c.Close()
	if err := <-done; err == nil {
		t.Error("no error")
	}
}

func TestSubprotocols(t *testing.T) {
	t.Parallel()
	d := open(t, false, echo)
	for offered, want := range map[string]string{
		"":                                "",
		"v10.stomp":                       "v10.stomp",
		"v10.stomp, v11.stomp, v12.stomp": "v12.stomp",
		"v10.stomp,v11.stomp,v12.stomp":   "v12.stomp",
		"v11.stomp , v10.stomp":           "v11.stomp",
		"chat, v11.stomp":                 "v11.stomp",
		"chat":                            "",
		"v13.stomp":                       "",
		"v11.stomp\r\nSec-WebSocket-Protocol: v12.stomp": "v12.stomp",
	} {
		request := handshake
		if offered != "" {
			request += "Sec-WebSocket-Protocol: " + offered + "\r\n"
		}
		_, res := d.try(t, []byte(request+"\r\n"))
		if got := res.Header.Get("Sec-WebSocket-Protocol"); got != want || res.StatusCode != http.StatusSwitchingProtocols {
			t.Errorf("offered %q: got %q, %s", offered, got, res.Status)
		}
		if got := res.Header.Get("Sec-WebSocket-Extensions"); got != "" {
			t.Errorf("extensions %q", got)
		}
	}
}

// What a handshake may be is tested at the doors (conformance_handshake_test.go);
// here, what only the library has to say.
func TestNoUpgrade(t *testing.T) {
	t.Parallel()
	app := fiber.New(fiber.Config{DisableStartupMessage: true})
	app.Get("/client", func(c *fiber.Ctx) error {
		c.Set(fiber.HeaderSecWebSocketExtensions, "of the app")
		return c.Next()
	}, New(Config{}, func(*fiber.Ctx) func(*Conn) {
		return func(*Conn) { t.Error("served") }
	}))
	if _, res := serve(t, app, false).try(t, []byte(handshake+"\r\n")); res.StatusCode != http.StatusInternalServerError {
		t.Error(res.Status)
	}
}
