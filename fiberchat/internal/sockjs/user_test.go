package sockjs

import (
	"net/http"
	"testing"

	"github.com/gofiber/fiber/v2"
)

func TestJSessionIDCookie(t *testing.T) {
	t.Parallel()
	app := startConformance(t)
	const base = "/cookie_needed_echo"
	path := base + newSessionPath()
	cookie := func(a http.Header) string { return a.Get("Set-Cookie") }
	equal(t, "xhr", cookie(post(t, app.addr, path+"/xhr", "").header), "JSESSIONID=dummy; path=/")
	equal(t, "xhr_send", cookie(post(t, app.addr, path+"/xhr_send", "[]").header), "JSESSIONID=dummy; path=/")
	equal(t, "echoed", cookie(post(t, app.addr, base+newSessionPath()+"/xhr", "", "Cookie: JSESSIONID=abcdef").header), "JSESSIONID=abcdef; path=/")
	equal(t, "xhr_streaming", cookie(openStream(t, app.addr, "POST", base+newSessionPath()+"/xhr_streaming").header), "JSESSIONID=dummy; path=/")
	equal(t, "eventsource", cookie(openStream(t, app.addr, "GET", base+newSessionPath()+"/eventsource").header), "JSESSIONID=dummy; path=/")
	equal(t, "htmlfile", cookie(openStream(t, app.addr, "GET", base+newSessionPath()+"/htmlfile?c=x").header), "JSESSIONID=dummy; path=/")
	path = base + newSessionPath()
	equal(t, "jsonp", cookie(get(t, app.addr, path+"/jsonp?c=x").header), "JSESSIONID=dummy; path=/")
	equal(t, "jsonp_send", cookie(post(t, app.addr, path+"/jsonp_send", "[]").header), "JSESSIONID=dummy; path=/")
	equal(t, "none asked for", cookie(post(t, app.addr, "/echo"+newSessionPath()+"/xhr", "").header), "")
}

// Sessions of two users do not know of each other, whatever their ids.
func TestSessionsBelongToTheirUser(t *testing.T) {
	t.Parallel()
	s := start(t, Config{})
	id := newID()
	path := "/echo/0/" + id
	equal(t, "anna's open", polled(t, s.addr, path+"/xhr?srect=anna"), "o\n")
	equal(t, "berta sends", post(t, s.addr, path+"/xhr_send?srect=berta", `["b"]`).status, http.StatusNotFound)
	equal(t, "berta's open", polled(t, s.addr, path+"/xhr?srect=berta"), "o\n")
	sent(t, s.addr, path+"/xhr_send?srect=anna", `["a"]`)
	sent(t, s.addr, path+"/xhr_send?srect=berta", `["b"]`)
	equal(t, "anna", polled(t, s.addr, path+"/xhr?srect=anna"), "a[\"a\"]\n")
	equal(t, "berta", polled(t, s.addr, path+"/xhr?srect=berta"), "a[\"b\"]\n")
}

// A session that was opened with a credential of its own is reached with that
// alone; where Open answers the request itself there is none.
func TestSessionsBelongToTheirCredential(t *testing.T) {
	t.Parallel()
	server := New(Config{
		Key:        func(*fiber.Ctx) string { return "anna" },
		Credential: func(c *fiber.Ctx) string { return c.Query("with") },
		Open: func(c *fiber.Ctx) func(Conn) {
			if c.Query("with") == "nothing" {
				_ = c.Status(http.StatusTeapot).SendString("no")
				return nil
			}
			return echo
		},
		MaxSessionsPerUser: 2,
	})
	app := fiber.New(fiber.Config{DisableStartupMessage: true})
	app.Use("/echo", func(c *fiber.Ctx) error {
		if c.Query("has") != "" {
			return c.JSON(server.Has(c, "anna", c.Query("with")))
		}
		return server.Handler(c)
	})
	addr := listen(t, app, server)
	path := "/echo/0/" + newID()
	for range 3 { // none of which counts
		refused := post(t, addr, path+"/xhr?with=nothing", "")
		equal(t, "status", refused.status, http.StatusTeapot)
		equal(t, "body", refused.body, "no")
	}
	equal(t, "by websocket", get(t, addr, path+"/websocket?with=nothing", "Upgrade: websocket", "Connection: Upgrade",
		"Sec-WebSocket-Version: 13", "Sec-WebSocket-Key: x3JJHMbDL1EzLkh9GBhXDw==").status, http.StatusTeapot)
	equal(t, "open", polled(t, addr, path+"/xhr?with=a"), "o\n")
	equal(t, "sent with another", post(t, addr, path+"/xhr_send?with=b", `["b"]`).status, http.StatusNotFound)
	equal(t, "open", polled(t, addr, path+"/xhr?with=b"), "o\n")
	equal(t, "a third session", polled(t, addr, path+"/xhr?with=c"), "c[1013,\"Too many sessions\"]\n")
	sent(t, addr, path+"/xhr_send?with=a", `["a"]`)
	equal(t, "received", polled(t, addr, path+"/xhr?with=a"), "a[\"a\"]\n")
	for asked, want := range map[string]string{
		path + "/xhr_send?with=a": "true", path + "?with=b": "true", path + "/xhr?with=c": "false", "/echo/0/other/xhr?with=a": "false",
		"/echo?with=a": "false", "/echo/info?with=a": "false", "/echo///?with=a": "false",
	} {
		equal(t, asked, get(t, addr, asked+"&has=1").body, want)
	}
}

// An app's error handler does not reword what the protocol says.
func TestErrorHandlerOfTheApp(t *testing.T) {
	t.Parallel()
	server := New(Config{Key: func(*fiber.Ctx) string { return "" }, Open: serving(echo)})
	app := fiber.New(fiber.Config{DisableStartupMessage: true, ErrorHandler: func(c *fiber.Ctx, err error) error {
		return c.Status(http.StatusTeapot).SendString("handled")
	}})
	app.Use("/echo", server.Handler)
	addr := listen(t, app, server)
	path := "/echo" + newSessionPath()
	equal(t, "404", post(t, addr, path+"/xhr_send", `["a"]`).status, http.StatusNotFound)
	equal(t, "open", polled(t, addr, path+"/xhr"), "o\n")
	equal(t, "500", post(t, addr, path+"/xhr_send", `["a`).body, "Broken JSON encoding.")
	equal(t, "405", get(t, addr, path+"/xhr").status, http.StatusMethodNotAllowed)
}
