package middleware_test

import (
	"bytes"
	"fmt"
	"strings"
	"testing"

	"fiberchat.example/middleware"
	"github.com/gofiber/fiber/v2"
)

// TestHeader: the query comes first, and nothing is looked at that Config does
// not name.
func TestHeader(t *testing.T) {
	t.Parallel()
	for name, test := range map[string]struct {
		config, query string
		header        []string
		status        int
		code          string
	}{
		"bearer":                   {"Authorization", "", []string{"Authorization", "Bearer good token"}, 200, ""},
		"in another case":          {"authorization", "", []string{"Authorization", "bEARER good token"}, 200, ""},
		"blanks":                   {"Authorization", "", []string{"Authorization", "Bearer    good token "}, 200, ""},
		"empty query":              {"Authorization", "?srect=", []string{"Authorization", "Bearer good token"}, 200, ""},
		"both":                     {"Authorization", "?srect=good+token", []string{"Authorization", "Bearer wrong"}, 200, ""},
		"the query's is wrong":     {"Authorization", "?srect=wrong", []string{"Authorization", "Bearer good token"}, 401, "-200"},
		"wrong":                    {"Authorization", "", []string{"Authorization", "Bearer wrong"}, 401, "-200"},
		"expired":                  {"Authorization", "", []string{"Authorization", "Bearer old"}, 401, "-202"},
		"no scheme":                {"Authorization", "", []string{"Authorization", "good token"}, 401, "-200"},
		"another scheme":           {"Authorization", "", []string{"Authorization", "Basic good token"}, 401, "-200"},
		"like the scheme":          {"Authorization", "", []string{"Authorization", "Bearergood token"}, 401, "-200"},
		"scheme alone":             {"Authorization", "", []string{"Authorization", "Bearer"}, 401, "-200"},
		"scheme and blank":         {"Authorization", "", []string{"Authorization", "Bearer "}, 401, "-200"},
		"empty":                    {"Authorization", "", []string{"Authorization", ""}, 401, "-200"},
		"too long":                 {"Authorization", "", []string{"Authorization", "Bearer " + strings.Repeat("x", 4097)}, 401, "-200"},
		"of the app's own":         {"X-Token", "", []string{"X-Token", "good token"}, 200, ""},
		"of the app's own, Bearer": {"X-Token", "", []string{"X-Token", "Bearer good token"}, 401, "-200"},
		"another one":              {"X-Token", "", []string{"Authorization", "Bearer good token"}, 401, "-200"},
		"cookie":                   {"Authorization", "", []string{"Cookie", "Authorization=Bearer good token; srect=good token"}, 401, "-200"},
		"not asked for":            {"", "", []string{"Authorization", "Bearer good token"}, 401, "-200"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			app := fiber.New(fiber.Config{ReadBufferSize: 16 << 10})
			app.Use(middleware.New(middleware.Config{Authenticator: known, Header: test.config}))
			app.Get("/", func(c *fiber.Ctx) error { return c.SendString(middleware.User(c).Name) })
			res, body := get(t, app, "/"+test.query, test.header...)
			if res.StatusCode != test.status || !strings.Contains(body, test.code) {
				t.Errorf("%s %s, want %d with %q", res.Status, body, test.status, test.code)
			}
		})
	}
}

// TestHeaderStaysOutOfLogs: also of one that is refused; and one that was not
// looked at is left to whom it is for.
func TestHeaderStaysOutOfLogs(t *testing.T) {
	t.Parallel()
	var logged bytes.Buffer
	app := fiber.New(fiber.Config{DisableStartupMessage: true})
	app.Use(func(c *fiber.Ctx) error {
		before := c.Get("Authorization")
		err := c.Next()
		fmt.Fprintln(&logged, before, c.GetReqHeaders(), c.Request(), string(c.Request().Header.RawHeaders()))
		return err
	})
	app.Use(middleware.New(middleware.Config{Authenticator: known, Header: "Authorization"}))
	app.Get("/", func(c *fiber.Ctx) error { return c.SendString("in") })
	addr := listen(t, app)
	for _, name := range []string{"Authorization", "authorization", "AUTHORIZATION"} {
		for _, token := range []string{"good token", "s3cret"} {
			logged.Reset()
			exchange(t, addr, "GET / HTTP/1.1\r\nHost: h\r\n"+name+": Bearer "+token+"\r\n"+name+":bearer "+token+"\r\nX-Other: 1\r\nConnection: close\r\n\r\n")
			if text := logged.String(); strings.Contains(text, token) || !strings.Contains(text, "X-Other: 1") {
				t.Errorf("%s: %s", name, text)
			}
		}
	}
	logged.Reset()
	exchange(t, addr, "GET /?srect=good+token HTTP/1.1\r\nHost: h\r\nAuthorization: Basic eDp5\r\nConnection: close\r\n\r\n")
	if !strings.Contains(logged.String(), "Basic eDp5") {
		t.Errorf("the header of another check is gone: %s", &logged)
	}
}

func TestHeaderIsNoCookie(t *testing.T) {
	t.Parallel()
	defer func() {
		if recover() == nil {
			t.Error("New did not panic")
		}
	}()
	middleware.New(middleware.Config{Authenticator: known, Header: "cookie"})
}
