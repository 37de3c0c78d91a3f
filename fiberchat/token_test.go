package fiberchat_test

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/gofiber/fiber/v2"
	"github.com/gofiber/fiber/v2/middleware/logger"

	"fiberchat.example/fiberchat"
	"fiberchat.example/fiberchat/chattest"
)

// TestRefusedBeforeAnything: the token is checked first, on every path that
// leads to a session.
func TestRefusedBeforeAnything(t *testing.T) {
	t.Parallel()
	p := newPeople("alice", "bob")
	p.until["t-bob"] = time.Now().Add(-time.Hour)
	s := serve(t, fiberchat.Config{Authenticator: p, Directory: p})
	for _, c := range []struct {
		token string
		code  int
		name  string
	}{
		{"", -200, "Unauthorized"}, {"?srect=", -200, "Unauthorized"}, {"?srect=nonsense", -200, "Unauthorized"},
		{"?srect=" + strings.Repeat("x", 3000), -200, "Unauthorized"}, {"?token=t-alice", -200, "Unauthorized"}, {"?SRECT=t-alice", -200, "Unauthorized"},
		{"?srect=%00", -200, "Unauthorized"}, {"?srect=t-bob", -202, "TokenExpired"},
	} {
		for _, path := range []string{
			"/client", "/socketServer/info", "/socketServer/websocket", "/socketServer/000/abcdefgh/websocket",
			"/socketServer/000/abcdefgh/eventsource", "/socketServer/000/abcdefgh/htmlfile", "/socketServer/000/abcdefgh/jsonp",
		} {
			resp, body := get(t, s.addr, path+c.token, "https://page.example")
			want := fmt.Sprintf(`"code":%d`, c.code)
			if resp.StatusCode != http.StatusUnauthorized || !strings.Contains(body, want) || !strings.Contains(body, `"content":{"error":"`+c.name+`"}`) {
				t.Errorf("%s%.40s: %s %s", path, c.token, resp.Status, body)
			}
			if resp.Header.Get("Access-Control-Allow-Origin") != "https://page.example" {
				t.Error(path, "has no CORS headers:", resp.Header)
			}
		}
	}
	for _, path := range []string{"/socketServer", "/socketServer/", "/socketServer/iframe.html"} {
		if resp, body := get(t, s.addr, path, ""); resp.StatusCode != http.StatusOK {
			t.Error(path, resp.Status, body)
		}
	}
	if _, err := native.open(s.addr, "", "nonsense"); err == nil || !strings.Contains(err.Error(), "401") {
		t.Error("the upgrade gave", err)
	}
	if resp, body := get(t, s.addr, "/client?srect=t-alice", ""); resp.StatusCode != http.StatusUpgradeRequired {
		t.Error("without an upgrade:", resp.Status, body)
	}
}

// TestSessionOfAnotherUser: a SockJS session is known by user and id.
func TestSessionOfAnotherUser(t *testing.T) {
	t.Parallel()
	s := serve(t, fiberchat.Config{})
	session := []chattest.Option{chattest.SockJS(string(xhr)), chattest.Session("one-session")}
	l, err := chattest.Open(t.Context(), s.addr, "t-alice", session...)
	if err != nil {
		t.Fatal(err)
	}
	a := newClient(t, l)
	a.hello()
	a.subscribe("/user/alice/recive")

	forged, err := json.Marshal([]string{"SEND\ndestination:/socket/chat/send\n\n" + sendBody("forged", 2, "x") + "\x00"})
	if err != nil {
		t.Fatal(err)
	}
	r, err := http.NewRequest(http.MethodPost, "http://"+s.addr+"/socketServer/000/one-session/xhr_send?srect=t-bob", bytes.NewReader(forged))
	if err != nil {
		t.Fatal(err)
	}
	if resp, _ := answer(t, r); resp.StatusCode != http.StatusNotFound {
		t.Error("another user's write gave", resp.Status)
	}
	thief, err := chattest.Open(t.Context(), s.addr, "t-bob", session...) // opens bob's own
	if err != nil {
		t.Fatal(err)
	}
	defer thief.Cut()
	online(t, s.addr, "carol").tell("m1", 1, "x")
	if got := a.message("/user/alice/recive").message(t); got.ChatID != "m1" {
		t.Error(got)
	}
}

