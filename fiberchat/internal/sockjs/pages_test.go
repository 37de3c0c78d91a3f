package sockjs

import (
	"crypto/sha512"
	"encoding/base64"
	"encoding/json"
	"errors"
	"io/fs"
	"net/http"
	"os"
	"regexp"
	"strings"
	"testing"

	"github.com/gofiber/fiber/v2"
	"github.com/gofiber/fiber/v2/middleware/helmet"
)

const notCached = "no-store, no-cache, no-transform, must-revalidate, max-age=0"

func wantNotCached(t testing.TB, a answer) {
	t.Helper()
	equal(t, "Cache-Control", a.header.Get("Cache-Control"), notCached)
	equal(t, "Expires", a.header.Get("Expires"), "")
	equal(t, "Last-Modified", a.header.Get("Last-Modified"), "")
}

func wantCORS(t testing.TB, a answer, origin string) {
	t.Helper()
	credentials := "true"
	if origin == "" {
		origin, credentials = "*", ""
	}
	equal(t, "Access-Control-Allow-Origin", a.header.Get("Access-Control-Allow-Origin"), origin)
	equal(t, "Access-Control-Allow-Credentials", a.header.Get("Access-Control-Allow-Credentials"), credentials)
}

// wantOptions checks a preflight as the protocol wants it.
func wantOptions(t *testing.T, addr, path, methods string) {
	t.Helper()
	for _, origin := range []string{"test", "null"} {
		a := options(t, addr, path, "Access-Control-Request-Method: "+methods, "Origin: "+origin)
		equal(t, "status", a.status, http.StatusNoContent)
		contains(t, a.header.Get("Cache-Control"), "public")
		contains(t, a.header.Get("Cache-Control"), "max-age=31536000")
		if a.header.Get("Expires") == "" {
			t.Error("no Expires")
		}
		equal(t, "Access-Control-Max-Age", a.header.Get("Access-Control-Max-Age"), "31536000")
		equal(t, "Access-Control-Allow-Methods", a.header.Get("Access-Control-Allow-Methods"), methods)
		equal(t, "body", a.body, "")
		wantCORS(t, a, origin)
	}
}

func TestGreeting(t *testing.T) {
	t.Parallel()
	app := startConformance(t)
	for _, path := range []string{"/echo", "/echo/", "/ECHO"} {
		a := get(t, app.addr, path)
		equal(t, "status", a.status, http.StatusOK)
		equal(t, "type", a.header.Get("Content-Type"), "text/plain; charset=UTF-8")
		equal(t, "body", a.body, "Welcome to SockJS!\n")
		equal(t, "cookie", a.header.Get("Set-Cookie"), "")
	}
	a := request(t, app.addr, http.MethodHead, "/echo", "")
	equal(t, "HEAD", a.status, http.StatusOK)
}

func TestNotFound(t *testing.T) {
	t.Parallel()
	app := startConformance(t)
	for _, suffix := range []string{
		"/a", "/a.html", "//", "///", "/a/a", "/a/a/", "/a/", "/a/a/a", "/a/a/xhr/a", "/INFO", "/a/a/XHR",
		"/a/a/chunking_test", "/%69nfo", "/a/a/xhr//", "es", "es/info",
	} {
		for _, method := range []string{http.MethodGet, http.MethodPost} {
			a := request(t, app.addr, method, "/echo"+suffix, "")
			equal(t, method+" "+suffix, a.status, http.StatusNotFound)
		}
	}
}

var iframeBody = regexp.MustCompile(`^<!DOCTYPE html>
<html>
<head>
  <meta http-equiv="X-UA-Compatible" content="IE=edge" />
  <meta http-equiv="Content-Type" content="text/html; charset=UTF-8" />
  <script src="([^"]*)"(?: integrity="([^"]*)" crossorigin="anonymous")?></script>
  <script>` + regexp.QuoteMeta(guard) + `
    document\.domain = document\.domain;
    SockJS\.bootstrap_iframe\(\);
  </script>
</head>
<body>
  <h2>Don't panic!</h2>
  <p>This is a SockJS hidden iframe\. It's used for cross domain magic\.</p>
</body>
</html>$`)

