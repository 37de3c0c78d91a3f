package fiberchat_test

import (
	"bufio"
	"encoding/binary"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"strings"
	"testing"
	"time"
)

// wsDoor is a way in over WebSocket: the tests of RFC 6455 run through each.
type wsDoor struct {
	name, path string
	sockJS     bool
}

var wsDoors = []wsDoor{
	{name: "client", path: "/client"},
	{name: "raw", path: "/socketServer/websocket"},
	{name: "sockjs", path: "/socketServer/000/conformance/websocket", sockJS: true},
}

const wsKey, wsAccept = "dGhlIHNhbXBsZSBub25jZQ==", "s3pPLMBiTxaQ9kYGzzhZRbK+xOo=" // RFC 6455, 1.3

// spell is the payload that carries these bytes of STOMP through the door.
func (d wsDoor) spell(stomp string) string {
	if !d.sockJS || stomp == "" {
		return stomp
	}
	b, err := json.Marshal([]string{stomp})
	if err != nil {
		panic(err) // strings always marshal
	}
	return string(b)
}

// padded is spell with n bytes in all.
func (d wsDoor) padded(stomp string, n int) string {
	fill, text := "\n", d.spell(stomp) // a heart-beat
	if d.sockJS {
		fill = " "
	}
	return strings.Repeat(fill, n-len(text)) + text
}

// ask is a frame that changes nothing and is answered by RECEIPT.
func ask(receipt string) string { return "UNSUBSCRIBE\nid:none\nreceipt:" + receipt + "\n\n\x00" }

func (d wsDoor) ask(receipt string) string { return d.spell(ask(receipt)) }

// wsConn speaks WebSocket by hand, also as no library does.
type wsConn struct {
	*net.TCPConn
	r *bufio.Reader
}

func dialTCP(t testing.TB, addr string) wsConn {
	t.Helper()
	conn, err := net.Dial("tcp", addr)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = conn.Close() })
	if err := conn.SetDeadline(time.Now().Add(patience)); err != nil {
		t.Fatal(err)
	}
	return wsConn{conn.(*net.TCPConn), bufio.NewReader(conn)}
}

// open connects as far as CONNECTED.
func (d wsDoor) open(t testing.TB, addr, token string) wsConn {
	t.Helper()
	c := dialTCP(t, addr)
	request := "GET " + d.path + "?srect=" + token + " HTTP/1.1\r\nHost: test.example\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n" +
		"Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: " + wsKey + "\r\n\r\n"
	connect := d.spell("CONNECT\naccept-version:1.2\nheart-beat:0,0\n\n\x00")
	if _, err := io.WriteString(c, request+whole(text, connect)); err != nil {
		t.Fatal(err)
	}
	if resp, err := http.ReadResponse(c.r, nil); err != nil || resp.StatusCode != http.StatusSwitchingProtocols {
		t.Fatal(resp, err)
	}
	for {
		_, payload, err := c.read()
		if err != nil || !strings.Contains(payload, "CONNECTED") && payload != "o" {
			t.Fatalf("got %q, %v, want CONNECTED", payload, err)
		}
		if payload != "o" {
			return c
		}
	}
}

// The first octet of a frame.
const (
	continuation, text, binaryFrame, closing, ping, pong = 0, 1, 2, 8, 9, 10

	fin              = 0x80
	rsv1, rsv2, rsv3 = 0x40, 0x20, 0x10
)

// part is a frame of a client whose message goes on, whole the last or only one.
func part(first byte, payload string) string {
	return claimed(first, uint64(len(payload)), payload)
}

func whole(first byte, payload string) string { return part(fin|first, payload) }

// claimed is a frame of a client that says it holds n bytes.
func claimed(first byte, n uint64, payload string) string {
	switch {
	case n < 126:
		return sized(first, []byte{byte(n)}, payload)
	case n < 1<<16:
		return sized(first, length16(int(n)), payload)
	}
	return sized(first, length64(n), payload)
}

