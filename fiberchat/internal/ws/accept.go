// Package ws carries the bytes of WebSocket connections (RFC 6455) and knows
// nothing of STOMP or chat.
//
// # Files
//
//	accept.go    the upgrade
//	conn.go      Conn, and how it ends
//	read.go      frames in
//	write.go     frames out
//	nonblock.go  writes that do not wait; nonblock_unix.go, nonblock_other.go
package ws

import (
	"bytes"
	"net"
	"time"

	"github.com/fasthttp/websocket"
	"github.com/gofiber/fiber/v2"
	"github.com/valyala/fasthttp"
)

// Config is what the connections of an endpoint share.
type Config struct {
	Subprotocols []string // in order of preference
	// WriteTimeout is how long a write may make no progress. Default: 30 s.
	WriteTimeout time.Duration
	// Refuse answers a request that is no handshake. Default: 426.
	Refuse fiber.Handler
}

// New returns a handler that upgrades a request. open is called within the
// request and returns the function that serves its connection; nothing of c
// may be kept.
func New(cfg Config, open func(c *fiber.Ctx) func(*Conn)) fiber.Handler {
	if cfg.Refuse == nil {
		cfg.Refuse = func(*fiber.Ctx) error { return fiber.ErrUpgradeRequired }
	}
	handshake := websocket.FastHTTPUpgrader{
		Subprotocols: cfg.Subprotocols,
		CheckOrigin:  func(*fasthttp.RequestCtx) bool { return true }, // the caller has
		Error:        func(*fasthttp.RequestCtx, int, error) {},       // Refuse answers
	}
	return func(c *fiber.Ctx) error {
		ctx := c.Context()
		if !websocket.FastHTTPIsWebSocketUpgrade(ctx) {
			return cfg.Refuse(c)
		}
		joinProtocols(&c.Request().Header)
		run := open(c)
		if handshake.Upgrade(ctx, nil) != nil {
			return cfg.Refuse(c)
		}
		// In place of the library's own connection. A panic ends the process,
		// so that a bug of ours is seen: run recovers what may panic.
		ctx.Hijack(func(conn net.Conn) { Serve(conn, cfg.WriteTimeout, run) })
		return nil
	}
}

// joinProtocols makes one line of several, which RFC 6455, 11.3.4, allows and
// the library does not look for.
func joinProtocols(h *fasthttp.RequestHeader) {
	if lines := h.PeekAll(fiber.HeaderSecWebSocketProtocol); len(lines) > 1 {
		h.SetBytesV(fiber.HeaderSecWebSocketProtocol, bytes.Join(lines, []byte(", ")))
	}
}

// Serve runs one connection, upgraded and not read from yet, to its end, and
// closes it. writeTimeout is as in Config.
func Serve(c net.Conn, writeTimeout time.Duration, run func(*Conn)) {
	conn := newConn(c, writeTimeout)
	defer conn.Finish()
	run(conn)
}
