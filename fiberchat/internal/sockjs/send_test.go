package sockjs

import (
	"bufio"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"runtime"
	"strings"
	"testing"
	"testing/iotest"

	"github.com/gofiber/fiber/v2"
	"github.com/valyala/fasthttp"
)

const formType = "Content-Type: application/x-www-form-urlencoded"

// A body is not read before its session is known, so a session that is not
// is told of before a payload that is broken.
func TestSendInvalidSessionBeforePayload(t *testing.T) {
	t.Parallel()
	app := startConformance(t)
	for _, body := range []string{"", `["x`, "d=", "d=%5B%22x"} {
		for _, name := range []string{"/xhr_send", "/jsonp_send"} {
			a := post(t, app.addr, "/echo"+newSessionPath()+name, body, formType)
			equal(t, name+" "+body, a.status, http.StatusNotFound)
		}
	}
}

// A client whose stream broke may not know it: in an iframe (htmlfile) nothing
// tells it. What it sends is read by nobody any more, so that is not a success.
func TestSendAfterTheStreamBroke(t *testing.T) {
	eachStream(t, func(t *testing.T, c streamCase) {
		s := start(t, Config{})
		id := newID()
		path := "/echo/0/" + id
		stream := c.open(t, s.addr, path)
		stream.want(c.frame("o"))
		session := s.find(sessionKey{id: id})
		leave(t, stream, session)
		for _, name := range []string{"/xhr_send", "/jsonp_send"} {
			equal(t, name, post(t, s.addr, path+name, `["x"]`).status, http.StatusNotFound)
		}
		equal(t, "who comes back", polled(t, s.addr, path+"/xhr"), interrupted+"\n")
	})
}

// One whose session was closed is told by the close frame, which it has yet to
// fetch: a 404 before that would hide the reason.
func TestSendBeforeTheCloseFrame(t *testing.T) {
	t.Parallel()
	s := start(t, Config{})
	id := newID()
	path := "/echo/0/" + id
	equal(t, "open", polled(t, s.addr, path+"/xhr"), "o\n")
	s.find(sessionKey{id: id}).Close(1008, "not-allowed")
	sent(t, s.addr, path+"/xhr_send", `["x"]`)
	equal(t, "close frame", polled(t, s.addr, path+"/xhr"), "c[1008,\"not-allowed\"]\n")
}

// A form may be as long as encoding makes it, and have other fields.
func TestFormTooLarge(t *testing.T) {
	t.Parallel()
	s := start(t, Config{MaxInbound: 100})
	path := "/echo" + newSessionPath()
	equal(t, "open", polled(t, s.addr, path+"/xhr"), "o\n")
	encoded := func(n int) string { return "d=%5B%22" + strings.Repeat("%20", n-4) + "%22%5D" }
	for _, c := range []struct {
		name, body string
		status     int
	}{
		{"largest", encoded(100), http.StatusOK},
		{"larger", encoded(101), http.StatusRequestEntityTooLarge},
		{"larger when decoded", "d=" + url.QueryEscape(`["`+strings.Repeat("x", 97)+`"]`), http.StatusRequestEntityTooLarge},
		{"many messages", "d=%5B" + strings.Repeat("%22%20%22%2C", 1000) + "%22%22%5D", http.StatusOK},
		{"other fields", "x=" + strings.Repeat("x", 10_000) + "&d=%5B%5D&x=" + strings.Repeat("x", 10_000), http.StatusOK},
	} {
		equal(t, c.name, post(t, s.addr, path+"/jsonp_send", c.body, formType).status, c.status)
	}
}

func TestFormField(t *testing.T) {
	t.Parallel()
	for form, want := range map[string]string{
		"d=a": "a", "x=1&d=a%2Bb+c&d=2": "a+b c", "d=": "", "": "", "d": "", "ad=1": "", "&&d=%5B%": "[%", "d=x=y": "x=y",
		"d=%zz%4": "%zz%4", "x&d=1": "1", strings.Repeat("x", 9000) + "&d=%41": "A",
	} {
		for name, r := range map[string]io.Reader{"at once": strings.NewReader(form), "octet by octet": iotest.OneByteReader(strings.NewReader(form))} {
			got, err := io.ReadAll(iotest.OneByteReader(&formField{r: bufio.NewReader(r)}))
			if err != nil {
				t.Error(err)
			}
			equal(t, name+": "+form, string(got), want)
		}
	}
}

