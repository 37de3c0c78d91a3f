package ws

import (
	"bufio"
	"errors"
	"io"
	"net"
	"net/http"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/fasthttp/websocket"
)

// hijacked lends one end of a pipe to the upgrade, so that a connection runs
// by synctest's clock.
type hijacked struct {
	http.ResponseWriter
	conn net.Conn
}

func (h hijacked) Header() http.Header { return http.Header{} }

func (h hijacked) Hijack() (net.Conn, *bufio.ReadWriter, error) {
	return h.conn, bufio.NewReadWriter(bufio.NewReader(h.conn), bufio.NewWriter(h.conn)), nil
}

// overPipe serves a connection whose peer is the returned end of a pipe,
// which takes nothing that nobody reads.
func overPipe(t *testing.T, run func(*Conn)) net.Conn {
	t.Helper()
	return overPipeWithin(t, 0, run)
}

func overPipeWithin(t *testing.T, writeTimeout time.Duration, run func(*Conn)) net.Conn {
	t.Helper()
	request, err := http.ReadRequest(bufio.NewReader(strings.NewReader(handshake + "\r\n")))
	if err != nil {
		t.Fatal(err)
	}
	server, peer := net.Pipe()
	go func() { // ends with the bubble, which waits for it
		defer func() { _ = server.Close() }()
		c, err := (&websocket.Upgrader{}).Upgrade(hijacked{conn: server}, request, nil)
		if err != nil {
			t.Error(err)
			return
		}
		Serve(c.NetConn(), writeTimeout, run)
	}()
	if _, err := http.ReadResponse(bufio.NewReaderSize(peer, 16), request); err != nil {
		t.Fatal(err)
	}
	return peer
}

// Close wakes a reader that waits.
func TestCloseWakesReader(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		peer := overPipe(t, func(c *Conn) {
			read := make(chan error, 1)
			go func() { // joined below
				_, err := c.Read(make([]byte, 1))
				read <- err
			}()
			synctest.Wait()
			begun := time.Now()
			_ = c.Close(1001, "going away")
			if err := <-read; !errors.Is(err, net.ErrClosed) {
				t.Error(err)
			}
			if took := time.Since(begun); took != 0 {
				t.Errorf("it took %v", took)
			}
		})
		if got, err := io.ReadAll(peer); err != nil || string(got) != "\x88\x0C\x03\xE9going away" {
			t.Errorf("got %q, %v", got, err)
		}
		_ = peer.Close()
	})
}

// A peer that does not close its side is not waited for for long.
func TestLingerEnds(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		peer := overPipe(t, func(c *Conn) { _ = c.Close(1000, "") })
		begun := time.Now()
		if _, err := io.ReadAll(peer); err != nil {
			t.Error(err)
		}
		if took := time.Since(begun); took > closeTimeout {
			t.Errorf("it took %v", took)
		}
		_ = peer.Close()
	})
}
