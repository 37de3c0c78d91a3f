package sockjs

import (
	"io"
	"net"
	"net/http"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/valyala/fasthttp"
)

// A client that left in the middle may have missed something, so its session
// does not go on.
func TestStreamAbort(t *testing.T) {
	eachStream(t, func(t *testing.T, c streamCase) {
		app := startConformance(t)
		id := newID()
		path := "/echo/0/" + id
		first := c.open(t, app.addr, path)
		first.want(c.frame("o"))
		leave(t, first, app.echo.find(sessionKey{id: id}))
		second := c.open(t, app.addr, path)
		second.want(c.frame(`c[1002,"Connection interrupted"]`))
		second.ended()
	})
}

// leave closes a client's connection and waits for its session to end. A
// heart-beat, at which everybody notices, comes after patience.
func leave(t testing.TB, client io.Closer, session *session) {
	t.Helper()
	client.Close()
	waitOver(t, session)
}

func waitOver(t testing.TB, session *session) {
	t.Helper()
	select {
	case <-session.over:
	case <-time.After(patience):
		t.Fatal("the session is not over")
	}
}

func TestPollAbort(t *testing.T) {
	t.Parallel()
	for _, c := range []struct{ name, method, path, left string }{
		{"xhr", http.MethodPost, "/xhr", "c[1002,\"Connection interrupted\"]\n"},
		{"jsonp", http.MethodGet, "/jsonp?c=x", "/**/x(\"c[1002,\\\"Connection interrupted\\\"]\");\r\n"},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			skipUnlessPollsNotice(t)
			s := start(t, Config{})
			path := ""
			for _, pipelined := range []bool{false, true} {
				id := newID()
				path = "/echo/0/" + id
				request(t, s.addr, c.method, path+c.path, "")
				h := dialHTTP(t, s.addr)
				h.ask(c.method, path+c.path, "")
				waitForReceiver(t, s.Server, sessionKey{id: id})
				if pipelined { // the end hides behind a request that nobody reads yet
					h.ask(http.MethodGet, "/echo", "")
				}
				leave(t, h, s.find(sessionKey{id: id}))
			}
			equal(t, "afterwards", request(t, s.addr, c.method, path+c.path, "").body, c.left)
		})
	}
}

// A client that takes nothing is cut off after the write time-out, and so is
// what its session still wants to say.
func TestStuckStream(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		s := bare(Config{MaxOutbound: 100})
		server, client := net.Pipe()
		defer client.Close()
		defer server.Close()
		st := &stream{t: transports["xhr_streaming"], conn: server, session: s, chunked: true, limit: 1 << 20}
		st.head(&fasthttp.ResponseHeader{})
		began := time.Now()
		served := make(chan struct{})
		go func() {
			defer close(served)
			st.serve(time.Minute, nil)
		}()
		message := [][]byte{[]byte(strings.Repeat("x", 200))}
		var err error
		for range 10_000 { // more than the limit of a stream
			if err = s.WriteMessages(message); err != nil {
				break
			}
		}
		equal(t, "write", err, net.ErrClosed)
		<-served
		equal(t, "cut after", time.Since(began), 30*time.Second)
		_, err = s.Read(make([]byte, 1))
		equal(t, "read", err, io.EOF)
		time.Sleep(6 * time.Second)
	})
}