func length16(n int) []byte    { return binary.BigEndian.AppendUint16([]byte{126}, uint16(n)) }
func length64(n uint64) []byte { return binary.BigEndian.AppendUint64([]byte{127}, n) }

func sized(first byte, length []byte, payload string) string {
	return keyed(first, length, [4]byte{0x12, 0xAB, 0x00, 0xFF}, payload)
}

func keyed(first byte, length []byte, key [4]byte, payload string) string {
	b := append([]byte{first, 0x80 | length[0]}, length[1:]...)
	b = append(b, key[:]...)
	for i := range len(payload) {
		b = append(b, payload[i]^key[i%4])
	}
	return string(b)
}

// unmasked is a short frame without a mask.
func unmasked(first byte, payload string) string {
	return string([]byte{fin | first, byte(len(payload))}) + payload
}

func closeWith(code int, reason string) string {
	return whole(closing, string(binary.BigEndian.AppendUint16(nil, uint16(code)))+reason)
}

// send writes b at once or octet by octet; what lies far from the ends of a
// long one is one piece. Errors do not matter: what comes back tells.
func (c wsConn) send(b string, singly bool) {
	const ends = 200
	middle := len(b) - 2*ends
	for i := 0; singly && i < len(b); i++ {
		n := 1
		if i == ends && middle > 0 {
			n = middle
		}
		_, _ = io.WriteString(c, b[i:i+n])
		i += n - 1
	}
	if !singly {
		_, _ = io.WriteString(c, b)
	}
}

var errForm = errors.New("the server's frame is none of RFC 6455, 5.1 and 5.2")

// read returns the server's next frame.
func (c wsConn) read() (opcode byte, payload string, err error) {
	var head [2]byte
	if _, err := io.ReadFull(c.r, head[:]); err != nil {
		return 0, "", err
	}
	if head[0]&0xF0 != fin || head[1]&0x80 != 0 {
		return 0, "", fmt.Errorf("%w: % x", errForm, head)
	}
	n := uint64(head[1])
	if n >= 126 {
		more, shortest := make([]byte, 2), uint64(126)
		if n == 127 {
			more, shortest = make([]byte, 8), 1<<16
		}
		if _, err := io.ReadFull(c.r, more); err != nil {
			return 0, "", err
		}
		if n = binary.BigEndian.Uint64(append(make([]byte, 8-len(more)), more...)); n < shortest {
			return 0, "", fmt.Errorf("%w: %d is not in its shortest form", errForm, n)
		}
	}
	b := make([]byte, n)
	_, err = io.ReadFull(c.r, b)
	return head[0] & 0xF, string(b), err
}

// heard is what came from the server.
type heard struct {
	receipts, pongs []string
	code            int // of the close frame
	err             error
}

// listen reads until enough says so, or to the end of the stream.
func (c wsConn) listen(d wsDoor, enough func(heard) bool) (h heard) {
	for h.err == nil && !enough(h) {
		var opcode byte
		var payload string
		if opcode, payload, h.err = c.read(); h.err != nil {
			break
		}
		switch {
		case h.code != 0:
			h.err = fmt.Errorf("%w: after the close frame came %d %q", errForm, opcode, payload)
		case opcode == pong:
			h.pongs = append(h.pongs, payload)
		case opcode == closing && len(payload) >= 2:
			h.code = int(binary.BigEndian.Uint16([]byte(payload)))
		case opcode == text:
			for _, f := range d.frames(payload) {
				if _, id, ok := strings.Cut(f, "receipt-id:"); ok {
					id, _, _ = strings.Cut(id, "\n")
					h.receipts = append(h.receipts, id)
				}
			}
		default:
			h.err = fmt.Errorf("%w: %d %q", errForm, opcode, payload)
		}
	}
	return h
}

// frames undoes SockJS's framing; what is none of it stays as it is.
func (d wsDoor) frames(payload string) (frames []string) {
	if array, ok := strings.CutPrefix(payload, "a"); d.sockJS && ok && json.Unmarshal([]byte(array), &frames) == nil {
		return frames
	}
	return []string{payload}
}