func TestIframePage(t *testing.T) {
	t.Parallel()
	app := startConformance(t)
	for _, suffix := range []string{
		"/iframe.html", "/iframe-a.html", "/iframe-.html", "/iframe-0.1.2.html", "/iframe-0.1.2abc-dirty.2144.html",
		"/iframe-a.html?t=1234", "/iframe-0.1.2.html?t=123414", "/iframe-0.1.2abc-dirty.2144.html?t=qweqweq123",
	} {
		a := get(t, app.addr, "/echo"+suffix)
		equal(t, "status", a.status, http.StatusOK)
		equal(t, "type", a.header.Get("Content-Type"), "text/html; charset=UTF-8")
		contains(t, a.header.Get("Cache-Control"), "public")
		contains(t, a.header.Get("Cache-Control"), "max-age=1000000")
		if a.header.Get("Expires") == "" || a.header.Get("ETag") == "" {
			t.Errorf("%s: Expires or ETag is missing", suffix)
		}
		equal(t, "Last-Modified", a.header.Get("Last-Modified"), "")
		equal(t, "cookie", a.header.Get("Set-Cookie"), "")
		equal(t, "Referrer-Policy", a.header.Get("Referrer-Policy"), "no-referrer")
		found := iframeBody.FindStringSubmatch(a.body)
		if found == nil {
			t.Fatalf("body: %s", a.body)
		}
		equal(t, "client", found[1], defaultClientURL)
		equal(t, "integrity", found[2], defaultClientIntegrity)
	}
	for _, suffix := range []string{
		"/iframe.htm", "/iframe", "/IFRAME.HTML", "/IFRAME", "/iframe.HTML", "/iframe.xml", "/iframe-/.html", "/iframehtml", "/iframe%0a.html",
	} {
		equal(t, suffix, get(t, app.addr, "/echo"+suffix).status, http.StatusNotFound)
	}
}

func TestIframePageCacheability(t *testing.T) {
	t.Parallel()
	app := startConformance(t)
	first, second := get(t, app.addr, "/echo/iframe.html"), get(t, app.addr, "/echo/iframe.html")
	equal(t, "ETag", second.header.Get("ETag"), first.header.Get("ETag"))
	etag := first.header.Get("ETag")
	for _, match := range []string{etag, "W/" + etag, `"other", W/"another" , ` + etag, "*"} {
		a := get(t, app.addr, "/echo/iframe.html", "If-None-Match: "+match)
		equal(t, match, a.status, http.StatusNotModified)
		equal(t, "type", a.header.Get("Content-Type"), "")
		equal(t, "body", a.body, "")
	}
	for _, match := range []string{`"other"`, strings.Trim(etag, `"`), etag + "x"} {
		equal(t, match, get(t, app.addr, "/echo/iframe.html", "If-None-Match: "+match).status, http.StatusOK)
	}
}

// A copy in a cache that says who may frame it is not the page of who says
// something else.
func TestIframePageTagHoldsThePolicy(t *testing.T) {
	t.Parallel()
	tags := map[string]bool{}
	for _, origins := range [][]string{nil, {"https://a.example"}, {"https://b.example"}} {
		s := start(t, Config{AllowOrigins: origins})
		tags[get(t, s.addr, "/echo/iframe.html").header.Get("ETag")] = true
	}
	equal(t, "different tags", len(tags), 3)
}

func TestIframePageOfAnotherClient(t *testing.T) {
	t.Parallel()
	s := start(t, Config{ClientURL: `/js/sockjs.js?a="b"`})
	a := get(t, s.addr, "/echo/iframe.html")
	contains(t, a.body, `<script src="/js/sockjs.js?a=&#34;b&#34;"></script>`)
}