// expires wants the end of a session whose token has ended. A poll with such
// a token may be refused before it learns of the ERROR or of the close.
func (c *client) expires(d door) {
	c.t.Helper()
	if d != xhr {
		c.fails("token-expired", 1008)
		return
	}
	rest, err := c.Ended()
	for _, f := range rest {
		if f.Headers["message"] != "token-expired" {
			c.t.Fatal("got", f)
		}
	}
	if how := (chattest.Closed{}); !strings.Contains(err.Error(), "status 401") && !(errors.As(err, &how) && how.Code == 1008) {
		c.t.Fatal("ended by", err)
	}
}

func TestTokenExpires(t *testing.T) {
	t.Parallel()
	eachDoor(t, func(t *testing.T, d door) {
		end := time.Now().Add(1500 * time.Millisecond)
		p := newPeople("alice", "bob")
		p.until["t-alice"] = end
		s := serve(t, fiberchat.Config{Authenticator: p, Directory: p})
		a, other, b := d.connect(t, s.addr, "t-alice"), d.connect(t, s.addr, "t-alice.2"), d.connect(t, s.addr, "t-bob")
		a.expires(d)
		if time.Now().Before(end) {
			t.Error("ended before the token")
		}
		other.nothing()
		b.nothing()
		if _, err := d.open(s.addr, "", "t-alice"); err == nil || !strings.Contains(err.Error(), "401") {
			t.Error("connecting again gave", err)
		}
	})
}

func TestRevoke(t *testing.T) {
	t.Parallel()
	eachDoor(t, func(t *testing.T, d door) {
		p := newPeople("alice", "bob")
		s := serve(t, fiberchat.Config{Authenticator: p, Directory: p})
		a1, a2 := d.connect(t, s.addr, "t-alice"), d.connect(t, s.addr, "t-alice")
		other, b := d.connect(t, s.addr, "t-alice.2"), d.connect(t, s.addr, "t-bob")
		s.chat.Revoke("")
		s.chat.Revoke("nobody's")
		p.end("t-alice")
		s.chat.Revoke("id-alice")
		s.chat.Revoke("id-alice")
		a1.expires(d)
		a2.expires(d)
		other.nothing()
		b.nothing()
		if _, err := d.open(s.addr, "", "t-alice"); err == nil || !strings.Contains(err.Error(), "401") {
			t.Error("connecting again gave", err)
		}
	})
}

// TestRevokeRacesConnect: the token is revoked after it was found good and
// before its session is there.
func TestRevokeRacesConnect(t *testing.T) {
	t.Parallel()
	for _, d := range []door{native, sockws} {
		t.Run(string(d), func(t *testing.T) {
			t.Parallel()
			p := newPeople("alice")
			asked, proceed := make(chan string), make(chan struct{})
			p.asked = func(token string) {
				asked <- token
				<-proceed
			}
			s := serve(t, fiberchat.Config{Authenticator: p, Directory: p})
			go func() { // ends with the dial below
				<-asked
				p.end("t-alice")
				s.chat.Revoke("id-alice")
				close(proceed)
			}()
			a := d.dial(t, s.addr, "t-alice")
			a.fails("token-expired", 1008)
		})
	}
}

