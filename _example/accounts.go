package main

import (
	"context"
	"crypto/sha256"
	"errors"
	"net/url"
	"strings"
	"time"

	"fiberchat.example/fiberchat"
	"fiberchat.example/fiberchat/chat"
	"fiberchat.example/sqlstore"
	"github.com/gofiber/fiber/v2"
	"github.com/gofiber/fiber/v2/middleware/healthcheck"
	"github.com/gofiber/fiber/v2/middleware/limiter"
)

// accounts is the REST side of sqlstore's users.
type accounts struct {
	store *sqlstore.Store
	chats *fiberchat.Chat
}

func mountAccounts(site fiber.Router, store *sqlstore.Store, chats *fiberchat.Chat, limited bool) {
	a := accounts{store, chats}
	api := site.Group("/api")
	api.Post("/user/create", rest(a.create))
	if limited {
		api.Post("/user/login", limitSignIns(60, func(c *fiber.Ctx) string { return c.IP() }))
		api.Post("/user/login", limitSignIns(10, addressAndName))
	}
	api.Post("/user/login", rest(a.login))
	api.Post("/user/logout", rest(a.logout))
	api.Get("/user/me", rest(a.me))
	api.Get("/user/profile/:uname", rest(a.profile))
	api.Get("/user/list", rest(a.list))
	api.Get("/chat/history", rest(a.history))
	api.Use(rest(func(*fiber.Ctx) (any, error) { return nil, errNoEndpoint }))
}

// credentials are read from JSON and forms alike.
type credentials struct {
	Uname   string `json:"uname" form:"uname"`
	Nname   string `json:"nname" form:"nname"`
	Passwd  string `json:"passwd" form:"passwd"`
	Rpasswd string `json:"rpasswd" form:"rpasswd"`
}

func readCredentials(c *fiber.Ctx) (credentials, error) {
	var in credentials
	// Fiber would unpack the body, whatever size that makes of it.
	c.Request().Header.Del(fiber.HeaderContentEncoding)
	if err := c.BodyParser(&in); err != nil {
		return in, errBody
	}
	if in.Uname == "" {
		return in, missing("uname")
	}
	if in.Passwd == "" {
		return in, missing("passwd")
	}
	return in, nil
}

// user is an account as clients see it. Times are milliseconds since 1970.
type user struct {
	UID       int64  `json:"uid"`
	Uname     string `json:"uname"`
	Nname     string `json:"nname"`
	TmCreated int64  `json:"tmCreated"`
}

func userOf(a sqlstore.Account) user {
	return user{a.ID, a.Name, a.DisplayName, a.CreatedAt.UnixMilli()}
}

func (a accounts) create(c *fiber.Ctx) (any, error) {
	in, err := readCredentials(c)
	if err != nil {
		return nil, err
	}
	if in.Rpasswd == "" {
		return nil, missing("rpasswd")
	}
	if in.Rpasswd != in.Passwd {
		return nil, errMismatch
	}
	account, err := a.store.CreateUser(c.UserContext(), in.Uname, in.Nname, in.Passwd)
	if err != nil {
		return nil, err
	}
	return userOf(account), nil
}

func (a accounts) login(c *fiber.Ctx) (any, error) {
	in, err := readCredentials(c)
	if err != nil {
		return nil, err
	}
	s, err := a.store.SignIn(c.UserContext(), in.Uname, in.Passwd)
	if err != nil {
		return nil, err
	}
	return struct {
		Secret   string `json:"secret"`
		User     user   `json:"user"`
		TmCreate int64  `json:"tmCreate"`
		TmExpire int64  `json:"tmExpire"`
	}{s.Token, userOf(s.Account), s.CreatedAt.UnixMilli(), s.ExpiresAt.UnixMilli()}, nil
}

func (a accounts) logout(c *fiber.Ctx) (any, error) {
	if _, err := a.signedIn(c); err != nil {
		return nil, err
	}
	id, err := a.store.SignOut(c.UserContext(), bearer(c))
	if err != nil {
		return nil, err
	}
	a.chats.Revoke(id) // its chat sessions end with it
	return nil, nil
}

func (a accounts) me(c *fiber.Ctx) (any, error) {
	me, err := a.signedIn(c)
	if err != nil {
		return nil, err
	}
	account, err := a.store.AccountByName(c.UserContext(), me.Name)
	if err != nil {
		return nil, err
	}
	return userOf(account), nil
}

func (a accounts) profile(c *fiber.Ctx) (any, error) {
	if _, err := a.signedIn(c); err != nil {
		return nil, err
	}
	name, err := url.PathUnescape(c.Params("uname"))
	if err != nil {
		return nil, bad("uname", "a name, escaped as in URLs")
	}
	account, err := a.store.AccountByName(c.UserContext(), name)
	if err != nil {
		return nil, err
	}
	return userOf(account), nil
}

func (a accounts) list(c *fiber.Ctx) (any, error) {
	if _, err := a.signedIn(c); err != nil {
		return nil, err
	}
	after, err := number(c, "after", 0)
	if err != nil {
		return nil, err
	}
	limit, err := number(c, "limit", 100)
	if err != nil {
		return nil, err
	}
	found, err := a.store.Accounts(c.UserContext(), after, int(min(limit, 500)))
	if err != nil {
		return nil, err
	}
	users := make([]user, len(found))
	for i, account := range found {
		users[i] = userOf(account)
	}
	return users, nil
}

// bearer returns the token of the Authorization header, or "".
func bearer(c *fiber.Ctx) string {
	scheme, token, _ := strings.Cut(c.Get(fiber.HeaderAuthorization), " ")
	if !strings.EqualFold(scheme, "Bearer") {
		return ""
	}
	return token
}

func (a accounts) signedIn(c *fiber.Ctx) (chat.User, error) {
	identity, err := a.store.Authenticate(c.UserContext(), bearer(c))
	return identity.User, err
}

// limitSignIns lets so many attempts a minute fail for each key.
func limitSignIns(failures int, key func(*fiber.Ctx) string) fiber.Handler {
	return limiter.New(limiter.Config{
		Max:                    failures,
		Expiration:             time.Minute,
		KeyGenerator:           key,
		SkipSuccessfulRequests: true,
		LimitReached:           rest(func(*fiber.Ctx) (any, error) { return nil, errManySignIns }),
	})
}

// addressAndName goes by both, so that nobody can lock another's name. It is
// a hash because the limiter keeps it, and a name that fails may be long.
func addressAndName(c *fiber.Ctx) string {
	in, _ := readCredentials(c) // one that cannot be read counts as nameless
	sum := sha256.Sum256([]byte(c.IP() + " " + sqlstore.NameKey(in.Uname)))
	return string(sum[:])
}

// ready is the readiness probe: not while draining, and only with a database
// that answers.
func ready(running context.Context, store *sqlstore.Store) healthcheck.HealthChecker {
	return func(*fiber.Ctx) bool {
		ctx, cancel := context.WithTimeout(running, time.Second)
		defer cancel()
		_, err := store.UserByID(ctx, 0)
		return errors.Is(err, chat.ErrNotFound)
	}
}
