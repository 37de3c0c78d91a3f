package fiberchat_test

import (
	"io"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/gofiber/fiber/v2"
	"github.com/gofiber/fiber/v2/middleware/cache"
	"github.com/gofiber/fiber/v2/middleware/compress"
	"github.com/gofiber/fiber/v2/middleware/cors"
	"github.com/gofiber/fiber/v2/middleware/csrf"
	"github.com/gofiber/fiber/v2/middleware/earlydata"
	"github.com/gofiber/fiber/v2/middleware/encryptcookie"
	"github.com/gofiber/fiber/v2/middleware/etag"
	"github.com/gofiber/fiber/v2/middleware/helmet"
	"github.com/gofiber/fiber/v2/middleware/idempotency"
	"github.com/gofiber/fiber/v2/middleware/limiter"
	"github.com/gofiber/fiber/v2/middleware/logger"
	"github.com/gofiber/fiber/v2/middleware/pprof"
	"github.com/gofiber/fiber/v2/middleware/recover"
	"github.com/gofiber/fiber/v2/middleware/requestid"
	"github.com/gofiber/fiber/v2/middleware/timeout"

	"fiberchat.example/fiberchat"
)

// isDoor is OPERATING.md's, for middleware that chat cannot live behind.
func isDoor(c *fiber.Ctx) bool {
	return strings.HasPrefix(c.Path(), "/client") || strings.HasPrefix(c.Path(), "/socketServer")
}

// TestBehindMiddlewares: chat goes through Fiber's own middlewares, one by one
// and all together, set up as OPERATING.md says.
func TestBehindMiddlewares(t *testing.T) {
	t.Parallel()
	rows := []struct {
		name    string
		handler fiber.Handler
	}{
		{"logger", logger.New(logger.Config{Output: io.Discard, Format: "${url} ${queryParams} ${status}\n"})},
		{"recover", recover.New()},
		{"requestid", requestid.New()},
		{"cors", cors.New(cors.Config{AllowOrigins: "https://a.example", AllowCredentials: true})},
		{"helmet", helmet.New()},
		{"limiter", limiter.New(limiter.Config{Max: 10_000})},
		{"limiter with Next", limiter.New(limiter.Config{Max: 1, Next: isDoor})},
		{"compress", compress.New()},
		{"etag", etag.New()},
		{"cache with Next", cache.New(cache.Config{Next: isDoor})},
		{"csrf with Next", csrf.New(csrf.Config{Next: isDoor})},
		{"encryptcookie", encryptcookie.New(encryptcookie.Config{Key: encryptcookie.GenerateKey()})},
		{"idempotency", idempotency.New()},
		{"timeout", timeout.NewWithContext(func(c *fiber.Ctx) error { return c.Next() }, time.Minute)},
		{"pprof", pprof.New()},
		{"earlydata", earlydata.New()},
	}
	var all []fiber.Handler
	for _, row := range rows {
		all = append(all, row.handler)
		t.Run(row.name, func(t *testing.T) {
			t.Parallel()
			exchangeBehind(t, row.handler)
		})
	}
	t.Run("all", func(t *testing.T) {
		t.Parallel()
		exchangeBehind(t, all...)
	})
}

// exchangeBehind runs the five steps over every door, twice: what remembers
// requests meets the second one.
func exchangeBehind(t *testing.T, handlers ...fiber.Handler) {
	t.Helper()
	cfg, _ := configFor(t, fiberchat.Config{})
	app := newApp()
	for _, h := range handlers {
		app.Use(h)
	}
	if _, err := fiberchat.New(app, cfg); err != nil {
		t.Fatal(err)
	}
	addr := listen(t, app)
	for _, d := range []door{native, sockws, xhr} {
		for _, n := range []string{"1", "2"} {
			a, b, msgID := d.online(t, addr, "alice"), d.online(t, addr, "bob"), string(d)+n
			a.tell(msgID, 2, strings.Repeat("起来聊天", 500))
			b.confirmed(msgID, b.message("/user/bob/recive").message(t).ID)
			a.Close()
			b.Close()
		}
	}
}

// TestInTheWay: what OPERATING.md warns of is so.
func TestInTheWay(t *testing.T) {
	t.Parallel()
	const poll = "/socketServer/000/some-session/xhr?srect="
	for name, c := range map[string]struct {
		before       func(*fiber.App)
		method, path string
		want         int
	}{
		"limiter":   {func(app *fiber.App) { app.Use(limiter.New(limiter.Config{Max: 1})) }, http.MethodPost, poll, http.StatusTooManyRequests},
		"csrf":      {func(app *fiber.App) { app.Use(csrf.New()) }, http.MethodPost, poll, http.StatusForbidden},
		"cache":     {func(app *fiber.App) { app.Use(cache.New()) }, http.MethodGet, "/socketServer/info?srect=", http.StatusOK}, // of the token before
		"catch-all": {func(app *fiber.App) { app.Get("*", func(c *fiber.Ctx) error { return c.SendString("the page") }) }, http.MethodGet, "/client?srect=", http.StatusOK},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			cfg, _ := configFor(t, fiberchat.Config{})
			app := newApp()
			c.before(app)
			if _, err := fiberchat.New(app, cfg); err != nil {
				t.Fatal(err)
			}
			addr := listen(t, app)
			for _, token := range []string{"t-alice", "t-nobody"} { // the second is 401 without the middleware
				r, err := http.NewRequest(c.method, "http://"+addr+c.path+token, nil)
				if err != nil {
					t.Fatal(err)
				}
				if resp, body := answer(t, r); token == "t-nobody" && resp.StatusCode != c.want {
					t.Errorf("status %d, want %d: %.100s", resp.StatusCode, c.want, body)
				}
			}
		})
	}
}