// TestDisconnectRacesConnect: the user is disconnected after the token was
// found good and before the session is there.
func TestDisconnectRacesConnect(t *testing.T) {
	t.Parallel()
	eachDoor(t, func(t *testing.T, d door) {
		p := newPeople("alice")
		var once sync.Once
		disconnect := func() {}
		p.asked = func(string) { once.Do(func() { disconnect() }) }
		s := serve(t, fiberchat.Config{Authenticator: p, Directory: p})
		disconnect = func() { s.chat.Disconnect(1) } // before anybody asks
		d.dial(t, s.addr, "t-alice").fails("disconnected", 1008)
		d.connect(t, s.addr, "t-alice").nothing()
	})
}

func TestDisconnect(t *testing.T) {
	t.Parallel()
	eachDoor(t, func(t *testing.T, d door) {
		s := serve(t, fiberchat.Config{})
		a1, a2, b := d.connect(t, s.addr, "t-alice"), d.connect(t, s.addr, "t-alice.2"), d.connect(t, s.addr, "t-bob")
		s.chat.Disconnect(99)
		s.chat.Disconnect(1)
		a1.fails("disconnected", 1008)
		a2.fails("disconnected", 1008)
		b.nothing()
		d.connect(t, s.addr, "t-alice").nothing()
	})
}

// TestTokensStayOutOfLogs: of chat's and of an access log before it.
func TestTokensStayOutOfLogs(t *testing.T) {
	t.Parallel()
	const secret = "t-alice.s3cr3t-v4lue"
	cfg, logs := configFor(t, fiberchat.Config{})
	p := &brokenPeople{people: newPeople("alice", "bob")}
	cfg.Authenticator, cfg.Directory = p, p
	access := new(syncBuffer)
	app := newApp()
	app.Use(logger.New(logger.Config{Output: access, Format: "${method} ${path} ${url} ${queryParams} ${reqHeaders} ${referer} ${status} ${error}\n"}))
	ch, err := fiberchat.New(app, cfg)
	if err != nil {
		t.Fatal(err)
	}
	s := &server{t: t, app: app, chat: ch, addr: listen(t, app), logs: logs}

	for _, d := range []door{native, sockws, xhr} {
		a := d.connect(t, s.addr, secret)
		a.send("/socket/chat/send", "{")
		a.raw("SUBSCRIBE\nid:1\ndestination:/user/" + secret + "/recive\n\n\x00")
		a.fails("not-allowed", 1008)
	}
	for _, path := range []string{"/socketServer/info", "/socketServer", "/socketServer/", "/socketServer/iframe-1.6.1.html"} {
		get(t, s.addr, path+"?srect="+secret, "")
	}
	r, err := http.NewRequest(http.MethodOptions, "http://"+s.addr+"/socketServer/000/abcdefgh/xhr?srect="+secret, nil)
	if err != nil {
		t.Fatal(err)
	}
	answer(t, r)
	get(t, s.addr, "/client?x=1&srect="+secret+"&y=2", "")
	get(t, s.addr, "/socketServer/nonsense?srect="+secret, "")
	p.set(nil, func(context.Context) error { return fmt.Errorf("no answer about %s", secret) })
	get(t, s.addr, "/client?srect="+secret, "")
	p.set(nil, func(context.Context) error { panic("what is " + secret) })
	get(t, s.addr, "/client?srect="+secret, "")
	s.chat.Revoke("id-alice")
	keepsSecret(t, logs, access)
}

// keepsSecret wants logs of something, and no token in them.
func keepsSecret(t *testing.T, logs ...*syncBuffer) {
	t.Helper()
	for i, log := range logs {
		if log.String() == "" {
			t.Error("log", i, "is empty")
		}
		for line := range strings.Lines(log.String()) {
			if strings.Contains(line, "s3cr3t") {
				t.Error("the log shows the token:", line)
			}
		}
	}
}

