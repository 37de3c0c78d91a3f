package sockjs

import (
	"net/http"
	"testing"

	"github.com/gofiber/fiber/v2"
)

func TestSessionURLsTakeAnyValue(t *testing.T) {
	t.Parallel()
	app := startConformance(t)
	for _, prefix := range []string{"/a/", "/_/", "/1/", "/abcdefgh_i-j%20/abcdefg_i-j%20", "/%C3%A4/%E4%BD%A0", "/a%2Fb/c%2F"} {
		for _, end := range []string{"", "/"} {
			equal(t, prefix, polled(t, app.addr, "/echo"+prefix+newID()+"/xhr"+end), "o\n")
		}
	}
}

func TestSessionURLsInvalidPaths(t *testing.T) {
	t.Parallel()
	app := startConformance(t)
	for _, suffix := range []string{"//", "/a./a", "/a/a.", "/./.", "/", "///", "/../a", "/a/a/a"} {
		for _, method := range []string{http.MethodGet, http.MethodPost} {
			equal(t, method+" "+suffix, request(t, app.addr, method, "/echo"+suffix+"/xhr", "").status, http.StatusNotFound)
		}
	}
}

func TestServerIDIsIgnored(t *testing.T) {
	t.Parallel()
	app := startConformance(t)
	id := newID()
	equal(t, "open", polled(t, app.addr, "/echo/000/"+id+"/xhr"), "o\n")
	sent(t, app.addr, "/echo/000/"+id+"/xhr_send", `["a"]`)
	equal(t, "echo", polled(t, app.addr, "/echo/999/"+id+"/xhr"), "a[\"a\"]\n")
}

func TestMethodNotAllowed(t *testing.T) {
	t.Parallel()
	app := startConformance(t)
	for _, c := range []struct{ method, path, allow string }{
		{"GET", "/0/0/xhr", "OPTIONS, POST"},
		{"HEAD", "/0/0/xhr", "OPTIONS, POST"},
		{"GET", "/0/0/xhr_send", "OPTIONS, POST"},
		{"GET", "/0/0/xhr_streaming", "OPTIONS, POST"},
		{"GET", "/0/0/jsonp_send", "OPTIONS, POST"},
		{"POST", "/0/0/eventsource", "OPTIONS, GET"},
		{"HEAD", "/0/0/eventsource", "OPTIONS, GET"},
		{"POST", "/0/0/htmlfile", "OPTIONS, GET"},
		{"POST", "/0/0/jsonp", "OPTIONS, GET"},
		{"HEAD", "/0/0/jsonp", "OPTIONS, GET"},
		{"POST", "/0/0/websocket", "OPTIONS, GET"},
		{"POST", "/websocket", "OPTIONS, GET"},
		{"POST", "/info", "OPTIONS, GET"},
		{"DELETE", "/iframe.html", "OPTIONS, GET"},
		{"PUT", "", "OPTIONS, GET"},
	} {
		a := request(t, app.addr, c.method, "/echo"+c.path, "")
		equal(t, c.method+c.path, a.status, http.StatusMethodNotAllowed)
		equal(t, "Allow", a.header.Get("Allow"), c.allow)
		equal(t, "type", a.header.Get("Content-Type"), "")
		equal(t, "body", a.body, "")
	}
}

// Wherever and however the server is mounted, the same paths are its own.
func TestMountPoints(t *testing.T) {
	t.Parallel()
	use := func(router fiber.Router, path string, s *Server) {
		router.Use(path, s.CORS, s.Handler)
	}
	for _, c := range []struct {
		name, base string
		config     fiber.Config
		mount      func(app *fiber.App, s *Server)
	}{
		{"app", "/echo", fiber.Config{}, func(app *fiber.App, s *Server) { use(app, "/echo", s) }},
		{"root", "", fiber.Config{}, func(app *fiber.App, s *Server) { use(app, "/", s) }},
		{"trailing slash", "/echo", fiber.Config{}, func(app *fiber.App, s *Server) { use(app, "/echo/", s) }},
		{"group", "/api/v1/echo", fiber.Config{}, func(app *fiber.App, s *Server) { use(app.Group("/api").Group("/v1"), "/echo", s) }},
		{"parameter", "/t/anna/echo", fiber.Config{}, func(app *fiber.App, s *Server) { use(app, "/t/:tenant/echo", s) }},
		{"parameter last", "/t/anna", fiber.Config{}, func(app *fiber.App, s *Server) { use(app, "/t/:tenant", s) }},
		{"mounted app", "/sub/x/echo", fiber.Config{}, func(app *fiber.App, s *Server) {
			sub := fiber.New()
			use(sub.Group("/x"), "/echo", s)
			app.Mount("/sub", sub)
		}},
		{"mixed case", "/aPi/EchO", fiber.Config{}, func(app *fiber.App, s *Server) { use(app, "/api/echo", s) }},
		{"case-sensitive", "/Echo", fiber.Config{CaseSensitive: true}, func(app *fiber.App, s *Server) { use(app, "/Echo", s) }},
		{"strict", "/echo", fiber.Config{StrictRouting: true}, func(app *fiber.App, s *Server) { use(app, "/echo", s) }},
		{"unescaped", "/%65cho", fiber.Config{UnescapePath: true}, func(app *fiber.App, s *Server) { use(app, "/echo", s) }},
		{"immutable", "/echo", fiber.Config{Immutable: true}, func(app *fiber.App, s *Server) { use(app, "/echo", s) }},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			c.config.DisableStartupMessage = true
			app := fiber.New(c.config)
			server := New(Config{Key: func(*fiber.Ctx) string { return "" }, Open: serving(echo)})
			c.mount(app, server)
			app.Use(func(c *fiber.Ctx) error { return c.SendStatus(http.StatusTeapot) })
			addr := listen(t, app, server)

			equal(t, "greeting", get(t, addr, c.base+"/").body, "Welcome to SockJS!\n")
			equal(t, "info", get(t, addr, c.base+"/info").status, http.StatusOK)
			url := c.base + newSessionPath()
			equal(t, "open", polled(t, addr, url+"/xhr"), "o\n")
			sent(t, addr, url+"/xhr_send", `["a"]`)
			equal(t, "echo", polled(t, addr, url+"/xhr"), "a[\"a\"]\n")
			equal(t, "not found", get(t, addr, c.base+"/nothing").status, http.StatusNotFound)
			if c.base != "" && c.name != "parameter last" {
				a := get(t, addr, c.base+"es/info")
				equal(t, "beyond the boundary", a.status, http.StatusTeapot)
				equal(t, "CORS beyond", a.header.Get("Access-Control-Allow-Origin"), "")
			}
		})
	}
}

