package sockjs

import (
	"net/http"
	"testing"
	"time"
)

func TestSimpleSession(t *testing.T) {
	t.Parallel()
	app := startConformance(t)
	id := newID()
	path := "/echo/000/" + id
	equal(t, "open", polled(t, app.addr, path+"/xhr"), "o\n")
	sent(t, app.addr, path+"/xhr_send", `["a"]`)
	equal(t, "echo", polled(t, app.addr, path+"/xhr"), "a[\"a\"]\n")
	equal(t, "unknown session", post(t, app.addr, "/echo/000/bad_session/xhr_send", `["a"]`).status, http.StatusNotFound)

	first := dialHTTP(t, app.addr)
	first.ask(http.MethodPost, path+"/xhr", "")
	waitForReceiver(t, app.echo, sessionKey{id: id})
	equal(t, "second receiver", polled(t, app.addr, path+"/xhr"), "c[2010,\"Another connection still open\"]\n")

	// The first is not disturbed.
	sent(t, app.addr, path+"/xhr_send", `["b"]`)
	equal(t, "first receiver", first.answer(http.MethodPost).body, "a[\"b\"]\n")
}

func TestCloseSession(t *testing.T) {
	t.Parallel()
	app := startConformance(t)
	path := "/close" + newSessionPath()
	equal(t, "open", polled(t, app.addr, path+"/xhr"), "o\n")
	for range 3 {
		equal(t, "close", polled(t, app.addr, path+"/xhr"), "c[3000,\"Go away!\"]\n")
	}
	sent(t, app.addr, path+"/xhr_send", `["too late"]`)
}

func TestXHROptions(t *testing.T) {
	t.Parallel()
	app := startConformance(t)
	for _, suffix := range []string{"/xhr", "/xhr_send", "/xhr_streaming", "/jsonp_send"} {
		wantOptions(t, app.addr, "/echo/abc/abc"+suffix, "OPTIONS, POST")
	}
	for _, suffix := range []string{"/eventsource", "/htmlfile", "/jsonp", "/websocket"} {
		wantOptions(t, app.addr, "/echo/abc/abc"+suffix, "OPTIONS, GET")
	}
}

func TestXHRPollingTransport(t *testing.T) {
	t.Parallel()
	app := startConformance(t)
	path := "/echo" + newSessionPath()
	a := post(t, app.addr, path+"/xhr", "", "Origin: test")
	equal(t, "status", a.status, http.StatusOK)
	equal(t, "body", a.body, "o\n")
	equal(t, "type", a.header.Get("Content-Type"), "application/javascript; charset=UTF-8")
	wantCORS(t, a, "test")
	wantNotCached(t, a)

	a = post(t, app.addr, path+"/xhr_send", `["x"]`, "Origin: test")
	equal(t, "status", a.status, http.StatusNoContent)
	equal(t, "body", a.body, "")
	equal(t, "type", a.header.Get("Content-Type"), "text/plain; charset=UTF-8")
	wantCORS(t, a, "test")
	wantNotCached(t, a)

	a = post(t, app.addr, path+"/xhr", "")
	equal(t, "body", a.body, "a[\"x\"]\n")
	wantCORS(t, a, "")
}

func TestXHRSendInvalidSession(t *testing.T) {
	t.Parallel()
	app := startConformance(t)
	for _, name := range []string{"/xhr_send", "/jsonp_send"} {
		equal(t, name, post(t, app.addr, "/echo"+newSessionPath()+name, `["x"]`).status, http.StatusNotFound)
	}
}

func TestXHRSendInvalidJSON(t *testing.T) {
	t.Parallel()
	app := startConformance(t)
	path := "/echo" + newSessionPath()
	equal(t, "open", polled(t, app.addr, path+"/xhr"), "o\n")
	for _, c := range []struct{ body, problem string }{
		{`["x`, "Broken JSON encoding."},
		{`["x"`, "Broken JSON encoding."},
		{`["x"]]`, "Broken JSON encoding."},
		{`["x",]`, "Broken JSON encoding."},
		{`["\x"]`, "Broken JSON encoding."},
		{"[\"\x01\"]", "Broken JSON encoding."},
		{`[1]`, "Broken JSON encoding."},
		{`[null]`, "Broken JSON encoding."},
		{"[\"a\xffb\"]", "Broken JSON encoding."},
		{"[\"a\"]\xff", "Broken JSON encoding."},
		{` `, "Broken JSON encoding."},
		{`nonsense`, "Broken JSON encoding."},
		{`{`, "Broken JSON encoding."},
		{`d=x`, "Broken JSON encoding."},
		{`"x`, "Broken JSON encoding."},
		{`"x"]`, "Broken JSON encoding."},
		{``, "Payload expected."},
		{`"x"`, "Payload expected."},
		{` "" `, "Payload expected."},
		{`{}`, "Payload expected."},
		{`null`, "Payload expected."},
		{`5`, "Payload expected."},
	} {
		a := post(t, app.addr, path+"/xhr_send", c.body)
		equal(t, "status of "+c.body, a.status, http.StatusInternalServerError)
		equal(t, "body of "+c.body, a.body, c.problem)
	}
	sent(t, app.addr, path+"/xhr_send", `["a"]`)
	equal(t, "still there", polled(t, app.addr, path+"/xhr"), "a[\"a\"]\n")
}

