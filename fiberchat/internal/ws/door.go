// Package ws is the native WebSocket door: it carries the octets of one
// WebSocket connection and knows nothing of STOMP or chat.
package ws

import (
	"bytes"
	"sync"

	fasthttpws "github.com/fasthttp/websocket"
	"github.com/gofiber/contrib/websocket"
	"github.com/gofiber/fiber/v2"
	"github.com/valyala/fasthttp"
)

// serveKey carries the function that serves a connection over the upgrade,
// which only string keys of Locals survive.
const serveKey = "fiberchat.ws.serve"

// Handler returns a handler that upgrades a request. open is called within
// the request and returns the function that serves its connection; nothing of
// c may be kept. subprotocols are in order of preference.
func Handler(subprotocols []string, open func(c *fiber.Ctx) func(*Conn)) fiber.Handler {
	upgrade := websocket.New(serve, websocket.Config{
		Subprotocols:   subprotocols,
		ReadBufferSize: 1024,
		// Control frames are the library's only writes.
		WriteBufferSize: 256,
		WriteBufferPool: new(sync.Pool),
		// The default writes the panic into the stream. open's function
		// recovers what may panic; a bug of ours should be seen.
		RecoverHandler: func(*websocket.Conn) {},
	})
	return func(c *fiber.Ctx) error {
		if !websocket.IsWebSocketUpgrade(c) {
			return fiber.ErrUpgradeRequired
		}
		joinProtocols(&c.Request().Header)
		c.Locals(serveKey, open(c))
		return upgrade(c)
	}
}

// joinProtocols makes one line of several, which RFC 6455, 11.3.4, allows and
// the library does not look for.
func joinProtocols(h *fasthttp.RequestHeader) {
	if lines := h.PeekAll(fiber.HeaderSecWebSocketProtocol); len(lines) > 1 {
		h.SetBytesV(fiber.HeaderSecWebSocketProtocol, bytes.Join(lines, []byte(", ")))
	}
}

func serve(c *websocket.Conn) {
	run := c.Locals(serveKey).(func(*Conn))
	// Only the inner connection is used: c itself goes to the next user of a
	// pool. Until then it need not hold copies of the request's headers.
	inner := c.Conn
	*c = websocket.Conn{}
	Serve(inner, run)
}

// Serve runs one connection to its end.
func Serve(c *fasthttpws.Conn, run func(*Conn)) {
	conn := newConn(c)
	run(conn)
	conn.linger()
}
