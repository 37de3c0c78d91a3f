package sockjs

import (
	"io"
	"net/http/httptest"
	"strconv"
	"testing"

	"github.com/gofiber/fiber/v2"
)

// told is what ask says of a request.
func told(t *testing.T, config fiber.Config, ask func(c *fiber.Ctx) bool, path, host string, header ...string) bool {
	t.Helper()
	app := fiber.New(config)
	app.Use("/echo", func(c *fiber.Ctx) error { return c.SendString(strconv.FormatBool(ask(c))) })
	r := httptest.NewRequest("GET", path, nil)
	r.Host = host
	for i := 0; i < len(header); i += 2 {
		r.Header.Set(header[i], header[i+1])
	}
	res, err := app.Test(r, -1)
	if err != nil {
		t.Fatal(err)
	}
	body, err := io.ReadAll(res.Body)
	if err != nil {
		t.Fatal(err)
	}
	is, err := strconv.ParseBool(string(body))
	if err != nil {
		t.Fatal(err)
	}
	return is
}

func TestOriginAllowed(t *testing.T) {
	t.Parallel()
	list := []string{"https://Page.example/", "null", "https://*.page.example"}
	for _, c := range []struct {
		list                    []string
		origin, host, forwarded string
		want                    bool
	}{
		{nil, "https://b.example", "x", "", true},
		{[]string{"https://a.example", "*"}, "https://b.example", "x", "", true},
		{list, "", "x", "", true},
		{list, "https://page.example", "x", "", true},
		{list, "HTTPS://PAGE.example", "x", "", true},
		{list, "null", "x", "", true},
		{list, "https://a.Page.example", "x", "", true},
		{list, "http://page.example", "x", "", false},
		{list, "https://page.example:8443", "x", "", false},
		{list, "https://page.example.evil", "x", "", false},
		{list, "file://", "x", "", false},
		{list, "https://", "x", "", false},
		// The server's own.
		{list, "http://chat.example", "chat.example", "", true},
		{list, "https://Chat.example", "chat.EXAMPLE", "", true},
		{list, "https://chat.example", "chat.example:443", "", true},
		{list, "http://chat.example", "chat.example:80", "", true},
		{list, "https://chat.example:8443", "chat.example:8443", "", true},
		{list, "https://chat.example:8443", "chat.example", "", false},
		{list, "https://chat.example", "chat.example:8443", "", false},
		{list, "https://a.chat.example", "chat.example", "", false},
		// Behind a proxy.
		{list, "https://chat.example", "10.0.0.1:3000", "chat.example", true},
		{list, "https://chat.example", "10.0.0.1:3000", "chat.example:443, inner.example", true},
		{list, "https://other.example", "10.0.0.1:3000", "chat.example", false},
	} {
		s := New(Config{Key: func(*fiber.Ctx) string { return "" }, Open: serving(wait), AllowOrigins: c.list})
		trusting := fiber.Config{EnableTrustedProxyCheck: true, TrustedProxies: []string{"0.0.0.0"}}
		got := told(t, trusting, s.OriginAllowed, "/echo", c.host, "Origin", c.origin, "X-Forwarded-Host", c.forwarded)
		equal(t, c.origin+" at "+c.host+" and "+c.forwarded, got, c.want)
	}

	s := New(Config{Key: func(*fiber.Ctx) string { return "" }, Open: serving(wait), AllowOrigins: list})
	for _, trusting := range []fiber.Config{{}, {EnableTrustedProxyCheck: true}} {
		got := told(t, trusting, s.OriginAllowed, "/echo", "chat.example", "Origin", "https://evil.example", "X-Forwarded-Host", "evil.example")
		equal(t, "said by nobody who is trusted", got, false)
		got = told(t, trusting, s.OriginAllowed, "/echo", "chat.example", "Origin", "https://chat.example", "X-Forwarded-Host", "evil.example")
		equal(t, "the Host header counts", got, true)
	}
}

func TestOurs(t *testing.T) {
	t.Parallel()
	s := New(Config{Key: func(*fiber.Ctx) string { return "" }, Open: serving(wait)})
	for path, want := range map[string]bool{"/echo": true, "/ECHO/": true, "/echo/info": true, "/echoes": false, "/echo.html": false, "/echoes/info": false} {
		equal(t, path, told(t, fiber.Config{}, s.Ours, path, "x"), want)
	}
}
