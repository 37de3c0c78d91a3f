package sockjs

import (
	"bytes"
	"io"
	"net"
	"net/http"
	"strconv"
	"strings"
	"testing"
	"testing/synctest"
	"time"
)

func TestOutboundIsBounded(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		s := bare(Config{MaxOutbound: 100})
		message := []byte(strings.Repeat("x", 60))
		huge := []byte(strings.Repeat("y", 1000))
		wrote := make(chan error, 1)
		go func() { wrote <- s.WriteMessages([][]byte{message, message, huge}) }()
		synctest.Wait()
		s.dequeue(nil)
		for _, want := range []int{60, 60, 1000} { // one at a time, and the huge one alone
			synctest.Wait()
			frame, _ := s.dequeue(nil)
			equal(t, "frame", len(frame), want+len(`a[""]`))
		}
		equal(t, "written", <-wrote, nil)

		go func() { wrote <- s.WriteMessages([][]byte{message, message}) }()
		synctest.Wait()
		s.Close(1000, "")
		equal(t, "after close", <-wrote, net.ErrClosed)
		time.Sleep(6 * time.Second)
	})
}

func TestInboundIsBounded(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		s := bare(Config{MaxInbound: 100})
		r, _ := s.attach()
		body := []byte(`["` + strings.Repeat("x", 66) + `"]`)
		if err := s.take(bytes.NewReader(body), nil); err != nil {
			t.Fatal(err)
		}
		pushed := make(chan error, 1)
		go func() { pushed <- s.take(bytes.NewReader(body), nil) }()
		synctest.Wait()
		equal(t, "beside the one that waits", s.take(strings.NewReader(`["x"]`), nil), errBusy)
		buf := make([]byte, 100)
		for range 2 {
			n, err := s.Read(buf)
			if err != nil || n != 66 {
				t.Fatalf("read %d, %v", n, err)
			}
			synctest.Wait()
		}
		equal(t, "the one that waits", <-pushed, nil)

		// It does not wait for ever, nor when the app shuts down.
		if err := s.take(bytes.NewReader(body), nil); err != nil {
			t.Fatal(err)
		}
		equal(t, "no reader", s.take(bytes.NewReader(body), nil), errBusy)
		stop := make(chan struct{})
		close(stop)
		equal(t, "shutdown", s.take(bytes.NewReader(body), stop), errBusy)

		// Not for ever, but for as long as the session reads on.
		go func() { pushed <- s.take(bytes.NewReader(body), nil) }()
		for range 66 {
			synctest.Wait()
			if _, err := s.Read(buf[:1]); err != nil {
				t.Fatal(err)
			}
			time.Sleep(20 * time.Second)
		}
		equal(t, "a slow reader", <-pushed, nil)

		// What came before the client left is still read; after Close it is not.
		s.lost()
		n, err := s.Read(buf)
		equal(t, "what was left", n, 66)
		equal(t, "error", err, nil)
		_, err = s.Read(buf)
		equal(t, "then", err, io.EOF)
		s.detach(r)
		time.Sleep(6 * time.Second)
	})
}

func TestPayloadTooLarge(t *testing.T) {
	t.Parallel()
	s := start(t, Config{MaxInbound: 1 << 10})
	path := "/echo" + newSessionPath()
	equal(t, "open", polled(t, s.addr, path+"/xhr"), "o\n")
	large := `["` + strings.Repeat("x", 1<<10) + `"]`
	equal(t, "xhr_send", post(t, s.addr, path+"/xhr_send", large).status, http.StatusRequestEntityTooLarge)
	equal(t, "jsonp_send", post(t, s.addr, path+"/jsonp_send", large).status, http.StatusRequestEntityTooLarge)
	sent(t, s.addr, path+"/xhr_send", `["a"]`)
	equal(t, "still there", polled(t, s.addr, path+"/xhr"), "a[\"a\"]\n")
}

func TestSessionLimits(t *testing.T) {
	t.Parallel()
	const tooMany = `c[1013,"Too many sessions"]`
	for _, c := range []struct {
		name string
		cfg  Config
		user func(i int) string
	}{
		{"per user", Config{MaxSessionsPerUser: 3}, func(int) string { return "anna" }},
		{"total", Config{MaxSessions: 3}, strconv.Itoa},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			s := start(t, c.cfg)
			at := func(i int, name string) string { return "/echo" + newSessionPath() + name + "srect=" + c.user(i) }
			equal(t, "first", polled(t, s.addr, at(0, "/xhr?")), "o\n")
			stream := openStream(t, s.addr, http.MethodPost, at(1, "/xhr_streaming?"))
			stream.want(string(xhrPrelude), "o\n")
			ws := dialWS(t, s.addr, at(2, "/websocket?"))
			wsWant(t, ws, "o")

			equal(t, "xhr", polled(t, s.addr, at(3, "/xhr?")), tooMany+"\n")
			equal(t, "xhr_streaming", polled(t, s.addr, at(3, "/xhr_streaming?")), string(xhrPrelude)+tooMany+"\n")
			equal(t, "eventsource", get(t, s.addr, at(3, "/eventsource?")).body, "\r\ndata: "+tooMany+"\r\n\r\n")
			equal(t, "jsonp", get(t, s.addr, at(3, "/jsonp?c=x&")).body, "/**/x(\"c[1013,\\\"Too many sessions\\\"]\");\r\n")
			refused := dialWS(t, s.addr, at(3, "/websocket?"))
			wsWant(t, refused, tooMany)

			ws.Close()
			eventually(t, patience, "room again", func() bool {
				s.mu.Lock()
				defer s.mu.Unlock()
				return len(s.sockets) == 0
			})
			equal(t, "after one left", polled(t, s.addr, at(2, "/xhr?")), "o\n")
		})
	}
}