func TestXHRSendContentTypes(t *testing.T) {
	t.Parallel()
	app := startConformance(t)
	for _, kind := range []string{
		"text/plain", "T", "application/json", "application/xml", "", "application/json; charset=utf-8",
		"text/xml; charset=utf-8", "text/xml",
	} {
		path := "/echo" + newSessionPath()
		equal(t, "open", polled(t, app.addr, path+"/xhr"), "o\n")
		a := post(t, app.addr, path+"/xhr_send", `["a"]`, "Content-Type: "+kind)
		equal(t, "status for "+kind, a.status, http.StatusNoContent)
		equal(t, "echo", polled(t, app.addr, path+"/xhr"), "a[\"a\"]\n")
	}
}

func TestXHRRequestHeadersCORS(t *testing.T) {
	t.Parallel()
	app := startConformance(t)
	for _, c := range []struct{ header, want string }{
		{"Access-Control-Request-Headers: a, b, c", "a, b, c"},
		{"Access-Control-Request-Headers:", ""},
		{"X-Nothing: 1", ""},
	} {
		a := options(t, app.addr, "/echo"+newSessionPath()+"/xhr", "Origin: test", "Access-Control-Request-Method: POST", c.header)
		equal(t, "status", a.status, http.StatusNoContent)
		wantCORS(t, a, "test")
		equal(t, c.header, a.header.Get("Access-Control-Allow-Headers"), c.want)
	}
}

func TestXHRSendEmptyFrame(t *testing.T) {
	t.Parallel()
	app := startConformance(t)
	path := "/echo" + newSessionPath()
	equal(t, "open", polled(t, app.addr, path+"/xhr"), "o\n")
	sent(t, app.addr, path+"/xhr_send", `[]`)
	sent(t, app.addr, path+"/xhr_send", ` [ ] `)
	sent(t, app.addr, path+"/xhr_send", `[""]`)
	sent(t, app.addr, path+"/xhr_send", `["a"]`)
	equal(t, "echo", polled(t, app.addr, path+"/xhr"), "a[\"a\"]\n")
}

// Polls follow each other on one connection.
func TestPollsKeepTheirConnection(t *testing.T) {
	t.Parallel()
	s := start(t, Config{})
	id := newID()
	path := "/echo/0/" + id
	h := dialHTTP(t, s.addr)
	h.ask(http.MethodPost, path+"/xhr", "")
	equal(t, "open", h.answer(http.MethodPost).body, "o\n")
	for _, message := range []string{"a", "b", "c"} {
		h.ask(http.MethodPost, path+"/xhr", "")
		waitForReceiver(t, s.Server, sessionKey{id: id}) // so that the client is being watched
		sent(t, s.addr, path+"/xhr_send", `["`+message+`"]`)
		a := h.answer(http.MethodPost)
		equal(t, "echo", a.body, "a[\""+message+"\"]\n")
		equal(t, "Connection", a.header.Get("Connection"), "")
	}
}

// A request that is already on its way behind a poll is neither lost nor
// taken for the end of the connection.
func TestPollWithAPipelinedRequest(t *testing.T) {
	t.Parallel()
	s := start(t, Config{})
	id := newID()
	path := "/echo/0/" + id
	equal(t, "open", polled(t, s.addr, path+"/xhr"), "o\n")
	h := dialHTTP(t, s.addr)
	h.ask(http.MethodPost, path+"/xhr", "")
	waitForReceiver(t, s.Server, sessionKey{id: id})
	h.ask(http.MethodGet, "/echo", "")
	sent(t, s.addr, path+"/xhr_send", `["a"]`)
	equal(t, "poll", h.answer(http.MethodPost).body, "a[\"a\"]\n")
	equal(t, "next", h.answer(http.MethodGet).body, "Welcome to SockJS!\n")
}

func TestPollHeartBeat(t *testing.T) {
	t.Parallel()
	s := start(t, Config{HeartBeat: 20 * time.Millisecond})
	path := "/echo" + newSessionPath()
	equal(t, "open", polled(t, s.addr, path+"/xhr"), "o\n")
	equal(t, "beat", polled(t, s.addr, path+"/xhr"), "h\n")
	equal(t, "beat", get(t, s.addr, path+"/jsonp?c=x").body, "/**/x(\"h\");\r\n")
}
