package main

import (
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"github.com/gofiber/fiber/v2"
)

func TestAddressOf(t *testing.T) {
	t.Parallel()
	type headers map[string]string
	for name, test := range map[string]struct {
		header, proxies string
		sent            headers
		want            string
	}{
		"no proxy":                           {"", privateNetworks, headers{"X-Real-IP": "203.0.113.9", "X-Forwarded-For": "203.0.113.9"}, "0.0.0.0"},
		"proxy's header":                     {"X-Real-IP", "0.0.0.0", headers{"X-Real-IP": "203.0.113.9", "X-Forwarded-For": "6.6.6.1, 203.0.113.9"}, "203.0.113.9"},
		"not from the proxy":                 {"X-Real-IP", privateNetworks, headers{"X-Real-IP": "203.0.113.9"}, "0.0.0.0"},
		"header missing":                     {"X-Real-IP", "0.0.0.0", nil, "0.0.0.0"},
		"no address":                         {"X-Real-IP", "0.0.0.0", headers{"X-Real-IP": strings.Repeat("x", 9000)}, "0.0.0.0"},
		"a list, whose head the client sent": {"X-Forwarded-For", "0.0.0.0", headers{"X-Forwarded-For": "6.6.6.1, 203.0.113.9"}, "0.0.0.0"},
		"IPv6, one customer":                 {"X-Real-IP", "0.0.0.0", headers{"X-Real-IP": "2001:db8:1:2:3:4:5:6"}, "2001:db8:1:2::/64"},
		"IPv6 of a link":                     {"X-Real-IP", "0.0.0.0", headers{"X-Real-IP": "fe80::1%eth0"}, "fe80::/64"},
		"IPv4 as IPv6":                       {"X-Real-IP", "0.0.0.0", headers{"X-Real-IP": "::ffff:203.0.113.9"}, "203.0.113.9"},
	} {
		proxies, err := parseProxies(test.proxies)
		if err != nil {
			t.Fatal(err)
		}
		app := newApp(test.header, proxies)
		app.Get("/", func(c *fiber.Ctx) error { return c.SendString(addressOf(c)) })
		req := httptest.NewRequest(http.MethodGet, "/", nil)
		for header, value := range test.sent {
			req.Header.Set(header, value)
		}
		res, err := app.Test(req)
		if err != nil {
			t.Fatal(err)
		}
		defer res.Body.Close()
		if got, err := io.ReadAll(res.Body); err != nil || string(got) != test.want {
			t.Errorf("%s: %q, %v, want %q", name, got, err, test.want)
		}
	}
}

// Behind a proxy its clients are counted apart, and what one of them writes
// into headers of its own does not make it another.
func TestClientsBehindAProxy(t *testing.T) {
	t.Parallel()
	s := start(t, "-proxy-header", "X-Real-IP")
	signUp(t, s, "ada")
	signIn := func(from, claimed, passwd string) int {
		req, err := http.NewRequest(http.MethodPost, s.url+"/api/user/login", strings.NewReader(fmt.Sprintf(`{"uname":"ada","passwd":%q}`, passwd)))
		if err != nil {
			t.Fatal(err)
		}
		req.Header.Set("Content-Type", "application/json")
		req.Header.Set("X-Real-IP", from) // as nginx overwrites it
		req.Header.Set("X-Forwarded-For", claimed+", "+from)
		req.Header.Set("Forwarded", "for="+claimed)
		res, err := http.DefaultClient.Do(req)
		if err != nil {
			t.Fatal(err)
		}
		defer res.Body.Close()
		return res.StatusCode
	}
	for i := 0; signIn("203.0.113.1", fmt.Sprint("6.6.6.", i), "wrong one") != 429; i++ {
		if i > 200 {
			t.Fatal("no limit")
		}
	}
	if status := signIn("203.0.113.2", "203.0.113.1", password); status != 200 {
		t.Errorf("another client: status %d", status)
	}
}
