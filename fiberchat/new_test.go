package fiberchat_test

import (
	"context"
	"net/http"
	"net/http/httptest"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/gofiber/fiber/v2"

	"fiberchat.example/fiberchat"
	"fiberchat.example/fiberchat/chat"
	"fiberchat.example/fiberchat/storetest"
	"fiberchat.example/sqlstore"
)

func TestNewRefuses(t *testing.T) {
	t.Parallel()
	p := newPeople("alice")
	store := storetest.NewMemory()
	with := func(cfg fiberchat.Config) fiberchat.Config {
		cfg.Store, cfg.Authenticator, cfg.Directory = store, p, p
		return cfg
	}
	for _, c := range []struct {
		names string // what the error must name
		cfg   fiberchat.Config
	}{
		{"Directory", fiberchat.Config{Store: store, Authenticator: p}},
		{"Directory", fiberchat.Config{Authenticator: p}},
		{"Authenticator", fiberchat.Config{Store: store}},
		{"Authenticator", fiberchat.Config{Store: store, Directory: p}},
		{"Limits.Content", with(fiberchat.Config{Limits: fiberchat.Limits{Content: -1}})},
		{"Limits.Frame", with(fiberchat.Config{Limits: fiberchat.Limits{Frame: -1}})},
		{"Limits.Headers", with(fiberchat.Config{Limits: fiberchat.Limits{Headers: -1}})},
		{"Limits.HeaderBytes", with(fiberchat.Config{Limits: fiberchat.Limits{HeaderBytes: -1}})},
		{"Limits.Subscriptions", with(fiberchat.Config{Limits: fiberchat.Limits{Subscriptions: -1}})},
		{"Timeouts.Write", with(fiberchat.Config{Timeouts: fiberchat.Timeouts{Write: -1}})},
		{"SockJS.DisconnectDelay", with(fiberchat.Config{SockJS: fiberchat.SockJS{DisconnectDelay: -1}})},
		{"Limits.Queued", with(fiberchat.Config{Limits: fiberchat.Limits{Queued: -1}})},
		{"Timeouts.Connect", with(fiberchat.Config{Timeouts: fiberchat.Timeouts{Connect: -1}})},
		{"Timeouts.Ping", with(fiberchat.Config{Timeouts: fiberchat.Timeouts{Ping: -1}})},
		{"Timeouts.Store", with(fiberchat.Config{Timeouts: fiberchat.Timeouts{Store: -time.Second}})},
		{"Limits.Frame", with(fiberchat.Config{Limits: fiberchat.Limits{Content: 48 << 10, Frame: 296<<10 - 1}})},
		{"Limits.Queued", with(fiberchat.Config{Limits: fiberchat.Limits{Queued: 1000}})},
		{`AllowOrigins: "chat.example.com" matches no origin: want scheme://host`, with(fiberchat.Config{AllowOrigins: []string{"https://good.example", "chat.example.com"}})},
	} {
		app := newApp()
		ch, err := fiberchat.New(app, c.cfg)
		if err == nil {
			t.Errorf("%+v was taken", c.cfg)
			_ = ch.Close(context.Background())
			continue
		}
		if ch != nil || !strings.Contains(err.Error(), c.names) || !strings.HasPrefix(err.Error(), "fiberchat: ") {
			t.Errorf("%v, %v: does not name %s", ch, err, c.names)
		}
		if app.HandlersCount() != 0 {
			t.Error("routes were left behind")
		}
	}
	if _, err := sqlstore.Open(filepath.Join(t.TempDir(), "none", "chat.db")); err == nil {
		t.Error("a store in no folder was opened")
	}
}

// TestOff: what can be off takes -1, and content larger than the default needs
// nothing else.
func TestOff(t *testing.T) {
	t.Parallel()
	cfg, _ := configFor(t, fiberchat.Config{
		HeartBeat: -1,
		Limits:    fiberchat.Limits{Content: 1 << 20, UserSessions: -1, Sessions: -1, Pending: -1, SendRate: -1, SendBytes: -1},
	})
	app := newApp()
	if _, err := fiberchat.New(app, cfg); err != nil {
		t.Fatal(err)
	}
	addr := listen(t, app)
	var all []*client
	for range 20 { // more than 16
		all = append(all, online(t, addr, "bob"))
	}
	a := online(t, addr, "alice")
	a.tell("m", 2, strings.Repeat("x", 1<<20))
	for _, b := range all {
		b.message("/user/bob/recive")
	}
}

func TestNewRefusesPrefork(t *testing.T) {
	cfg, _ := configFor(t, fiberchat.Config{})
	app := fiber.New(fiber.Config{Prefork: true, DisableStartupMessage: true})
	if _, err := fiberchat.New(app, cfg); err == nil || !strings.Contains(err.Error(), "Prefork") {
		t.Error("on a preforking app:", err)
	}
	if _, err := fiberchat.New(app.Group("/chat"), cfg); err == nil || !strings.Contains(err.Error(), "Prefork") {
		t.Error("on its group:", err)
	}
	t.Setenv("FIBER_PREFORK_CHILD", "1")
	if _, err := fiberchat.New(newApp().Group("/chat"), cfg); err == nil || !strings.Contains(err.Error(), "Prefork") {
		t.Error("in a group, in a child:", err)
	}
}

