package sockjs

import (
	"net/http"
	"net/url"
	"strings"
	"testing"
)

func TestJSONPTransport(t *testing.T) {
	t.Parallel()
	app := startConformance(t)
	path := "/echo" + newSessionPath()
	form := "Content-Type: application/x-www-form-urlencoded"
	a := get(t, app.addr, path+"/jsonp?c=%63allback")
	equal(t, "status", a.status, http.StatusOK)
	equal(t, "type", a.header.Get("Content-Type"), "application/javascript; charset=UTF-8")
	equal(t, "nosniff", a.header.Get("X-Content-Type-Options"), "nosniff")
	equal(t, "body", a.body, "/**/callback(\"o\");\r\n")
	wantNotCached(t, a)

	a = post(t, app.addr, path+"/jsonp_send", "d=%5B%22x%22%5D", form)
	equal(t, "status", a.status, http.StatusOK)
	equal(t, "body", a.body, "ok")
	equal(t, "type", a.header.Get("Content-Type"), "text/plain; charset=UTF-8")
	wantNotCached(t, a)

	equal(t, "echo", get(t, app.addr, path+"/jsonp?callback=_jp.a1-b").body, "/**/_jp.a1-b(\"a[\\\"x\\\"]\");\r\n")
}

func TestJSONPSendInvalidJSON(t *testing.T) {
	t.Parallel()
	app := startConformance(t)
	path := "/echo" + newSessionPath()
	form := "Content-Type: application/x-www-form-urlencoded"
	equal(t, "open", get(t, app.addr, path+"/jsonp?c=x").body, "/**/x(\"o\");\r\n")
	for _, c := range []struct{ body, problem string }{
		{"d=%5B%22x", "Broken JSON encoding."}, {"d=%5B%22%FF%22%5D", "Broken JSON encoding."}, {"d=x", "Broken JSON encoding."}, {"d=%22x%22", "Payload expected."}, {"", "Payload expected."}, {"d=", "Payload expected."}, {"p=p", "Payload expected."},
	} {
		a := post(t, app.addr, path+"/jsonp_send", c.body, form)
		equal(t, "status of "+c.body, a.status, http.StatusInternalServerError)
		equal(t, "body of "+c.body, a.body, c.problem)
	}
	equal(t, "valid", post(t, app.addr, path+"/jsonp_send", "d=%5B%22b%22%5D", form).body, "ok")
	equal(t, "echo", get(t, app.addr, path+"/jsonp?c=x").body, "/**/x(\"a[\\\"b\\\"]\");\r\n")
}

func TestJSONPSendContentTypes(t *testing.T) {
	t.Parallel()
	app := startConformance(t)
	for _, c := range []struct{ kind, body, want string }{
		{"application/x-www-form-urlencoded", "d=%5B%22abc%22%5D", "abc"},
		{"application/x-www-form-urlencoded; charset=UTF-8", "d=" + url.QueryEscape(`["a+ &=%"]`), "a+ \\u0026=%"},
		{"text/plain", `["%61bc"]`, "%61bc"},
	} {
		path := "/echo" + newSessionPath()
		equal(t, "open", get(t, app.addr, path+"/jsonp?c=x").body, "/**/x(\"o\");\r\n")
		equal(t, c.kind, post(t, app.addr, path+"/jsonp_send", c.body, "Content-Type: "+c.kind).body, "ok")
		equal(t, "echo", get(t, app.addr, path+"/jsonp?c=x").body, "/**/x(\"a[\\\""+c.want+"\\\"]\");\r\n")
	}
}

func TestJSONPClose(t *testing.T) {
	t.Parallel()
	app := startConformance(t)
	path := "/close" + newSessionPath()
	equal(t, "open", get(t, app.addr, path+"/jsonp?c=x").body, "/**/x(\"o\");\r\n")
	for range 2 {
		equal(t, "close", get(t, app.addr, path+"/jsonp?c=x").body, "/**/x(\"c[3000,\\\"Go away!\\\"]\");\r\n")
	}
}

func TestJSONPSendEmptyFrame(t *testing.T) {
	t.Parallel()
	app := startConformance(t)
	path := "/echo" + newSessionPath()
	form := "Content-Type: application/x-www-form-urlencoded"
	equal(t, "open", get(t, app.addr, path+"/jsonp?c=x").body, "/**/x(\"o\");\r\n")
	equal(t, "empty", post(t, app.addr, path+"/jsonp_send", "d=%5B%5D", form).body, "ok")
	equal(t, "valid", post(t, app.addr, path+"/jsonp_send", "d=%5B%22x%22%5D", form).body, "ok")
	equal(t, "echo", get(t, app.addr, path+"/jsonp?c=x").body, "/**/x(\"a[\\\"x\\\"]\");\r\n")
}

func TestCallbacks(t *testing.T) {
	t.Parallel()
	app := startConformance(t)
	for _, name := range []string{"jsonp", "htmlfile"} {
		for _, c := range []struct{ query, problem string }{
			{"", `"callback" parameter required`},
			{"?c=", `"callback" parameter required`},
			{"?c=%20", `invalid "callback" parameter`},
			{"?c=*", `invalid "callback" parameter`},
			{"?c=abc(", `invalid "callback" parameter`},
			{"?c=abc%28", `invalid "callback" parameter`},
			{"?c=%3C/script%3E", `invalid "callback" parameter`},
			{"?c=%C3%A4", `invalid "callback" parameter`},
			{"?c=a%0a", `invalid "callback" parameter`},
			{"?callback=a%22", `invalid "callback" parameter`},
			{"?c=" + strings.Repeat("a", 33), `invalid "callback" parameter`},
		} {
			id := newSessionPath()
			a := get(t, app.addr, "/echo"+id+"/"+name+c.query)
			equal(t, name+c.query, a.status, http.StatusInternalServerError)
			equal(t, name+c.query, a.body, c.problem)
			equal(t, "no session", post(t, app.addr, "/echo"+id+"/xhr_send", `["a"]`).status, http.StatusNotFound)
		}
	}
}
