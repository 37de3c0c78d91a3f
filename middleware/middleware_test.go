package middleware_test

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"sync"
	"testing"
	"time"

	"fiberchat.example/fiberchat/chat"
	"fiberchat.example/middleware"
	"github.com/gofiber/fiber/v2"
	"github.com/gofiber/fiber/v2/middleware/cors"
)

// authFunc is an Authenticator.
type authFunc func(ctx context.Context, token string) (chat.Identity, error)

func (f authFunc) Authenticate(ctx context.Context, token string) (chat.Identity, error) {
	return f(ctx, token)
}

var ada = chat.Identity{TokenID: "t1", User: chat.User{ID: 7, Name: "ada"}}

// known knows one token of Ada's and one that has ended.
var known = authFunc(func(_ context.Context, token string) (chat.Identity, error) {
	switch token {
	case "good token":
		return ada, nil
	case "old":
		return chat.Identity{}, fmt.Errorf("look up: %w", chat.ErrExpired)
	default:
		return chat.Identity{}, fmt.Errorf("look up: %w", chat.ErrUnauthorized)
	}
})

func quiet() *slog.Logger { return slog.New(slog.DiscardHandler) }

func newApp(config middleware.Config) *fiber.App {
	app := fiber.New(fiber.Config{DisableStartupMessage: true})
	app.Use("/private", middleware.New(config))
	app.Get("/private/me", func(c *fiber.Ctx) error { return c.SendString(middleware.User(c).Name) })
	return app
}

func get(t *testing.T, app *fiber.App, url string, header ...string) (*http.Response, string) {
	t.Helper()
	req := httptest.NewRequest(http.MethodGet, url, nil)
	for i := 0; i < len(header); i += 2 {
		req.Header.Set(header[i], header[i+1])
	}
	res, err := app.Test(req, 20_000)
	if err != nil {
		t.Fatal(err)
	}
	defer res.Body.Close()
	body, err := io.ReadAll(res.Body)
	if err != nil {
		t.Fatal(err)
	}
	return res, string(body)
}

func TestAnswers(t *testing.T) {
	t.Parallel()
	stuck := authFunc(func(ctx context.Context, _ string) (chat.Identity, error) {
		<-ctx.Done()
		return chat.Identity{}, ctx.Err()
	})
	broken := authFunc(func(_ context.Context, token string) (chat.Identity, error) {
		return chat.Identity{}, errors.New("dial tcp: no route for " + token)
	})
	remote := authFunc(func(_ context.Context, token string) (chat.Identity, error) {
		_, err := http.Get("none://issuer/" + url.PathEscape(token) + "?token=" + url.QueryEscape(token))
		return chat.Identity{}, err
	})
	panics := authFunc(func(_ context.Context, token string) (chat.Identity, error) { panic("nil map for " + token) })
	withID := func(id int64) authFunc {
		return func(context.Context, string) (chat.Identity, error) {
			return chat.Identity{User: chat.User{ID: id, Name: "ada"}}, nil
		}
	}
	long := authFunc(func(_ context.Context, token string) (chat.Identity, error) {
		if len(token) > 4096 {
			t.Errorf("a token of %d octets reached the Authenticator", len(token))
		}
		return ada, nil
	})

	for name, test := range map[string]struct {
		auth   chat.Authenticator
		query  string
		status int
		code   int
		errorn string
	}{
		"good":             {known, "?srect=good%20token", 200, 0, ""},
		"good, plus":       {known, "?srect=good+token", 200, 0, ""},
		"good, escaped":    {known, "?x=1&%73rect=good+token", 200, 0, ""},
		"first counts":     {known, "?srect=good+token&srect=old", 200, 0, ""},
		"missing":          {known, "", 401, -200, "Unauthorized"},
		"empty":            {known, "?srect=", 401, -200, "Unauthorized"},
		"unknown":          {known, "?srect=wrong", 401, -200, "Unauthorized"},
		"first is wrong":   {known, "?srect=wrong&srect=good+token", 401, -200, "Unauthorized"},
		"expired":          {known, "?srect=old", 401, -202, "TokenExpired"},
		"other parameter":  {known, "?token=good+token", 401, -200, "Unauthorized"},
		"longest":          {long, "?srect=" + strings.Repeat("a", 3500), 200, 0, ""},
		"failing":          {broken, "?srect=s3cret-value", 503, -300, "StoreUnavailable"},
		"failing, escaped": {remote, "?srect=%2Fs3cret%2B%3D", 503, -300, "StoreUnavailable"},
		"too late":         {stuck, "?srect=s3cret-value", 503, -300, "StoreUnavailable"},
		"panicking":        {panics, "?srect=s3cret-value", 503, -300, "StoreUnavailable"},
		"without an id":    {withID(0), "?srect=s3cret-value", 503, -300, "StoreUnavailable"},
		"negative id":      {withID(-1), "?srect=s3cret-value", 503, -300, "StoreUnavailable"},
		"highest id":       {withID(chat.MaxUserID), "?srect=x", 200, 0, ""},
		"id too high":      {withID(chat.MaxUserID + 1), "?srect=s3cret-value", 503, -300, "StoreUnavailable"},
		"not even a token": {panics, "?srect=", 401, -200, "Unauthorized"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			var logged bytes.Buffer
			app := newApp(middleware.Config{
				Authenticator: test.auth,
				Timeout:       20 * time.Millisecond,
				Logger:        slog.New(slog.NewTextHandler(&logged, nil)),
			})
			res, body := get(t, app, "/private/me"+test.query)
			if res.StatusCode != test.status {
				t.Fatalf("status %d, want %d; body %s", res.StatusCode, test.status, body)
			}
			if got := logged.Len() > 0; got != (test.status == 503) {
				t.Errorf("logged %q", &logged)
			}
			if strings.Contains(logged.String(), "s3cret") || strings.Contains(body, "s3cret") {
				t.Errorf("the token is shown: %q, %q", &logged, body)
			}
			if test.status == 200 {
				if body != "ada" {
					t.Errorf("user %q, want ada", body)
				}
				return
			}
			var answer struct {
				Code    int
				Message string
				Content struct{ Error string }
			}
			if err := json.Unmarshal([]byte(body), &answer); err != nil {
				t.Fatalf("body %q: %v", body, err)
			}
			if answer.Code != test.code || answer.Content.Error != test.errorn || answer.Message == "" {
				t.Errorf("body %s, want code %d and error %q", body, test.code, test.errorn)
			}
			if got := res.Header.Get("Content-Type"); got != "application/json" {
				t.Errorf("content type %q", got)
			}
		})
	}
}