// A form that is all separators costs no more than its bytes. Not parallel,
// because it looks at what the whole process allocates.
func TestFormIsNotAmplified(t *testing.T) {
	s := start(t, Config{MaxInbound: 1 << 20})
	handler := s.app.Handler()
	id := newID()
	ask := func(method, name, body string) *fasthttp.Response {
		var ctx fasthttp.RequestCtx
		ctx.Init(&fasthttp.Request{}, nil, nil)
		ctx.Request.Header.SetMethod(method)
		ctx.Request.Header.SetContentType("application/x-www-form-urlencoded")
		ctx.Request.SetRequestURI("/echo/0/" + id + name)
		ctx.Request.SetBodyString(body)
		handler(&ctx)
		return &ctx.Response
	}
	equal(t, "open", string(ask(http.MethodPost, "/xhr", "").Body()), "o\n")
	defer s.find(sessionKey{id: id}).expireNow()
	body := strings.Repeat("a&", 1<<20)
	var before, after runtime.MemStats
	runtime.ReadMemStats(&before)
	res := ask(http.MethodPost, "/jsonp_send", body)
	runtime.ReadMemStats(&after)
	equal(t, "answer", string(res.Body()), "Payload expected.")
	if took := after.TotalAlloc - before.TotalAlloc; took > uint64(4*len(body)) {
		t.Errorf("%d bytes took %d", len(body), took)
	}
}

// With StreamRequestBody too no more than the bound is read.
func TestStreamedBodies(t *testing.T) {
	t.Parallel()
	server := New(Config{Key: func(*fiber.Ctx) string { return "" }, Open: serving(echo), MaxInbound: 100})
	app := fiber.New(fiber.Config{DisableStartupMessage: true, StreamRequestBody: true})
	app.Use("/echo", server.Handler)
	addr := listen(t, app, server)
	path := "/echo" + newSessionPath()
	equal(t, "open", polled(t, addr, path+"/xhr"), "o\n")

	// Each is answered though its rest never comes. (fasthttp looks at 8 KiB
	// of a body before anybody else.)
	begin := func(header, body string) answer {
		h := dialHTTP(t, addr)
		if _, err := fmt.Fprintf(h, "POST %s/xhr_send HTTP/1.1\r\nHost: x\r\n%s\r\n\r\n%s", path, header, body); err != nil {
			t.Fatal(err)
		}
		return h.answer(http.MethodPost)
	}
	long := strings.Repeat("x", 101)
	for _, c := range []struct {
		name, header, body string
		status             int
	}{
		{"length", "Content-Length: 1000000", strings.Repeat("x", 8<<10), http.StatusRequestEntityTooLarge},
		{"chunks", "Transfer-Encoding: chunked", "65\r\n" + long + "\r\n", http.StatusRequestEntityTooLarge},
		{"broken chunk", "Transfer-Encoding: chunked", "oh\r\n", http.StatusBadRequest},
		{"short chunks", "Transfer-Encoding: chunked", "5\r\n[\"a\"]\r\n0\r\n\r\n", http.StatusNoContent},
	} {
		equal(t, c.name, begin(c.header, c.body).status, c.status)
	}
	equal(t, "echo", polled(t, addr, path+"/xhr"), "a[\"a\"]\n")
	sent(t, addr, path+"/xhr_send", `["b"]`)
	equal(t, "echo", polled(t, addr, path+"/xhr"), "a[\"b\"]\n")
	equal(t, "jsonp_send", post(t, addr, path+"/jsonp_send", "d=%5B%22c%22%5D", formType).status, http.StatusOK)
	equal(t, "echo", polled(t, addr, path+"/xhr"), "a[\"c\"]\n")
}
