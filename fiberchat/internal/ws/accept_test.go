package ws

import (
	"errors"
	"testing"

	"github.com/gofiber/fiber/v2"
	"github.com/valyala/fasthttp"
)

// FuzzHandshake: what passes the check the library upgrades, and the rest is
// answered by name.
func FuzzHandshake(f *testing.F) {
	const key = "dGhlIHNhbXBsZSBub25jZQ=="
	f.Add("Upgrade", "", "websocket", "", "13", key, "v12.stomp")
	f.Add("keep-alive", "x, UPGRADE", "HTTP/2.0", "WebSocket", "13", key, ",")
	f.Add("close", "Upgrade", "websocket", "", "13", key, "")
	f.Add("upgrade", "", ", websocket", "h2c", "8", key, "v10.stomp")
	f.Add("upgrade", "", "websocket", "", "13", "###", "")
	app := fiber.New()
	f.Fuzz(func(t *testing.T, connection, connection2, upgrade, upgrade2, version, key, protocol string) {
		ctx := app.AcquireCtx(new(fasthttp.RequestCtx))
		defer app.ReleaseCtx(ctx)
		h := &ctx.Request().Header
		h.Add("Sec-WebSocket-Version", version)
		h.Add("Sec-WebSocket-Key", key)
		h.Add("Sec-WebSocket-Protocol", "x")
		h.Add("Sec-WebSocket-Protocol", protocol)
		for name, values := range map[string][]string{"Connection": {connection, connection2}, "Upgrade": {upgrade, upgrade2}} {
			for _, value := range values {
				h.Add(name, value)
			}
		}
		opened := false
		err := New(Config{Subprotocols: subprotocols}, func(*fiber.Ctx) func(*Conn) {
			opened = true
			return func(*Conn) {}
		})(ctx)
		var refused *fiber.Error
		switch status := ctx.Response().StatusCode(); {
		case err == nil:
			if status != fiber.StatusSwitchingProtocols || !opened || !ctx.Context().Hijacked() {
				t.Error("opened with", status)
			}
		case !errors.As(err, &refused) || opened || refused.Code != fiber.StatusUpgradeRequired && refused.Code != fiber.StatusBadRequest:
			t.Error(err)
		}
	})
}