// What Public lets through unchecked is never a session.
func TestPublic(t *testing.T) {
	t.Parallel()
	server := New(Config{Key: func(*fiber.Ctx) string { return "" }, Open: serving(echo)})
	app := fiber.New(fiber.Config{DisableStartupMessage: true})
	auth := func(c *fiber.Ctx) error {
		if server.Public(c) || c.Query("srect") == "good" {
			return c.Next()
		}
		return c.Status(http.StatusUnauthorized).SendString("who?")
	}
	app.Use("/echo", server.CORS, auth, server.Handler)
	addr := listen(t, app, server)

	for _, c := range []struct {
		method, path string
		status       int
	}{
		{"GET", "/echo", 200},
		{"GET", "/echo/", 200},
		{"HEAD", "/echo", 200},
		{"GET", "/echo/iframe.html", 200},
		{"GET", "/echo/iframe-1.html?t=1", 200},
		{"OPTIONS", "/echo/info", 204},
		{"OPTIONS", "/echo/0/0/xhr", 204},
		{"OPTIONS", "/echo/0/0/websocket", 204},
		{"GET", "/echoes", 404},
		{"GET", "/echo/info", 401},
		{"GET", "/echo/websocket", 401},
		{"POST", "/echo", 401},
		{"POST", "/echo/iframe.html", 401},
		{"GET", "/echo/a/b/iframe.html", 401},
		{"POST", "/echo/0/0/xhr", 401},
		{"POST", "/echo/0/iframe.html/xhr", 401},
		{"GET", "/echo/0/0/eventsource", 401},
		{"GET", "/echo//", 401},
		{"GET", "/echo/iframe.html//", 401},
	} {
		a := request(t, addr, c.method, c.path, "", "Origin: http://page.example")
		equal(t, c.method+" "+c.path, a.status, c.status)
		if c.path != "/echoes" {
			wantCORS(t, a, "http://page.example")
		}
	}
	equal(t, "with a token", get(t, addr, "/echo/info?srect=good").status, http.StatusOK)
}

func TestAllowOrigins(t *testing.T) {
	t.Parallel()
	s := start(t, Config{AllowOrigins: []string{"https://a.example", "null"}})
	for _, c := range []struct {
		origin string
		status int
	}{
		{"", 200}, {"https://a.example", 200}, {"HTTPS://A.example", 200}, {"null", 200}, {"http://test.example", 200},
		{"https://b.example", 403}, {"https://a.example.evil", 403}, {"http://a.example", 403}, {"file://", 403}, {"http://", 403},
	} {
		var header []string
		if c.origin != "" {
			header = []string{"Origin: " + c.origin}
		}
		granted := ""
		if c.status == 200 {
			granted = c.origin
		}
		id := newSessionPath()
		for _, r := range []struct{ method, path string }{
			{"GET", "/echo/info"}, {"POST", "/echo" + id + "/xhr"}, {"GET", "/echo" + newSessionPath() + "/jsonp?c=x"},
		} {
			a := request(t, s.addr, r.method, r.path, "", header...)
			equal(t, r.path+" from "+c.origin, a.status, c.status)
			equal(t, "granted to "+c.origin, a.header.Get("Access-Control-Allow-Origin"), granted)
			contains(t, a.header.Get("Vary"), "Origin")
		}
		refused := c.status == 403
		for _, path := range []string{"/xhr_send", "/jsonp_send"} {
			a := request(t, s.addr, "POST", "/echo"+id+path, `["x"]`, header...)
			equal(t, path+" from "+c.origin, a.status == 403, refused)
		}
		for _, path := range []string{"/eventsource", "/htmlfile?c=x", "/websocket"} {
			if refused {
				equal(t, path, get(t, s.addr, "/echo"+newSessionPath()+path, header...).status, 403)
			}
		}
	}
}
