package sockjs

import (
	"net/http"
	"strings"
	"testing"
	"time"
)

// streamCase is what a streaming transport looks like on the wire.
type streamCase struct {
	name, method, path, contentType string
	prelude                         string
	frame                           func(string) string
}

var streamCases = []streamCase{
	{
		"xhr_streaming", http.MethodPost, "/xhr_streaming", "application/javascript; charset=UTF-8",
		strings.Repeat("h", 2048) + "\n",
		func(frame string) string { return frame + "\n" },
	},
	{
		"eventsource", http.MethodGet, "/eventsource", "text/event-stream",
		"\r\n",
		func(frame string) string { return "data: " + frame + "\r\n\r\n" },
	},
	{
		"htmlfile", http.MethodGet, "/htmlfile?c=%63allback", "text/html; charset=UTF-8",
		htmlHead,
		func(frame string) string {
			return "<script>\np(\"" + strings.ReplaceAll(frame, `"`, `\"`) + "\");\n</script>\r\n"
		},
	},
}

const htmlHead = `<!doctype html>
<html><head>
  <meta http-equiv="X-UA-Compatible" content="IE=edge" />
  <meta http-equiv="Content-Type" content="text/html; charset=UTF-8" />
</head><body><h2>Don't panic!</h2>
  <script>
    document.domain = document.domain;
    var c = parent.callback;
    c.start();
    function p(d) {c.message(d);};
    window.onload = function() {c.stop();};
  </script>`

func eachStream(t *testing.T, run func(t *testing.T, c streamCase)) {
	t.Parallel()
	for _, c := range streamCases {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			run(t, c)
		})
	}
}

// open reads the prelude as well.
func (c streamCase) open(t testing.TB, addr, session string, header ...string) *streaming {
	t.Helper()
	s := openStream(t, addr, c.method, session+c.path, header...)
	prelude := s.chunk()
	if c.name == "htmlfile" {
		if len(prelude) <= 1024 {
			t.Errorf("prelude has %d bytes", len(prelude))
		}
		prelude = strings.TrimSpace(prelude)
	}
	if prelude != c.prelude {
		t.Fatalf("prelude: %q", prelude)
	}
	return s
}

func TestStreamTransport(t *testing.T) {
	eachStream(t, func(t *testing.T, c streamCase) {
		app := startConformance(t)
		path := "/echo" + newSessionPath()
		s := c.open(t, app.addr, path, "Origin: test")
		equal(t, "status", s.status, http.StatusOK)
		equal(t, "type", s.header.Get("Content-Type"), c.contentType)
		equal(t, "Connection: close", s.close, true)
		equal(t, "nginx", s.header.Get("X-Accel-Buffering"), "no")
		a := answer{header: s.header}
		wantCORS(t, a, "test")
		wantNotCached(t, a)
		s.want(c.frame("o"))
		sent(t, app.addr, path+"/xhr_send", `["x"]`)
		s.want(c.frame(`a["x"]`))
	})
}

func TestStreamResponseLimit(t *testing.T) {
	eachStream(t, func(t *testing.T, c streamCase) {
		app := startConformance(t)
		path := "/echo" + newSessionPath()
		s := c.open(t, app.addr, path)
		s.want(c.frame("o"))
		for size := len(c.frame("o")); size < 4096; {
			message := `["` + strings.Repeat("x", 128) + `"]`
			sent(t, app.addr, path+"/xhr_send", message)
			s.want(c.frame("a" + message))
			size += len(c.frame("a" + message))
		}
		// The client asks again at the last byte.
		s.want("")
		s = c.open(t, app.addr, path)
		message := `["` + strings.Repeat("y", 4096) + `"]`
		sent(t, app.addr, path+"/xhr_send", message)
		s.want(c.frame("a" + message))
		s.ended()
	})
}

func TestStreamHeartBeat(t *testing.T) {
	eachStream(t, func(t *testing.T, c streamCase) {
		server := start(t, Config{HeartBeat: 20 * time.Millisecond})
		s := c.open(t, server.addr, "/echo"+newSessionPath())
		s.want(c.frame("o"), c.frame("h"), c.frame("h"))
	})
}

func TestStreamClose(t *testing.T) {
	eachStream(t, func(t *testing.T, c streamCase) {
		app := startConformance(t)
		path := "/close" + newSessionPath()
		first := c.open(t, app.addr, path)
		first.want(c.frame("o"), c.frame(`c[3000,"Go away!"]`))
		second := c.open(t, app.addr, path)
		second.want(c.frame(`c[3000,"Go away!"]`))
		first.ended()
		second.ended()
	})
}

func TestStreamSecondReceiver(t *testing.T) {
	eachStream(t, func(t *testing.T, c streamCase) {
		app := startConformance(t)
		path := "/echo" + newSessionPath()
		first := c.open(t, app.addr, path)
		first.want(c.frame("o"))
		second := c.open(t, app.addr, path)
		second.want(c.frame(`c[2010,"Another connection still open"]`))
		second.ended()
		// The first is not disturbed.
		sent(t, app.addr, path+"/xhr_send", `["x"]`)
		first.want(c.frame(`a["x"]`))
	})
}

// EventSource data is decoded as a URI by the client, and has no line ends.
func TestEventSourceEscapes(t *testing.T) {
	t.Parallel()
	app := startConformance(t)
	path := "/echo" + newSessionPath()
	s := openStream(t, app.addr, http.MethodGet, path+"/eventsource")
	s.want("\r\n", "data: o\r\n\r\n")
	sent(t, app.addr, path+"/xhr_send", `["  \u0000\n\r "]`)
	s.want("data: a[\"  \\u0000\\n\\r \"]\r\n\r\n")
	sent(t, app.addr, path+"/xhr_send", `["%41 100%"]`)
	s.want("data: a[\"%2541 100%25\"]\r\n\r\n")
}

// What looks like markup stays inside the script.
func TestHTMLFileEscapes(t *testing.T) {
	t.Parallel()
	app := startConformance(t)
	path := "/echo" + newSessionPath()
	s := streamCases[2].open(t, app.addr, path)
	s.want("<script>\np(\"o\");\n</script>\r\n")
	equal(t, "nosniff", s.header.Get("X-Content-Type-Options"), "nosniff")
	sent(t, app.addr, path+"/xhr_send", `["</script>&\u2028"]`)
	s.want("<script>\np(\"a[\\\"\\u003c/script\\u003e\\u0026\\\\u2028\\\"]\");\n</script>\r\n")
}
