package sockjs

import (
	"bufio"
	"fmt"
	"io"
	"net"
	"net/http"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/fasthttp/websocket"
)

// patience is how long a test waits for what must come.
const patience = 15 * time.Second

// dial opens a TCP connection that ends with the test.
func dial(t testing.TB, addr string) net.Conn {
	t.Helper()
	conn, err := net.Dial("tcp", addr)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { conn.Close() })
	if err := conn.SetDeadline(time.Now().Add(2 * patience)); err != nil {
		t.Fatal(err)
	}
	return conn
}

// httpConn is one connection on which a test speaks HTTP by hand.
type httpConn struct {
	t testing.TB
	net.Conn
	r *bufio.Reader
}

func dialHTTP(t testing.TB, addr string) *httpConn {
	return dialHTTPOn(t, dial(t, addr))
}

func dialHTTPOn(t testing.TB, conn net.Conn) *httpConn {
	return &httpConn{t: t, Conn: conn, r: bufio.NewReader(conn)}
}

// ask writes a request; header lines are "Name: value".
func (h *httpConn) ask(method, path, body string, header ...string) {
	h.askProto("HTTP/1.1", method, path, body, header...)
}

func (h *httpConn) askProto(proto, method, path, body string, header ...string) {
	h.t.Helper()
	lines := append([]string{method + " " + path + " " + proto, "Host: test.example"}, header...)
	if method == http.MethodPost {
		lines = append(lines, "Content-Length: "+strconv.Itoa(len(body)))
	}
	if _, err := io.WriteString(h, strings.Join(lines, "\r\n")+"\r\n\r\n"+body); err != nil {
		h.t.Fatal(err)
	}
}

// answer is a whole response.
type answer struct {
	status int
	header http.Header
	body   string
	proto  string
}

// head reads a response's headers and leaves its body to be read.
func (h *httpConn) head(method string) *http.Response {
	h.t.Helper()
	res, err := http.ReadResponse(h.r, &http.Request{Method: method})
	if err != nil {
		h.t.Fatalf("read response: %v", err)
	}
	return res
}

func (h *httpConn) answer(method string) answer {
	h.t.Helper()
	res := h.head(method)
	body, err := io.ReadAll(res.Body)
	if err != nil {
		h.t.Fatalf("read body: %v", err)
	}
	return answer{status: res.StatusCode, header: res.Header, body: string(body), proto: res.Proto}
}

// request makes one request on a connection of its own.
func request(t testing.TB, addr, method, path, body string, header ...string) answer {
	t.Helper()
	h := dialHTTP(t, addr)
	defer h.Close()
	h.ask(method, path, body, header...)
	return h.answer(method)
}

func get(t testing.TB, addr, path string, header ...string) answer {
	t.Helper()
	return request(t, addr, http.MethodGet, path, "", header...)
}

func post(t testing.TB, addr, path, body string, header ...string) answer {
	t.Helper()
	return request(t, addr, http.MethodPost, path, body, header...)
}

func options(t testing.TB, addr, path string, header ...string) answer {
	t.Helper()
	return request(t, addr, http.MethodOptions, path, "", header...)
}

// polled posts an empty body and returns the body of the 200 that comes back.
func polled(t testing.TB, addr, path string) string {
	t.Helper()
	a := post(t, addr, path, "")
	if a.status != http.StatusOK {
		t.Fatalf("%s: status %d, body %q", path, a.status, a.body)
	}
	return a.body
}

// sent posts messages and wants a 204.
func sent(t testing.TB, addr, path, body string) {
	t.Helper()
	if a := post(t, addr, path, body); a.status != http.StatusNoContent || a.body != "" {
		t.Fatalf("%s: status %d, body %q", path, a.status, a.body)
	}
}

// streaming is an open chunked response.
type streaming struct {
	*httpConn
	header http.Header
	status int
	close  bool // the server said Connection: close
}

func openStream(t testing.TB, addr, method, path string, header ...string) *streaming {
	t.Helper()
	h := dialHTTP(t, addr)
	h.ask(method, path, "", header...)
	res := h.head(method)
	if len(res.TransferEncoding) != 1 || res.TransferEncoding[0] != "chunked" {
		t.Fatalf("%s: status %d is not chunked", path, res.StatusCode)
	}
	return &streaming{httpConn: h, header: res.Header, status: res.StatusCode, close: res.Close}
}

// chunk reads exactly one chunk; the last one is empty.
func (s *streaming) chunk() string {
	s.t.Helper()
	data, err := s.readChunk()
	if err != nil {
		s.t.Fatalf("read chunk: %v", err)
	}
	return data
}

func (s *streaming) readChunk() (string, error) {
	line, err := s.r.ReadString('\n')
	if err != nil {
		return "", err
	}
	size, err := strconv.ParseUint(strings.TrimSpace(line), 16, 31)
	if err != nil {
		return "", fmt.Errorf("chunk size %q: %w", line, err)
	}
	data := make([]byte, size+2)
	if _, err := io.ReadFull(s.r, data); err != nil {
		return "", err
	}
	return string(data[:size]), nil
}

// want reads chunks and compares them.
func (s *streaming) want(chunks ...string) {
	s.t.Helper()
	for _, want := range chunks {
		if got := s.chunk(); got != want {
			s.t.Fatalf("chunk: got %q, want %q", got, want)
		}
	}
}

// ended wants the last chunk and then the end of the connection.
func (s *streaming) ended() {
	s.t.Helper()
	s.want("")
	if n, err := s.r.Read(make([]byte, 1)); err != io.EOF {
		s.t.Fatalf("after the last chunk: %d bytes, %v", n, err)
	}
}

// xhrStream opens an xhr_streaming response and reads its prelude.
func xhrStream(t testing.TB, addr, session string) *streaming {
	t.Helper()
	s := openStream(t, addr, http.MethodPost, session+"/xhr_streaming")
	s.want(string(xhrPrelude))
	return s
}

// dialWS opens a WebSocket that ends with the test.
func dialWS(t testing.TB, addr, path string) *websocket.Conn {
	t.Helper()
	ws, res, err := websocket.DefaultDialer.Dial("ws://"+addr+path, nil)
	if err != nil {
		t.Fatalf("dial %s: %v (%v)", path, err, res)
	}
	t.Cleanup(func() { ws.Close() })
	if err := ws.SetReadDeadline(time.Now().Add(2 * patience)); err != nil {
		t.Fatal(err)
	}
	return ws
}

func wsWant(t testing.TB, ws *websocket.Conn, frames ...string) {
	t.Helper()
	for _, want := range frames {
		_, got, err := ws.ReadMessage()
		if err != nil || string(got) != want {
			t.Fatalf("websocket: got %q, %v, want %q", got, err, want)
		}
	}
}

func wsSend(t testing.TB, ws *websocket.Conn, message string) {
	t.Helper()
	if err := ws.WriteMessage(websocket.TextMessage, []byte(message)); err != nil {
		t.Fatal(err)
	}
}
