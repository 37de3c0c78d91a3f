package ws

import (
	"bytes"
	"errors"
	"io"
	"net"
	"net/http"
	"reflect"
	"testing"
	"testing/iotest"
	"time"

	"github.com/fasthttp/websocket"
)

// recorded is a connection whose peer has sent everything and takes everything.
type recorded struct {
	net.Conn // none
	in       *bytes.Reader
}

func (r recorded) Read(p []byte) (int, error)       { return r.in.Read(p) }
func (r recorded) Write(p []byte) (int, error)      { return len(p), nil }
func (r recorded) Close() error                     { return nil }
func (r recorded) SetDeadline(time.Time) error      { return nil }
func (r recorded) SetReadDeadline(time.Time) error  { return nil }
func (r recorded) SetWriteDeadline(time.Time) error { return nil }

// FuzzRead holds the reader against the library's, which reads the same of
// the same bytes, and against itself, octet by octet and message by message.
func FuzzRead(f *testing.F) {
	for _, b := range [][]byte{
		frameOf(fin|textOp, "hello world"),
		append(frameOf(more|binaryOp, "hello"), append(frameOf(fin|pingOp, "p"), frameOf(fin|contOp, " world")...)...),
		append(frameOf(more|textOp, ""), frameOf(fin|contOp, "x")...),
		append(frameOf(fin|textOp, "a"), frameOf(fin|closeOp, "\x03\xE8bye")...),
		frameOf(fin|textOp, string(make([]byte, 1<<16))),
		masked(fin|textOp, 1<<62, "part"), masked(fin|textOp, 1<<63, "x"), {fin | textOp, 1, 'x'},
		append(frameOf(more|textOp, "a"), frameOf(fin|closeOp, "\x03\xE9")...),
		append(frameOf(more|textOp, "a"), frameOf(fin|textOp, "b")...),
		append(frameOf(fin|textOp, "a"), frameOf(more|contOp, "b")...),
		append(frameOf(fin|closeOp, "\x0F\xA0"), frameOf(fin|textOp, "late")...),
		frameOf(fin|closeOp, ""), frameOf(fin|closeOp, "\x03"), frameOf(fin|closeOp, "\x03\xF6"), frameOf(fin|closeOp, "\x03\xED"),
		frameOf(fin|closeOp, "\x03\xE8\xED\xA0\x80"), frameOf(fin|pingOp, string(make([]byte, 126))), frameOf(more|pongOp, "p"),
		frameOf(fin|0x40|textOp, "a"), frameOf(fin|3, ""), frameOf(fin|15, "a"), {fin | textOp, 0xFF, 0, 0}, {fin | textOp},
	} {
		f.Add(b)
	}
	f.Fuzz(func(t *testing.T, sent []byte) {
		c := newConn(recorded{in: bytes.NewReader(nil)}, 0)
		c.in.Reset(bytes.NewReader(sent))
		got, gotErr := io.ReadAll(c)
		want, wantErr := readByLibrary(t, sent)
		if !bytes.Equal(got, want) {
			t.Errorf("read %q, the library %q", got, want)
		}
		by := newConn(recorded{in: bytes.NewReader(nil)}, 0)
		by.in.Reset(iotest.OneByteReader(bytes.NewReader(sent)))
		var whole bytes.Buffer // messages, and what came of the one cut off
		for err := error(nil); err == nil; {
			err = by.ReadMessage(&whole, 1<<30)
		}
		if !bytes.Equal(whole.Bytes(), got) || !reflect.DeepEqual(by.ending.Load(), c.ending.Load()) {
			t.Errorf("read %q to the end %v, by messages %q to %v", got, c.ending.Load(), whole.Bytes(), by.ending.Load())
		}
		// The library lets half a close code pass, not the code 1014, and gives
		// up at a sum of lengths that no counter holds.
		if end := c.ending.Load(); end != nil && end.code == 1014 {
			return
		}
		if left := wantErr == nil; left != (gotErr == nil) && !left && !errors.Is(wantErr, websocket.ErrReadLimit) {
			t.Errorf("got %v, the library %v", gotErr, wantErr)
		}
		// A reason is a fault's; a peer's own close has its code.
		if end := c.ending.Load(); (gotErr != nil) != (end != nil && end.reason != "") {
			t.Errorf("got %v and the end %v", gotErr, end)
		} else if gotErr != nil && end.code != closeProtocolError {
			t.Errorf("a fault with the code %d", end.code)
		}
	})
}

// readByLibrary returns what the library reads, and no error where the peer left.
func readByLibrary(t *testing.T, sent []byte) (got []byte, err error) {
	request, err := http.NewRequest(http.MethodGet, "/", nil)
	if err != nil {
		t.Fatal(err)
	}
	request.Header = http.Header{"Connection": {"Upgrade"}, "Upgrade": {"websocket"}, "Sec-Websocket-Version": {"13"},
		"Sec-Websocket-Key": {"dGhlIHNhbXBsZSBub25jZQ=="}}
	upgrader := websocket.Upgrader{ReadBufferSize: 1 << 10}
	library, err := upgrader.Upgrade(hijacked{conn: recorded{in: bytes.NewReader(sent)}}, request, nil)
	if err != nil {
		t.Fatal(err)
	}
	for {
		_, r, err := library.NextReader()
		if err == nil {
			var b []byte
			b, err = io.ReadAll(r)
			got = append(got, b...)
		}
		if ce := (*websocket.CloseError)(nil); err == io.EOF || errors.As(err, &ce) {
			return got, nil
		}
		if err != nil {
			return got, err
		}
	}
}
