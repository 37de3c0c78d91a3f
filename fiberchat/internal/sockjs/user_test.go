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