// The iframe page is made for pages of other origins, whatever the app says
// about its own.
func TestIframePageMayBeFramed(t *testing.T) {
	t.Parallel()
	secure := helmet.New(helmet.Config{ContentSecurityPolicy: "default-src 'self'"})
	for _, c := range []struct {
		origins []string
		csp     string
	}{
		{nil, ""},
		{[]string{"https://A.example/", "null", "https://*.b.example"}, "frame-ancestors 'self' https://a.example https://*.b.example"},
	} {
		s := start(t, Config{AllowOrigins: c.origins}, secure)
		a := get(t, s.addr, "/echo/iframe.html")
		equal(t, "status", a.status, http.StatusOK)
		equal(t, "X-Frame-Options", a.header.Get("X-Frame-Options"), "")
		equal(t, "COEP", a.header.Get("Cross-Origin-Embedder-Policy"), "")
		equal(t, "CORP", a.header.Get("Cross-Origin-Resource-Policy"), "cross-origin")
		equal(t, "CSP", a.header.Get("Content-Security-Policy"), c.csp)
		equal(t, "greeting keeps it", get(t, s.addr, "/echo").header.Get("X-Frame-Options"), "SAMEORIGIN")
	}
}

func TestDefaultClientIntegrity(t *testing.T) {
	t.Parallel()
	const file = "../../../_example/e2e/node_modules/sockjs-client/dist/sockjs.min.js"
	code, err := os.ReadFile(file)
	if errors.Is(err, fs.ErrNotExist) {
		if os.Getenv("CI") == "true" {
			t.Fatal("sockjs-client is not installed in _example/e2e")
		}
		t.Skip("sockjs-client is not installed: run npm ci in _example/e2e")
	}
	if err != nil {
		t.Fatal(err)
	}
	hash := sha512.Sum384(code)
	equal(t, "integrity", "sha384-"+base64.StdEncoding.EncodeToString(hash[:]), defaultClientIntegrity)
	contains(t, string(code), "sockjs-client v1.6.1")
	contains(t, defaultClientURL, "sockjs-client@1.6.1/dist/sockjs.min.js")
}

type infoBody struct {
	WebSocket    *bool    `json:"websocket"`
	CookieNeeded *bool    `json:"cookie_needed"`
	Origins      []string `json:"origins"`
	Entropy      *uint32  `json:"entropy"`
}

func readInfo(t *testing.T, a answer) infoBody {
	t.Helper()
	equal(t, "status", a.status, http.StatusOK)
	var info infoBody
	if err := json.Unmarshal([]byte(a.body), &info); err != nil {
		t.Fatal(err)
	}
	if info.WebSocket == nil || info.CookieNeeded == nil || info.Entropy == nil {
		t.Fatalf("incomplete info: %s", a.body)
	}
	return info
}

func TestInfo(t *testing.T) {
	t.Parallel()
	app := startConformance(t)
	for _, c := range []struct {
		path              string
		websocket, cookie bool
	}{
		{"/echo/info", true, false},
		{"/disabled_websocket_echo/info", false, false},
		{"/cookie_needed_echo/info", true, true},
	} {
		a := get(t, app.addr, c.path, "Origin: test")
		equal(t, "type", a.header.Get("Content-Type"), "application/json; charset=UTF-8")
		equal(t, "cookie", a.header.Get("Set-Cookie"), "")
		wantNotCached(t, a)
		wantCORS(t, a, "test")
		info := readInfo(t, a)
		equal(t, "websocket", *info.WebSocket, c.websocket)
		equal(t, "cookie_needed", *info.CookieNeeded, c.cookie)
		equal(t, "origins", strings.Join(info.Origins, " "), "*:*")
	}
	wantCORS(t, get(t, app.addr, "/echo/info"), "")
}

func TestInfoEntropy(t *testing.T) {
	t.Parallel()
	app := startConformance(t)
	seen := map[uint32]bool{}
	for range 4 {
		seen[*readInfo(t, get(t, app.addr, "/echo/info")).Entropy] = true
	}
	equal(t, "different numbers", len(seen), 4)
}

func TestInfoOptions(t *testing.T) {
	t.Parallel()
	app := startConformance(t)
	wantOptions(t, app.addr, "/echo/info", "OPTIONS, GET")
}

func TestRawWebSocketWithoutHandler(t *testing.T) {
	t.Parallel()
	s := start(t, Config{})
	equal(t, "status", get(t, s.addr, "/echo/websocket").status, fiber.StatusNotFound)
}