// TestNewWithoutConfig keeps all in fiberchat.db, which Close closes.
func TestNewWithoutConfig(t *testing.T) {
	t.Chdir(t.TempDir())
	ctx := context.Background()
	app := newApp()
	ch, err := fiberchat.New(app)
	if err != nil {
		t.Fatal(err)
	}
	addr := listen(t, app)
	accounts, err := sqlstore.Open("fiberchat.db") // as the app's REST would
	if err != nil {
		t.Fatal(err)
	}
	tokens := make(map[string]string)
	for _, name := range []string{"wususu", "liaojiekx"} {
		if _, err := accounts.CreateUser(ctx, name, name, "a long password"); err != nil {
			t.Fatal(err)
		}
		in, err := accounts.SignIn(ctx, name, "a long password")
		if err != nil {
			t.Fatal(err)
		}
		tokens[name] = in.Token
	}
	a, b := connect(t, addr, tokens["wususu"]), connect(t, addr, tokens["liaojiekx"])
	a.subscribe(sendStatus)
	b.subscribe("/user/liaojiekx/recive")
	a.tell("m1", 2, "起来聊天")
	if got := b.message("/user/liaojiekx/recive").message(t); got.SenderName != "wususu" || got.SenderID != 1 {
		t.Error(got)
	}
	id, err := accounts.SignOut(ctx, tokens["wususu"])
	if err != nil {
		t.Fatal(err)
	}
	ch.Revoke(id)
	a.fails("token-expired", 1008)
	b.nothing()
	if err := ch.Close(ctx); err != nil {
		t.Error(err)
	}
	if err := accounts.Close(); err != nil {
		t.Error(err)
	}
}

// mounts are the ways to put chat below a prefix.
var mounts = []struct {
	name, prefix string
	router       func(app *fiber.App) fiber.Router
}{
	{"app", "", func(app *fiber.App) fiber.Router { return app }},
	{"group", "/chat", func(app *fiber.App) fiber.Router { return app.Group("/chat") }},
	{"group with a slash", "/chat", func(app *fiber.App) fiber.Router { return app.Group("/chat/") }},
	{"group in a group", "/api/v1", func(app *fiber.App) fiber.Router { return app.Group("/api").Group("/v1") }},
	{"group with a parameter", "/rooms/7", func(app *fiber.App) fiber.Router { return app.Group("/rooms/:room") }},
	{"mounted app", "/sub", func(app *fiber.App) fiber.Router {
		sub := newApp()
		app.Mount("/sub", sub)
		return sub
	}},
	{"group of a mounted app", "/sub/chat", func(app *fiber.App) fiber.Router {
		sub := newApp()
		app.Mount("/sub", sub)
		return sub.Group("/chat")
	}},
}

func TestMounts(t *testing.T) {
	t.Parallel()
	for _, m := range mounts {
		t.Run(m.name, func(t *testing.T) {
			t.Parallel()
			cfg, _ := configFor(t, fiberchat.Config{})
			app := newApp()
			ch, err := fiberchat.New(m.router(app), cfg)
			if err != nil {
				t.Fatal(err)
			}
			addr := listen(t, app)
			t.Cleanup(func() {
				if err := ch.Close(context.Background()); err != nil {
					t.Error(err)
				}
			})
			for i, d := range []door{native, sockws, xhr} {
				l, err := d.open(addr, m.prefix, "t-alice")
				if err != nil {
					t.Fatal(d, err)
				}
				a := newClient(t, l)
				a.hello()
				a.subscribe(sendStatus)
				a.tell("m", 2, "x")
				if _, err := d.open(addr, m.prefix, "bad"); err == nil {
					t.Error(d, "let a bad token in", i)
				}
			}
			if resp, _ := get(t, addr, m.prefix+"/socketServer/info?srect=t-alice", ""); resp.StatusCode != http.StatusOK {
				t.Error("info:", resp.Status)
			}
			if resp, _ := get(t, addr, m.prefix+"/elsewhere", ""); resp.StatusCode != http.StatusNotFound {
				t.Error("elsewhere:", resp.Status)
			}
		})
	}
}

