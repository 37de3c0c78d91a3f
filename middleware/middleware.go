package middleware

import (
	"context"
	"errors"
	"fmt"
	"net/url"
	"runtime/debug"
	"strings"

	"fiberchat.example/fiberchat/chat"
	"fiberchat.example/middleware/origins"
	"github.com/gofiber/fiber/v2"
)

// maxToken bounds what an Authenticator has to look at; a signed token of a
// foreign issuer (a JWT) can have some KiB, nothing real has more.
const maxToken = 4096

// New returns a handler that lets a request pass when its query, or
// Config.Header, holds a valid token, and answers it otherwise. It panics when Authenticator is missing,
// Header is Cookie, or an entry of AllowOrigins matches no origin.
func New(config ...Config) fiber.Handler {
	cfg := configDefault(config...)
	allowed, err := origins.Parse(cfg.AllowOrigins)
	if err != nil {
		panic("middleware: Config.AllowOrigins: " + err.Error())
	}

	return func(c *fiber.Ctx) error {
		if cfg.Next != nil && cfg.Next(c) {
			return c.Next()
		}

		// A copy: the request's memory is masked below and used again later,
		// and an Authenticator may keep what it was given.
		token := strings.Clone(c.Query(cfg.Query))
		inHeader := token == "" && cfg.Header != ""
		if inHeader {
			token = strings.Clone(headerToken(c, cfg.Header))
		}
		identity, err := authenticate(c.UserContext(), &cfg, token)
		mask(c.Request(), cfg.Query)
		if inHeader {
			maskHeader(c.Request(), cfg.Header)
		}

		if err != nil {
			allowOrigin(c, allowed)
			return cfg.ErrorHandler(c, err)
		}
		c.Locals(cfg.ContextKey, identity)
		return cfg.SuccessHandler(c)
	}
}

// headerToken returns the token of a request header, "" where it holds none.
func headerToken(c *fiber.Ctx, name string) string {
	value := c.Get(name)
	if !strings.EqualFold(name, fiber.HeaderAuthorization) {
		return value
	}
	scheme, token, _ := strings.Cut(value, " ")
	if !strings.EqualFold(scheme, "Bearer") {
		return ""
	}
	return strings.TrimLeft(token, " ")
}

// Identity returns what the request's token stands for, and the zero Identity
// when no middleware of this package let the request pass. contextKey is
// needed only where Config.ContextKey was set.
func Identity(c *fiber.Ctx, contextKey ...string) chat.Identity {
	key := defaultContextKey
	if len(contextKey) > 0 {
		key = contextKey[0]
	}
	identity, _ := c.Locals(key).(chat.Identity)
	return identity
}

// User returns the signed-in user: Identity's User. Its ID is 0 when no
// middleware of this package let the request pass.
func User(c *fiber.Ctx, contextKey ...string) chat.User {
	return Identity(c, contextKey...).User
}

// withoutToken takes the token out of a text of the app's, which may have put it
// there as it is or in a URL. One of fewer than 8 bytes stays: it is no secret,
// but a piece of many words, and without those the text says nothing.
func withoutToken(text, token string) string {
	if len(token) < 8 {
		return text
	}
	const hidden = "xxxx"
	return strings.NewReplacer(token, hidden, url.QueryEscape(token), hidden, url.PathEscape(token), hidden).Replace(text)
}

// authenticate asks the app's Authenticator, whose failures and panics it
// logs and returns as errors.
func authenticate(ctx context.Context, cfg *Config, token string) (identity chat.Identity, err error) {
	if token == "" || len(token) > maxToken {
		return chat.Identity{}, chat.ErrUnauthorized
	}
	defer func() {
		r := recover()
		if r != nil {
			err = fmt.Errorf("authenticator panicked: %v\n%s", r, debug.Stack())
		}
		if err != nil && !errors.Is(err, chat.ErrUnauthorized) && !errors.Is(err, chat.ErrExpired) {
			cfg.Logger.ErrorContext(ctx, "cannot check a token", "error", withoutToken(err.Error(), token))
		}
	}()
	ctx, cancel := context.WithTimeout(ctx, cfg.Timeout)
	defer cancel()
	identity, err = cfg.Authenticator.Authenticate(ctx, token)
	if id := identity.User.ID; err == nil && (id <= 0 || id > chat.MaxUserID) {
		err = fmt.Errorf("authenticator returned user id %d, want one from 1 to %d", id, chat.MaxUserID)
	}
	return identity, err
}
