// Package ws is the native WebSocket door: it carries the octets of one
// WebSocket connection and knows nothing of STOMP or chat.
package ws

import (
	"bytes"
	"net"
	"sync"
	"time"

	"github.com/gofiber/contrib/websocket"
	"github.com/gofiber/fiber/v2"
	"github.com/valyala/fasthttp"
)

// serveKey carries the function that serves a connection over the upgrade,
// which only string keys of Locals survive.
const serveKey = "fiberchat.ws.serve"

// Config is what the connections of a door share.
type Config struct {
	Subprotocols []string // in order of preference
	// WriteTimeout is how long a write may make no progress. Default: 30 s.
	WriteTimeout time.Duration
}

// New returns a handler that upgrades a request. open is called within the
// request and returns the function that serves its connection; nothing of c
// may be kept.
func New(cfg Config, open func(c *fiber.Ctx) func(*Conn)) fiber.Handler {
	upgrade := websocket.New(func(c *websocket.Conn) { serve(c, cfg.WriteTimeout) }, websocket.Config{
		Subprotocols: cfg.Subprotocols,
		// The library neither reads nor writes: the smallest there are.
		ReadBufferSize:  1,
		WriteBufferSize: 1,
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

func serve(c *websocket.Conn, writeTimeout time.Duration) {
	run := c.Locals(serveKey).(func(*Conn))
	// Only the inner connection is used: c itself goes to the next user of a
	// pool. Until then it need not hold copies of the request's headers.
	inner := c.NetConn()
	*c = websocket.Conn{}
	Serve(inner, writeTimeout, run)
}

// Serve runs one connection, upgraded and not read from yet, to its end.
// writeTimeout is as in Config.
func Serve(c net.Conn, writeTimeout time.Duration, run func(*Conn)) {
	conn := newConn(c, writeTimeout)
	run(conn)
	conn.linger()
}