// TestNewOnWhatIsTaken: a second chat that nobody could reach is refused, and
// so is no router at all.
func TestNewOnWhatIsTaken(t *testing.T) {
	t.Parallel()
	for _, m := range mounts {
		app := newApp()
		router := m.router(app)
		for i, again := range []fiber.Router{router, router, router.Group("/")} {
			cfg, _ := configFor(t, fiberchat.Config{Store: storetest.NewMemory()})
			ch, err := fiberchat.New(again, cfg)
			if i == 0 {
				if err != nil {
					t.Fatal(err)
				}
				t.Cleanup(func() { _ = ch.Close(context.Background()) })
			} else if err == nil || !strings.Contains(err.Error(), "/client is taken") {
				t.Errorf("%s: a second chat: %v", m.name, err)
			}
		}
	}
	for _, nothing := range []fiber.Router{nil, (*fiber.App)(nil), (*fiber.Group)(nil)} {
		if _, err := fiberchat.New(nothing); err == nil || !strings.Contains(err.Error(), "needs an app") {
			t.Errorf("New(%#v): %v", nothing, err)
		}
	}
	app := newApp() // what stands before a door takes nothing
	app.Use("/client", func(c *fiber.Ctx) error { return c.Next() })
	cfg, _ := configFor(t, fiberchat.Config{Store: storetest.NewMemory()})
	ch, err := fiberchat.New(app, cfg)
	if err != nil {
		t.Fatal(err)
	}
	if err := ch.Close(context.Background()); err != nil {
		t.Error(err)
	}
}

// TestReadBufferSize: a warning, once, where long tokens and cookies will not
// fit, by the app that listens.
func TestReadBufferSize(t *testing.T) {
	t.Parallel()
	const large = 16 << 10
	for sizes, want := range map[[2]int]int{{0, 0}: 2, {0, large}: 1, {large, 4096}: 1, {large, large}: 0, {8 << 10, 8 << 10}: 0} {
		cfg, logs := configFor(t, fiberchat.Config{Store: storetest.NewMemory()})
		app := fiber.New(fiber.Config{DisableStartupMessage: true, ReadBufferSize: sizes[1]})
		sub := fiber.New(fiber.Config{DisableStartupMessage: true, ReadBufferSize: sizes[0]})
		if _, err := fiberchat.New(sub.Group("/"), cfg); err != nil {
			t.Fatal(err)
		}
		if warned := strings.Contains(logs.String(), "16 << 10"); warned != (sizes[0] < 8<<10) {
			t.Errorf("ReadBufferSize %d: New warned %v", sizes[0], warned)
		}
		app.Mount("/sub", sub)
		addr := listen(t, app)
		for range 3 {
			get(t, addr, "/sub/client", "")
		}
		if got := strings.Count(logs.String(), "level=WARN"); got != want {
			t.Errorf("ReadBufferSize %d: %d warnings, want %d", sizes, got, want)
		}
	}
}

// TestTwoChatsInOneApp do not know each other.
func TestTwoChatsInOneApp(t *testing.T) {
	t.Parallel()
	app := newApp()
	for _, prefix := range []string{"/one", "/two"} {
		cfg, _ := configFor(t, fiberchat.Config{})
		if _, err := fiberchat.New(app.Group(prefix), cfg); err != nil {
			t.Fatal(err)
		}
	}
	addr := listen(t, app)
	open := func(prefix, name string) *client {
		l, err := native.open(addr, prefix, "t-"+name)
		if err != nil {
			t.Fatal(err)
		}
		c := newClient(t, l)
		c.hello()
		c.subscribe("/user/" + name + "/recive")
		c.subscribe(sendStatus)
		return c
	}
	a, b1, b2 := open("/one", "alice"), open("/one", "bob"), open("/two", "bob")
	a.tell("m1", 2, "x")
	b1.message("/user/bob/recive")
	b2.nothing()
}

// TestWithoutServer: app.Test has no server behind it.
func TestWithoutServer(t *testing.T) {
	t.Parallel()
	cfg, _ := configFor(t, fiberchat.Config{})
	app := newApp()
	ch, err := fiberchat.New(app, cfg)
	if err != nil {
		t.Fatal(err)
	}
	for path, want := range map[string]int{
		"/client": 401, "/client?srect=t-alice": 426, "/socketServer/info?srect=t-alice": 200, "/socketServer": 200, "/clients": 404, "/socketServerx": 404,
	} {
		resp, err := app.Test(httptest.NewRequest(http.MethodGet, path, nil))
		if err != nil {
			t.Fatal(err)
		}
		_ = resp.Body.Close()
		if resp.StatusCode != want {
			t.Errorf("%s: %s, want %d", path, resp.Status, want)
		}
	}
	if err := ch.Close(context.Background()); err != nil {
		t.Error(err)
	}
}

// TestStoreInAllRoles: a store that checks tokens and knows users is enough.
func TestStoreInAllRoles(t *testing.T) {
	t.Parallel()
	p := newPeople("alice", "bob")
	type all struct {
		chat.Store
		chat.Authenticator
		chat.Directory
	}
	app := newApp()
	if _, err := fiberchat.New(app, fiberchat.Config{Store: all{storetest.NewMemory(), p, p}}); err != nil {
		t.Fatal(err)
	}
	addr := listen(t, app)
	a, b := online(t, addr, "alice"), online(t, addr, "bob")
	a.tell("m1", 2, "x")
	b.message("/user/bob/recive")
}
