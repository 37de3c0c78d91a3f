package ws

import (
	"bufio"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"encoding/binary"
	"io"
	"math/big"
	"net"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/gofiber/fiber/v2"
	"go.uber.org/goleak"
)

func TestMain(m *testing.M) {
	// fasthttp's own: one tells the date for ever, one a server ends by itself.
	goleak.VerifyTestMain(m,
		goleak.IgnoreAnyFunction("github.com/valyala/fasthttp.updateServerDate.func1"),
		goleak.IgnoreAnyFunction("github.com/valyala/fasthttp.(*workerPool).Start.func2"))
}

// patience is how long a test waits for what must come at once.
const patience = time.Minute

var subprotocols = []string{"v12.stomp", "v11.stomp", "v10.stomp"}

// door is a Fiber app on a socket of its own, whose connections run serves.
type door struct {
	addr   string
	secure bool
}

func open(t *testing.T, secure bool, run func(*Conn)) door {
	t.Helper()
	app := fiber.New(fiber.Config{DisableStartupMessage: true})
	app.Get("/client", New(Config{Subprotocols: subprotocols}, func(*fiber.Ctx) func(*Conn) { return run }))
	return serve(t, app, secure)
}

func serve(t *testing.T, app *fiber.App, secure bool) door {
	t.Helper()
	ln, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	addr := ln.Addr().String()
	if secure {
		ln = tls.NewListener(ln, serverTLS(t))
	}
	done := make(chan error, 1)
	go func() { done <- app.Listener(ln) }() // joined by the cleanup
	t.Cleanup(func() {
		if err := app.Shutdown(); err != nil {
			t.Error(err)
		}
		if err := <-done; err != nil {
			t.Error(err)
		}
	})
	return door{addr, secure}
}

func serverTLS(t *testing.T) *tls.Config {
	t.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	template := &x509.Certificate{SerialNumber: big.NewInt(1), NotAfter: time.Now().Add(time.Hour)}
	der, err := x509.CreateCertificate(rand.Reader, template, template, &key.PublicKey, key)
	if err != nil {
		t.Fatal(err)
	}
	return &tls.Config{Certificates: []tls.Certificate{{Certificate: [][]byte{der}, PrivateKey: key}}}
}

// bothWays runs a test without and with TLS.
func bothWays(t *testing.T, test func(t *testing.T, secure bool)) {
	t.Parallel()
	t.Run("tcp", func(t *testing.T) { t.Parallel(); test(t, false) })
	t.Run("tls", func(t *testing.T) { t.Parallel(); test(t, true) })
}

// client speaks WebSocket frames by hand, also such as no library sends.
type client struct {
	net.Conn
	t *testing.T
	r *bufio.Reader
}

const handshake = "GET /client HTTP/1.1\r\nHost: a\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n" +
	"Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n"

// dial connects and sends the handshake with what follows it in one write.
func (d door) dial(t *testing.T, follows []byte, headers ...string) *client {
	t.Helper()
	c, res := d.try(t, append([]byte(handshake+strings.Join(headers, "")+"\r\n"), follows...))
	if res.StatusCode != http.StatusSwitchingProtocols {
		t.Fatal(res.Status)
	}
	if got := res.Header.Get("Sec-WebSocket-Accept"); got != "s3pPLMBiTxaQ9kYGzzhZRbK+xOo=" {
		t.Fatalf("accept %q", got)
	}
	return c
}

func (d door) try(t *testing.T, request []byte) (*client, *http.Response) {
	t.Helper()
	conn, err := net.Dial("tcp", d.addr)
	if err != nil {
		t.Fatal(err)
	}
	if d.secure {
		conn = tls.Client(conn, &tls.Config{InsecureSkipVerify: true}) // the test's own certificate
	}
	t.Cleanup(func() { _ = conn.Close() })
	_ = conn.SetDeadline(time.Now().Add(patience))
	if _, err := conn.Write(request); err != nil {
		t.Fatal(err)
	}
	c := &client{conn, t, bufio.NewReader(conn)}
	res, err := http.ReadResponse(c.r, nil)
	if err != nil {
		t.Fatal(err)
	}
	return c, res
}

const (
	fin  = 0x80
	more = 0x00 // no fin: fragments follow

	contOp, textOp, binaryOp, closeOp, pingOp, pongOp = 0, 1, 2, 8, 9, 10
)

// masked is a client's frame with a declared length of its own.
func masked(first byte, length uint64, payload string) []byte {
	b := []byte{first}
	switch {
	case length < 126:
		b = append(b, 0x80|byte(length))
	case length < 1<<16:
		b = binary.BigEndian.AppendUint16(append(b, 0x80|126), uint16(length))
	default:
		b = binary.BigEndian.AppendUint64(append(b, 0x80|127), length)
	}
	key := [4]byte{1, 2, 3, 4}
	b = append(b, key[:]...)
	for i := range len(payload) {
		b = append(b, payload[i]^key[i%4])
	}
	return b
}

func frameOf(first byte, payload string) []byte { return masked(first, uint64(len(payload)), payload) }

func (c *client) write(b []byte) {
	c.t.Helper()
	if _, err := c.Write(b); err != nil {
		c.t.Fatal(err)
	}
}

// read returns the next frame and holds it against RFC 6455, 5.1 and 5.2.
func (c *client) read() (op byte, payload string, err error) {
	c.t.Helper()
	var head [2]byte
	if _, err := io.ReadFull(c.r, head[:]); err != nil {
		return 0, "", err
	}
	if head[0]&0xF0 != fin || head[1]&0x80 != 0 {
		c.t.Fatalf("frame begins with % x: want whole, no reserved bits, no mask", head)
	}
	n := uint64(head[1])
	var ext [8]byte
	switch n {
	case 126:
		_, err = io.ReadFull(c.r, ext[6:])
	case 127:
		_, err = io.ReadFull(c.r, ext[:])
	}
	if err != nil {
		return 0, "", err
	}
	if n >= 126 {
		shortest := uint64(126)
		if n == 127 {
			shortest = 1 << 16
		}
		if n = binary.BigEndian.Uint64(ext[:]); n < shortest {
			c.t.Fatalf("the length %d is not in its shortest form", n)
		}
	}
	b := make([]byte, n)
	_, err = io.ReadFull(c.r, b)
	return head[0] & 0xF, string(b), err
}

func (c *client) want(op byte, payload string) {
	c.t.Helper()
	gotOp, got, err := c.read()
	if err != nil {
		c.t.Fatal(err)
	}
	if gotOp != op || got != payload {
		c.t.Fatalf("got %d %.60q (%d bytes), want %d %.60q (%d)", gotOp, got, len(got), op, payload, len(payload))
	}
}

// wantClose expects a close frame with this code, and nothing after it but
// the end of the stream.
func (c *client) wantClose(code int, reason string) {
	c.t.Helper()
	op, payload, err := c.read()
	if err != nil || op != closeOp || len(payload) < 2 {
		c.t.Fatalf("got %d %q %v, want a close frame", op, payload, err)
	}
	if got := int(binary.BigEndian.Uint16([]byte(payload))); got != code {
		c.t.Errorf("close code %d, want %d", got, code)
	}
	if reason != "" && payload[2:] != reason {
		c.t.Errorf("close reason %q, want %q", payload[2:], reason)
	}
	if rest, err := io.ReadAll(c.r); err != nil || len(rest) > 0 {
		c.t.Errorf("after the close frame came %q, %v", rest, err)
	}
}