// TestRefusalsKeepTheTokenOutOfLogs: also of those who may not come in now.
func TestRefusalsKeepTheTokenOutOfLogs(t *testing.T) {
	t.Parallel()
	const secret = "t-alice.s3cr3t-v4lue"
	cfg, _ := configFor(t, fiberchat.Config{Limits: fiberchat.Limits{Sessions: 1}, AllowOrigins: []string{"https://good.example"}})
	access := new(syncBuffer)
	app := newApp()
	app.Use(logger.New(logger.Config{Output: access, Format: "${method} ${url} ${queryParams} ${reqHeaders} ${status}\n"}))
	if _, err := fiberchat.New(app, cfg); err != nil {
		t.Fatal(err)
	}
	addr := listen(t, app)
	online(t, addr, "bob")
	if resp, body := get(t, addr, "/client?srect="+secret, ""); resp.StatusCode != http.StatusServiceUnavailable {
		t.Error("when it is full:", resp.Status, body)
	}
	for _, path := range []string{"/client", "/socketServer/info"} {
		if resp, _ := get(t, addr, path+"?srect="+secret, "https://bad.example"); resp.StatusCode != http.StatusForbidden {
			t.Error(path, resp.Status)
		}
		if resp, _ := get(t, addr, path+"?srect=x", "https://bad.example"); resp.StatusCode != http.StatusUnauthorized {
			t.Error(path, "with a bad token:", resp.Status)
		}
	}
	keepsSecret(t, access)
}

// TestTokenStaysOutOfLogsOfWhatNoDoorTakes: other methods, paths below a door
// and paths that begin like one, whatever they are answered.
func TestTokenStaysOutOfLogsOfWhatNoDoorTakes(t *testing.T) {
	t.Parallel()
	const secret = "t-alice.s3cr3t-v4lue"
	cfg, _ := configFor(t, fiberchat.Config{})
	access := new(syncBuffer)
	app := newApp()
	app.Use(logger.New(logger.Config{Output: access, Format: "${method} ${url} ${queryParams} ${reqHeaders} ${referer} ${status} ${error}\n"}))
	for _, router := range []fiber.Router{app, app.Group("/group")} {
		if _, err := fiberchat.New(router, cfg); err != nil {
			t.Fatal(err)
		}
	}
	app.Get("/client/of/the/app", func(c *fiber.Ctx) error { return c.SendString(c.Query("srect")) })
	addr := listen(t, app)

	asked := 0
	for _, method := range []string{"GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS"} {
		for _, prefix := range []string{"", "/group"} {
			for _, path := range []string{
				"/client", "/client/", "/client/x", "/client//", "/clients", "/Client/x", "/client%2Fx", "/client/%2e%2e",
				"/socketServer", "/socketServer/", "/socketServer//", "/socketServer/x", "/socketServers", "/socketServer/iframe.html", "/socketServer/info",
				"/socketServer/websocket", "/socketServer/000/x/websocket", "/socketServer/000/x/xhr_send", "/socketServer/a/b/c/d",
			} {
				r, err := http.NewRequest(method, "http://"+addr+prefix+path+"?a=b&srect="+secret+".no", nil)
				if err != nil {
					t.Fatal(err)
				}
				r.Header.Set("Referer", r.URL.String())
				if resp, body := answer(t, r); strings.Contains(body, "s3cr3t") {
					t.Error(method, path, resp.Status, "repeats the token:", body)
				}
				asked++
			}
		}
	}
	keepsSecret(t, access)
	if lines := strings.Count(access.String(), "\n"); lines != asked {
		t.Errorf("%d requests made %d lines", asked, lines)
	}
	if _, body := get(t, addr, "/client/of/the/app?srect="+secret, ""); body != secret {
		t.Errorf("a route of the app's own below a door reads %q", body)
	}
	keepsSecret(t, access)
}

