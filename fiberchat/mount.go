package fiberchat

import (
	"path"
	"strings"

	"github.com/gofiber/fiber/v2"

	"fiberchat.example/fiberchat/internal/sockjs"
	"fiberchat.example/fiberchat/internal/stomp"
	"fiberchat.example/fiberchat/internal/ws"
	"fiberchat.example/middleware"
)

// mount opens the doors.
func (ch *Chat) mount(router fiber.Router) {
	authConfig := middleware.Config{
		Authenticator: countedAuth{doorAuth{ch.cfg.Authenticator, ch}, ch.metrics},
		AllowOrigins:  ch.cfg.AllowOrigins,
		Timeout:       ch.cfg.Timeouts.Store,
		Logger:        ch.cfg.Logger,
	}
	router.Use([]string{"/client", "/socketServer"}, maskAfter)
	native := ch.admit(ws.New(ws.Config{Subprotocols: stomp.Subprotocols, WriteTimeout: ch.cfg.Timeouts.Write}, func(c *fiber.Ctx) func(*ws.Conn) {
		if !ch.useTicket(c) {
			return nil
		}
		identity, ip, started := middleware.Identity(c), ipOf(c), startOf(c)
		return func(conn *ws.Conn) { ch.serve(conn, identity, "native", ip, started) }
	}))
	router.Get("/client", ch.watch, middleware.New(authConfig), native)

	ch.sockjs = sockjs.New(sockjs.Config{
		Key:        func(c *fiber.Ctx) string { return userKey(middleware.User(c).ID) },
		Credential: func(c *fiber.Ctx) string { return ticketOf(c).credential() },
		Open: func(c *fiber.Ctx) func(sockjs.Conn) {
			if !ch.useTicket(c) {
				return nil
			}
			identity, ip, started := middleware.Identity(c), ipOf(c), startOf(c)
			transport := strings.Clone(path.Base(c.Path()))
			return func(conn sockjs.Conn) { ch.serve(conn, identity, transport, ip, started) }
		},
		Raw:                native,
		Subprotocols:       stomp.Subprotocols,
		AllowOrigins:       ch.cfg.AllowOrigins,
		ClientURL:          ch.cfg.SockJS.ClientURL,
		ClientIntegrity:    ch.cfg.SockJS.ClientIntegrity,
		JSessionID:         ch.cfg.SockJS.Cookie,
		WriteTimeout:       ch.cfg.Timeouts.Write,
		DisconnectDelay:    ch.cfg.SockJS.DisconnectDelay,
		MaxInbound:         inbound(ch.cfg.Limits.Frame),
		MaxSessionsPerUser: 2 * ch.cfg.Limits.UserSessions, // chat's own limit closes the oldest before
		MaxSessions:        ch.cfg.Limits.Sessions,
		Logger:             ch.cfg.Logger,
	})
	authConfig.Next = ch.sockjs.Public
	router.Use("/socketServer", ch.watch, ch.sockjs.CORS, middleware.New(authConfig), ch.sockjs.Handler)
}

// maskAfter keeps the token out of the logs of what is answered without a check:
// sockjs-client puts it on every URL, and others on the wrong ones. Not before
// Next: a path that only begins like a door's may be of the app, which needs it.
func maskAfter(c *fiber.Ctx) error {
	defer middleware.Mask(c)
	return c.Next()
}

// inbound is how many bytes a SockJS client may send at once: all frames that
// waited for the request before. A backslash and a quotation mark of a frame
// are two bytes there.
func inbound(frame int) int { return max(4*frame, 1<<20) }

// admit refuses at the doors without SockJS framing who may not come in now. A
// session of SockJS is refused by c[1013,...]: at an HTTP status sockjs-client
// would try one transport after the other, and learn nothing from any.
func (ch *Chat) admit(serve fiber.Handler) fiber.Handler {
	return func(c *fiber.Ctx) error {
		if !ch.sockjs.OriginAllowed(c) {
			return c.Status(fiber.StatusForbidden).JSON(refusal(&failure{codeForbidden, "Forbidden", "this origin is not allowed"}))
		}
		if ch.isClosing() || ch.hub.Len() >= ch.cfg.Limits.Sessions {
			return c.Status(fiber.StatusServiceUnavailable).JSON(refusal(&failure{codeTryAgain, "Busy", "no more sessions can be taken, try again later"}))
		}
		return serve(c)
	}
}

// refusal is a REST answer in the original's shape.
func refusal(f *failure) fiber.Map {
	return fiber.Map{"code": f.code, "message": f.text, "content": fiber.Map{"error": f.name}}
}
