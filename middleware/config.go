package middleware

import (
	"log/slog"
	"strings"
	"time"

	"fiberchat.example/fiberchat/chat"
	"github.com/gofiber/fiber/v2"
)

const (
	defaultQuery      = "srect"
	defaultContextKey = "fiberchat.identity"
	defaultTimeout    = 5 * time.Second
)

// Config of New.
type Config struct {
	// Next skips the check (and the masking) when it returns true.
	//
	// Optional. Default: nil
	Next func(c *fiber.Ctx) bool

	// Authenticator turns the token into an identity. An error other than
	// chat.ErrUnauthorized and chat.ErrExpired, a panic, and an identity
	// without a user id from 1 to chat.MaxUserID mean that it could not find
	// out.
	//
	// Required.
	Authenticator chat.Authenticator

	// Query is the name of the query parameter that holds the token.
	//
	// Optional. Default: "srect"
	Query string

	// Header is the request header that holds the token where the query holds
	// none, for clients that can set one; browsers cannot for a WebSocket or an
	// EventSource. "Authorization" takes the scheme Bearer alone, in any case;
	// of any other the whole value is the token. A cookie is never looked at:
	// "Cookie" makes New panic.
	//
	// Optional. Default: "", no header is looked at
	Header string

	// ContextKey is where the chat.Identity is put in c.Locals. It is a
	// string because Locals under any other key are lost in a WebSocket
	// upgrade.
	//
	// Optional. Default: "fiberchat.identity"
	ContextKey string

	// AllowOrigins lists the origins, such as "https://example.com" or, for all
	// sub-domains, "https://*.example.com", whose pages may read a refusal; "*"
	// is any.
	//
	// Optional. Default: nil, which means any
	AllowOrigins []string

	// Timeout ends the context that Authenticator gets.
	//
	// Optional. Default: 5 seconds
	Timeout time.Duration

	// Logger gets an Error when Authenticator fails; never a token.
	//
	// Optional. Default: slog.Default()
	Logger *slog.Logger

	// SuccessHandler runs when the token is good.
	//
	// Optional. Default: c.Next()
	SuccessHandler fiber.Handler

	// ErrorHandler answers a refused request. err is chat.ErrUnauthorized or
	// chat.ErrExpired (errors.Is tells), or else why Authenticator failed,
	// which is not meant for clients. The CORS headers are set already.
	//
	// Optional. Default: HTTP 401 or 503 with a JSON body, see the package's text
	ErrorHandler fiber.ErrorHandler
}

func configDefault(config ...Config) Config {
	var cfg Config
	if len(config) > 0 {
		cfg = config[0]
	}
	if cfg.Authenticator == nil {
		panic("middleware: Config.Authenticator is required")
	}
	if cfg.Query == "" {
		cfg.Query = defaultQuery
	}
	if strings.EqualFold(cfg.Header, fiber.HeaderCookie) {
		panic("middleware: Config.Header: a cookie is sent by foreign pages too, and is no token")
	}
	if cfg.ContextKey == "" {
		cfg.ContextKey = defaultContextKey
	}
	if cfg.Timeout <= 0 {
		cfg.Timeout = defaultTimeout
	}
	if cfg.SuccessHandler == nil {
		cfg.SuccessHandler = func(c *fiber.Ctx) error { return c.Next() }
	}
	if cfg.ErrorHandler == nil {
		cfg.ErrorHandler = refuse
	}
	if cfg.Logger == nil {
		cfg.Logger = slog.Default()
	}
	return cfg
}