func TestOrigins(t *testing.T) {
	t.Parallel()
	s := serve(t, fiberchat.Config{AllowOrigins: []string{"https://good.example"}})
	for _, path := range []string{"/client", "/socketServer/info", "/socketServer/websocket", "/socketServer/000/abcdefgh/websocket", "/socketServer/000/abcdefgh/jsonp", "/socketServer/000/abcdefgh/eventsource"} {
		resp, body := get(t, s.addr, path+"?srect=t-alice", "https://bad.example")
		if resp.StatusCode != http.StatusForbidden {
			t.Error(path, resp.Status, body)
		}
		if o := resp.Header.Get("Access-Control-Allow-Origin"); o == "*" || o == "https://bad.example" {
			t.Error(path, "lets the page read:", o)
		}
	}
	for _, origin := range []string{"https://good.example", "", "http://" + s.addr} {
		if resp, body := get(t, s.addr, "/socketServer/info?srect=t-alice", origin); resp.StatusCode != http.StatusOK {
			t.Errorf("origin %q: %s %s", origin, resp.Status, body)
		}
		if resp, _ := get(t, s.addr, "/client?srect=t-alice", origin); resp.StatusCode != http.StatusUpgradeRequired {
			t.Errorf("origin %q: %s", origin, resp.Status)
		}
	}
	for _, origin := range []string{"null", "https://good.example.evil", "https://good.exampl", "http://good.example", "https://good.example:444", "https://evil/https://good.example"} {
		if resp, _ := get(t, s.addr, "/client?srect=t-alice", origin); resp.StatusCode != http.StatusForbidden {
			t.Errorf("origin %q: %s", origin, resp.Status)
		}
		if resp, _ := get(t, s.addr, "/socketServer/info?srect=t-alice", origin); resp.StatusCode != http.StatusForbidden {
			t.Errorf("SockJS, origin %q: %s", origin, resp.Status)
		}
	}
}

// TestOriginsAsTheServerIsKnown: the doors agree on what the server's own
// origin is, behind a proxy too, and on "*".
func TestOriginsAsTheServerIsKnown(t *testing.T) {
	t.Parallel()
	listed := serve(t, fiberchat.Config{AllowOrigins: []string{"https://good.example", "https://*.Good.example/"}})
	any := serve(t, fiberchat.Config{AllowOrigins: []string{"*"}})
	for _, c := range []struct {
		s       *server
		headers []string
		allowed bool
	}{
		{any, []string{"Origin", "https://bad.example"}, true},
		{listed, []string{"Host", "chat.example", "Origin", "https://chat.example"}, true},
		{listed, []string{"Origin", "https://a.b.good.example"}, true},
		{listed, []string{"Origin", "https://a.good.example.evil"}, false},
		// Of a proxy that the app does not say it trusts.
		{listed, []string{"Host", "10.0.0.1", "X-Forwarded-Host", "chat.example", "Origin", "https://chat.example"}, false},
		{listed, []string{"Host", "chat.example", "Origin", "https://other.example"}, false},
		{listed, []string{"Origin", "null"}, false},
	} {
		for path, allowed := range map[string]int{"/client": http.StatusUpgradeRequired, "/socketServer/info": http.StatusOK} {
			r, err := http.NewRequest(http.MethodGet, "http://"+c.s.addr+path+"?srect=t-alice", nil)
			if err != nil {
				t.Fatal(err)
			}
			for i := 0; i < len(c.headers); i += 2 {
				r.Header.Set(c.headers[i], c.headers[i+1])
			}
			r.Host = r.Header.Get("Host")
			want := http.StatusForbidden
			if c.allowed {
				want = allowed
			}
			if resp, body := answer(t, r); resp.StatusCode != want {
				t.Errorf("%s, %v: %s %s", path, c.headers, resp.Status, body)
			}
		}
	}
}

func TestAnyOriginByDefault(t *testing.T) {
	t.Parallel()
	s := serve(t, fiberchat.Config{})
	for _, path := range []string{"/client", "/socketServer/info"} {
		if resp, body := get(t, s.addr, path+"?srect=t-alice", "https://any.example"); resp.StatusCode == fiber.StatusForbidden {
			t.Error(path, resp.Status, body)
		}
	}
}
