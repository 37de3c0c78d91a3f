package main

import (
	"cmp"
	"errors"
	"net/url"
	"strconv"
	"strings"

	"fiberchat.example/fiberchat"
	"fiberchat.example/fiberchat/chat"
	"fiberchat.example/sqlstore"
	"github.com/gofiber/fiber/v2"
	"golang.org/x/text/unicode/norm"
)

// accounts is the REST side of sqlstore's users.
type accounts struct {
	store  *sqlstore.Store
	chats  *fiberchat.Chat
	limits limits
}

func mountAccounts(site fiber.Router, store *sqlstore.Store, chats *fiberchat.Chat, limits limits) {
	a := accounts{store, chats, limits}
	api := site.Group("/api")
	api.Post("/user/create", rest(a.create))
	api.Post("/user/login", rest(a.login))
	api.Post("/user/logout", rest(a.logout))
	// Get would answer HEAD too, with all the work and nothing to show for it.
	get := func(path string, endpoint func(*fiber.Ctx) (any, error)) {
		api.Add(fiber.MethodGet, path, rest(endpoint))
	}
	get("/user/me", a.me)
	get("/user/profile/:uname", a.profile)
	get("/user/list", a.list)
	get("/chat/history", a.history)
	api.Use(rest(func(*fiber.Ctx) (any, error) { return nil, errNoEndpoint }))
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
	if norm.NFKC.String(in.Rpasswd) != norm.NFKC.String(in.Passwd) { // the form that counts
		return nil, errMismatch
	}
	from := addressOf(c)
	if err := cmp.Or(a.limits.failures.check(from), a.limits.signUps.check(from)); err != nil {
		return nil, err
	}
	leave, err := a.limits.crowds.enter(from)
	if err != nil {
		return nil, err
	}
	defer leave()
	account, err := a.store.CreateUser(c.UserContext(), in.Uname, in.Nname, in.Passwd)
	if errors.Is(err, sqlstore.ErrNameTaken) {
		a.limits.failures.count(from)
	}
	if err != nil {
		return nil, err
	}
	a.limits.signUps.count(from)
	return userOf(account), nil
}

func (a accounts) login(c *fiber.Ctx) (any, error) {
	in, err := readCredentials(c)
	if err != nil {
		return nil, err
	}
	from := addressOf(c)
	name := hashed(sqlstore.NameKey(in.Uname))
	guess := hashed(from, name)
	if err := cmp.Or(a.limits.failures.check(from), a.limits.guesses.check(guess), a.limits.signIns.check(name)); err != nil {
		return nil, err
	}
	leave, err := a.limits.crowds.enter(from)
	if err != nil {
		return nil, err
	}
	defer leave()
	s, err := a.store.SignIn(c.UserContext(), in.Uname, in.Passwd)
	if errors.Is(err, sqlstore.ErrWrongPassword) {
		a.limits.failures.count(from)
		a.limits.guesses.count(guess)
	}
	if err != nil {
		return nil, err
	}
	a.limits.signIns.count(name)
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
	if err != nil {
		return chat.User{}, err
	}
	who := strconv.FormatInt(identity.User.ID, 10)
	if err := a.limits.requests.check(who); err != nil {
		return chat.User{}, err
	}
	a.limits.requests.count(who)
	return identity.User, nil
}
