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
	"encoding/base64"
	"fmt"
	"net"
	"slices"
	"strings"
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
	// Refuse answers a request that is no handshake. Default: 426, or 400
	// where the key is wrong, and what is amiss.
	Refuse fiber.Handler
}

// New returns a handler that upgrades a request. open is called within the
// request and returns the function that serves its connection, or nil once it
// has answered the request itself; nothing of c may be kept.
func New(cfg Config, open func(c *fiber.Ctx) func(*Conn)) fiber.Handler {
	handshake := websocket.FastHTTPUpgrader{
		Subprotocols: cfg.Subprotocols,
		CheckOrigin:  func(*fasthttp.RequestCtx) bool { return true }, // the caller has
		Error:        func(*fasthttp.RequestCtx, int, error) {},       // the handler returns it
	}
	return func(c *fiber.Ctx) error {
		ctx := c.Context()
		if fault := checkHandshake(ctx); fault != nil {
			c.Set(fiber.HeaderSecWebSocketVersion, version)
			if cfg.Refuse != nil {
				return cfg.Refuse(c)
			}
			if fault.Code == fiber.StatusUpgradeRequired {
				c.Set(fiber.HeaderConnection, fiber.HeaderUpgrade)
				c.Set(fiber.HeaderUpgrade, "websocket")
			}
			return fault
		}
		simplify(&ctx.Request.Header)
		run := open(c)
		if run == nil {
			return nil
		}
		if err := handshake.Upgrade(ctx, nil); err != nil {
			return fmt.Errorf("upgrade: %w", err)
		}
		// In place of the library's own connection. A panic ends the process,
		// so that a bug of ours is seen: run recovers what may panic.
		ctx.Hijack(func(conn net.Conn) { Serve(conn, cfg.WriteTimeout, run) })
		return nil
	}
}

const version = "13" // of WebSocket: there is no other

// checkHandshake says what RFC 6455, 4.2.1, finds wrong with a request, or
// returns nil. The library lets most of it pass.
func checkHandshake(ctx *fasthttp.RequestCtx) *fiber.Error {
	h := &ctx.Request.Header
	switch {
	case !ctx.IsGet(), !h.IsHTTP11(), !lists(h, fiber.HeaderConnection, "upgrade"), !lists(h, fiber.HeaderUpgrade, "websocket"),
		h.ConnectionClose(): // which fasthttp heeds whatever the answer is
		return fiber.NewError(fiber.StatusUpgradeRequired, "this address speaks WebSocket only")
	case single(h, fiber.HeaderSecWebSocketVersion) != version:
		return fiber.NewError(fiber.StatusUpgradeRequired, "Sec-WebSocket-Version must be "+version)
	}
	if key, err := base64.StdEncoding.DecodeString(single(h, fiber.HeaderSecWebSocketKey)); err != nil || len(key) != 16 {
		return fiber.NewError(fiber.StatusBadRequest, "Sec-WebSocket-Key must be 16 octets in base64")
	}
	return nil
}

// lists reports whether an element of the list in these lines is token.
func lists(h *fasthttp.RequestHeader, name, token string) bool {
	return slices.ContainsFunc(h.PeekAll(name), func(line []byte) bool {
		for element := range bytes.SplitSeq(line, []byte(",")) {
			if strings.EqualFold(string(bytes.TrimSpace(element)), token) {
				return true
			}
		}
		return false
	})
}

// single returns the value of a header that is there once.
func single(h *fasthttp.RequestHeader, name string) string {
	if lines := h.PeekAll(name); len(lines) == 1 {
		return string(lines[0])
	}
	return ""
}

// simplify leaves of the lists what the library looks for where it looks, which
// is the first line and not behind an element that it does not know.
func simplify(h *fasthttp.RequestHeader) {
	h.Set(fiber.HeaderConnection, fiber.HeaderUpgrade)
	h.Set(fiber.HeaderUpgrade, "websocket")
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