// A token of few letters is a piece of words, which must stay whole.
func TestShortTokenLeavesTheTextReadable(t *testing.T) {
	t.Parallel()
	for token, want := range map[string]string{
		"n": "authenticator returned user id -5, want one from", "returne": "authenticator returned user id -5", "returned": "authenticator xxxx user id -5",
	} {
		var logged bytes.Buffer
		nobody := authFunc(func(context.Context, string) (chat.Identity, error) {
			return chat.Identity{User: chat.User{ID: -5}}, nil
		})
		get(t, newApp(middleware.Config{Authenticator: nobody, Logger: slog.New(slog.NewTextHandler(&logged, nil))}), "/private/me?srect="+token)
		if !strings.Contains(logged.String(), want) {
			t.Errorf("token %q: logged %q", token, &logged)
		}
	}
}

// TestTooLong goes past the read buffer of Fiber's default (4 KiB), which
// would refuse the request by itself.
func TestTooLong(t *testing.T) {
	t.Parallel()
	app := fiber.New(fiber.Config{ReadBufferSize: 16 << 10})
	app.Use(middleware.New(middleware.Config{Authenticator: authFunc(
		func(_ context.Context, token string) (chat.Identity, error) { return ada, nil },
	)}))
	app.Get("/", func(c *fiber.Ctx) error { return c.SendString("in") })
	for length, status := range map[int]int{4096: 200, 4097: 401} {
		if res, _ := get(t, app, "/?srect="+strings.Repeat("a", length)); res.StatusCode != status {
			t.Errorf("%d octets: status %d, want %d", length, res.StatusCode, status)
		}
	}
}

func TestConfig(t *testing.T) {
	t.Parallel()
	t.Run("what New panics at", func(t *testing.T) {
		for _, config := range [][]middleware.Config{nil, {{}}, {{Authenticator: known, AllowOrigins: []string{"a.example"}}}} {
			func() {
				defer func() {
					if recover() == nil {
						t.Error("New did not panic")
					}
				}()
				middleware.New(config...)
			}()
		}
	})
	t.Run("Next", func(t *testing.T) {
		app := newApp(middleware.Config{Authenticator: known, Next: func(c *fiber.Ctx) bool { return c.Get("Open") != "" }})
		if res, body := get(t, app, "/private/me", "Open", "1"); res.StatusCode != 200 || body != "" {
			t.Errorf("status %d, user %q, want 200 and nobody", res.StatusCode, body)
		}
		if res, _ := get(t, app, "/private/me"); res.StatusCode != 401 {
			t.Errorf("status %d, want 401", res.StatusCode)
		}
	})
	t.Run("Query", func(t *testing.T) {
		app := newApp(middleware.Config{Authenticator: known, Query: "access key"})
		if res, _ := get(t, app, "/private/me?access+key=good+token"); res.StatusCode != 200 {
			t.Errorf("status %d, want 200", res.StatusCode)
		}
	})
	t.Run("ContextKey", func(t *testing.T) {
		app := fiber.New()
		app.Use(middleware.New(middleware.Config{Authenticator: known, ContextKey: "who"}))
		app.Get("/", func(c *fiber.Ctx) error {
			if middleware.User(c) != (chat.User{}) || middleware.Identity(c, "who") != ada || c.Locals("who") != ada {
				t.Errorf("found %v, %v", middleware.Identity(c), middleware.Identity(c, "who"))
			}
			return c.SendString(middleware.User(c, "who").Name)
		})
		if _, body := get(t, app, "/?srect=good+token"); body != "ada" {
			t.Errorf("user %q, want ada", body)
		}
	})
	t.Run("SuccessHandler and ErrorHandler", func(t *testing.T) {
		app := newApp(middleware.Config{
			Authenticator:  known,
			SuccessHandler: func(c *fiber.Ctx) error { return c.SendString("hello " + middleware.User(c).Name) },
			ErrorHandler: func(c *fiber.Ctx, err error) error {
				return c.Status(fiber.StatusTeapot).SendString(fmt.Sprint(errors.Is(err, chat.ErrExpired), c.OriginalURL()))
			},
		})
		if _, body := get(t, app, "/private/me?srect=good+token"); body != "hello ada" {
			t.Errorf("body %q", body)
		}
		if res, body := get(t, app, "/private/me?srect=old"); res.StatusCode != 418 || body != "true/private/me?srect=xxx" {
			t.Errorf("status %d, body %q", res.StatusCode, body)
		}
	})
}

