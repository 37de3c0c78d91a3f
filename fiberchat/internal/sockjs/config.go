package sockjs

import (
	"log/slog"
	"time"

	"github.com/gofiber/fiber/v2"

	"fiberchat.example/middleware/origins"
)

// The client library that iframe*.html loads unless Config names another one:
// one exact version, and the hash of its very bytes.
const (
	defaultClientURL       = "https://cdn.jsdelivr.net/npm/sockjs-client@1.6.1/dist/sockjs.min.js"
	defaultClientIntegrity = "sha384-svdnwiXBL+Js+yUneJSRFy24NgGiOfDM/vkQl/vCeVrcbYD6yW8EwPr1FnxTEZsR"
)

// Config says who may connect, what serves a session, and how much of
// everything there may be.
type Config struct {
	// Key names the signed-in user of a request. Sessions are known by Key
	// and session id, so that a stranger's request never reaches one.
	// Required.
	Key func(c *fiber.Ctx) string

	// Credential names what the request came in with, where its session is to
	// be reached with that alone. Optional. Default: any of the user's will do.
	Credential func(c *fiber.Ctx) string

	// Open is called within the request that makes a session and returns the
	// function that serves it, which returns when the session is over, or nil
	// once it has answered the request itself: then there is no session.
	// Nothing of c may be kept, and nothing may be held open in between: the
	// function is not called when the client is gone before the upgrade of a
	// WebSocket is done. Required.
	Open func(c *fiber.Ctx) func(conn Conn)

	// Raw serves {prefix}/websocket, the WebSocket without SockJS framing.
	// Optional. Default: the path answers 404.
	Raw fiber.Handler

	// Subprotocols are those of WebSocket that the websocket transport chooses
	// from, the best first. Optional. Default: it chooses none.
	Subprotocols []string

	// AllowOrigins lists the origins whose pages may connect, as browsers
	// send them ("https://example.org") or with a * for all sub-domains
	// ("https://*.example.org"), or "*" for any. The server's own is always allowed.
	// A page with Referrer-Policy no-referrer sends its jsonp forms as "null".
	// Optional. Default: any.
	AllowOrigins []string

	// ClientURL is the sockjs-client library that iframe*.html loads. It
	// runs with the rights of this origin, so name an exact version; the
	// browser refuses it if it does not match ClientIntegrity. Pages of another
	// version of the library cannot use the iframe.
	// Optional. Default: sockjs-client 1.6.1 from cdn.jsdelivr.net and its hash.
	ClientURL, ClientIntegrity string

	// DisableWebSocket turns both WebSocket transports off and says so in info.
	DisableWebSocket bool

	// JSessionID sets the JSESSIONID cookie on every session URL, for load
	// balancers that stick to it, and says so in info.
	JSessionID bool

	// HeartBeat is how long a receiver stays silent before an h frame.
	// Optional. Default: 25 s.
	HeartBeat time.Duration

	// DisconnectDelay is how long a session lives without a receiver, and how
	// long a closed one is remembered. Optional. Default: 5 s.
	DisconnectDelay time.Duration

	// WriteTimeout is how long a write to a client may make no progress, and
	// how long a sender waits for space. Optional. Default: 30 s.
	WriteTimeout time.Duration

	// StreamLimit is how many bytes a streaming response carries before the
	// client must make a new one and free the old. Optional. Default: 128 KiB.
	StreamLimit int

	// MaxInbound is how many bytes may wait to be read in one session, and
	// the size of the largest request body (over it: 413) or WebSocket message
	// (over it: c[1009,...]). A sender waits for space, WriteTimeout at most (then: 503).
	// Clients put all that waited for one request into the next, so it is to
	// be much larger than a message. Optional. Default: 1 MiB.
	MaxInbound int

	// MaxOutbound is how many bytes may wait in one session for the client
	// to fetch them; WriteMessages waits for space. One message may be larger.
	// Optional. Default: 128 KiB.
	MaxOutbound int

	// MaxSessionsPerUser and MaxSessions count sessions, those closed but
	// still remembered included. Over them a client gets c[1013,...].
	// Optional. Default: 64 and 65536.
	MaxSessionsPerUser, MaxSessions int

	// Logger gets what went wrong on this side. Optional. Default: slog.Default().
	Logger *slog.Logger
}

func (cfg Config) withDefaults() Config {
	if cfg.Key == nil || cfg.Open == nil {
		panic("sockjs: Config needs Key and Open")
	}
	if cfg.Credential == nil {
		cfg.Credential = func(*fiber.Ctx) string { return "" }
	}
	if cfg.ClientURL == "" {
		cfg.ClientURL, cfg.ClientIntegrity = defaultClientURL, defaultClientIntegrity
	}
	if cfg.HeartBeat <= 0 {
		cfg.HeartBeat = 25 * time.Second
	}
	if cfg.DisconnectDelay <= 0 {
		cfg.DisconnectDelay = 5 * time.Second
	}
	if cfg.WriteTimeout <= 0 {
		cfg.WriteTimeout = 30 * time.Second
	}
	if cfg.StreamLimit <= 0 {
		cfg.StreamLimit = 128 << 10
	}
	if cfg.MaxInbound <= 0 {
		cfg.MaxInbound = 1 << 20
	}
	if cfg.MaxOutbound <= 0 {
		cfg.MaxOutbound = 128 << 10
	}
	if cfg.MaxSessionsPerUser <= 0 {
		cfg.MaxSessionsPerUser = 64
	}
	if cfg.MaxSessions <= 0 {
		cfg.MaxSessions = 1 << 16
	}
	if cfg.Logger == nil {
		cfg.Logger = slog.Default()
	}
	allowed, err := origins.Parse(cfg.AllowOrigins)
	if err != nil {
		panic("sockjs: Config.AllowOrigins: " + err.Error())
	}
	cfg.AllowOrigins = allowed
	return cfg
}
