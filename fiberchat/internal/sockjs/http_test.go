package sockjs

import (
	"io"
	"net/http"
	"testing"
)

// HTTP/1.0 knows no chunks: the end of the connection is the end of the body.
func TestHTTP10(t *testing.T) {
	t.Parallel()
	app := startConformance(t)
	for _, keep := range []bool{false, true} {
		var header []string
		if keep {
			header = []string{"Connection: Keep-Alive"}
		}
		h := dialHTTP(t, app.addr)
		h.askProto("HTTP/1.0", http.MethodGet, "/echo", "", header...)
		a := h.answer(http.MethodGet)
		equal(t, "status", a.status, http.StatusOK)
		equal(t, "Content-Length", a.header.Get("Content-Length"), "19")
		equal(t, "body", a.body, "Welcome to SockJS!\n")
		if keep {
			h.askProto("HTTP/1.0", http.MethodGet, "/echo", "", header...)
			equal(t, "second", h.answer(http.MethodGet).status, http.StatusOK)
		}

		path := "/echo" + newSessionPath()
		h = dialHTTP(t, app.addr)
		h.askProto("HTTP/1.0", http.MethodPost, path+"/xhr", "", header...)
		a = h.answer(http.MethodPost)
		equal(t, "poll", a.body, "o\n")
		equal(t, "Content-Length", a.header.Get("Content-Length"), "2")

		h = dialHTTP(t, app.addr)
		h.askProto("HTTP/1.0", http.MethodPost, "/close"+newSessionPath()+"/xhr_streaming", "", header...)
		res := h.head(http.MethodPost)
		equal(t, "status", res.StatusCode, http.StatusOK)
		equal(t, "chunked", len(res.TransferEncoding), 0)
		equal(t, "Content-Length", res.Header.Get("Content-Length"), "")
		equal(t, "Connection: close", res.Close, true)
		rest, err := io.ReadAll(h.r)
		if err != nil {
			t.Fatal(err)
		}
		equal(t, "stream", string(rest), string(xhrPrelude)+"o\nc[3000,\"Go away!\"]\n")
	}
}

func TestHTTP11(t *testing.T) {
	t.Parallel()
	app := startConformance(t)
	h := dialHTTP(t, app.addr)
	for range 2 {
		h.ask(http.MethodGet, "/echo", "", "Connection: Keep-Alive")
		a := h.answer(http.MethodGet)
		equal(t, "Content-Length", a.header.Get("Content-Length"), "19")
		equal(t, "body", a.body, "Welcome to SockJS!\n")
	}
	h.ask(http.MethodPost, "/close"+newSessionPath()+"/xhr_streaming", "", "Connection: Keep-Alive")
	res := h.head(http.MethodPost)
	equal(t, "Content-Length", res.Header.Get("Content-Length"), "")
	s := streaming{httpConn: h}
	s.want(string(xhrPrelude), "o\n", "c[3000,\"Go away!\"]\n")
	s.ended()
}