func TestCORSOnRefusals(t *testing.T) {
	t.Parallel()
	for _, test := range []struct {
		allowed             []string
		origin              string
		wantOrigin, wantCre string
	}{
		{nil, "https://a.example", "https://a.example", "true"},
		{nil, "null", "null", "true"}, // a page from a file, which asks with credentials
		{nil, "", "*", ""},
		{[]string{"https://a.example"}, "https://a.example", "https://a.example", "true"},
		{[]string{"https://b.example", "https://A.example/"}, "https://a.example", "https://a.example", "true"},
		{[]string{"https://a.example"}, "https://b.example", "", ""},
		{[]string{"https://a.example"}, "", "", ""},
		{[]string{"*"}, "https://b.example", "https://b.example", "true"},
		{[]string{"https://*.example"}, "https://b.example", "https://b.example", "true"},
		{[]string{"https://*.example"}, "http://b.example", "", ""},
	} {
		app := newApp(middleware.Config{Authenticator: known, AllowOrigins: test.allowed, Logger: quiet()})
		var header []string
		if test.origin != "" {
			header = []string{"Origin", test.origin}
		}
		res, _ := get(t, app, "/private/me", header...)
		if got := res.Header.Get("Access-Control-Allow-Origin"); got != test.wantOrigin {
			t.Errorf("%v, %q: allowed origin %q, want %q", test.allowed, test.origin, got, test.wantOrigin)
		}
		if got := res.Header.Get("Access-Control-Allow-Credentials"); got != test.wantCre {
			t.Errorf("%v, %q: credentials %q, want %q", test.allowed, test.origin, got, test.wantCre)
		}
		if got := res.Header.Get("Vary"); got != "Origin" {
			t.Errorf("%v, %q: Vary %q", test.allowed, test.origin, got)
		}
	}
}

// A cors middleware before it must not leave two answers, or "*" for a
// request with credentials.
func TestCORSBehindFibersOwn(t *testing.T) {
	t.Parallel()
	app := fiber.New()
	app.Use(cors.New(), middleware.New(middleware.Config{Authenticator: known}))
	res, _ := get(t, app, "/", "Origin", "https://a.example")
	if got := res.Header.Values("Access-Control-Allow-Origin"); len(got) != 1 || got[0] != "https://a.example" {
		t.Errorf("allowed origins %q", got)
	}
}

// Many at once, so that a token or an identity that lives in a request's
// reused memory shows.
func TestConcurrentRequests(t *testing.T) {
	t.Parallel()
	var mu sync.Mutex
	seen := map[string]bool{}
	app := newApp(middleware.Config{Authenticator: authFunc(func(_ context.Context, token string) (chat.Identity, error) {
		mu.Lock()
		seen[token] = true
		mu.Unlock()
		return chat.Identity{User: chat.User{ID: 1, Name: token}}, nil
	})})
	var wg sync.WaitGroup
	for i := range 50 {
		wg.Go(func() {
			name := fmt.Sprintf("user-%02d", i)
			res, err := app.Test(httptest.NewRequest(http.MethodGet, "/private/me?srect="+name, nil), 20_000)
			if err != nil {
				t.Error(err)
				return
			}
			defer res.Body.Close()
			if body, err := io.ReadAll(res.Body); err != nil || string(body) != name {
				t.Errorf("got %q, %v; want %q", body, err, name)
			}
		})
	}
	wg.Wait()
	for i := range 50 {
		if name := fmt.Sprintf("user-%02d", i); !seen[name] {
			t.Errorf("token %q was changed after it was looked up", name)
		}
	}
}
