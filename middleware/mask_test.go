package middleware_test

import (
	"bufio"
	"bytes"
	"fmt"
	"net"
	"net/http"
	"strings"
	"testing"

	"fiberchat.example/fiberchat/chat"
	"fiberchat.example/middleware"
	"github.com/fasthttp/websocket"
	contrib "github.com/gofiber/contrib/websocket"
	"github.com/gofiber/fiber/v2"
	"github.com/gofiber/fiber/v2/middleware/logger"
	"github.com/valyala/fasthttp"
)

// everything is all that Fiber's logger can print of a request.
const everything = "${url} ${queryParams} ${path} ${reqHeaders} ${referer} ${query:srect} ${reqHeader:X-Forwarded-Uri} ${route} ${error}\n"

// listen serves app on a free port and returns its address.
func listen(t *testing.T, app *fiber.App) string {
	t.Helper()
	ln, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	served := make(chan error, 1)
	// The test owns the server and waits for it in the cleanup.
	go func() { served <- app.Listener(ln) }()
	t.Cleanup(func() {
		if err := app.Shutdown(); err != nil {
			t.Error(err)
		}
		if err := <-served; err != nil {
			t.Error(err)
		}
	})
	return ln.Addr().String()
}

// exchange sends a request byte for byte.
func exchange(t *testing.T, addr, request string) *http.Response {
	t.Helper()
	conn, err := net.Dial("tcp", addr)
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close()
	if _, err := conn.Write([]byte(request)); err != nil {
		t.Fatal(err)
	}
	res, err := http.ReadResponse(bufio.NewReader(conn), nil)
	if err != nil {
		t.Fatal(err)
	}
	res.Body.Close()
	return res
}

func TestLoggersNeverSeeTheToken(t *testing.T) {
	t.Parallel()
	var logged bytes.Buffer
	app := fiber.New(fiber.Config{DisableStartupMessage: true})
	app.Use(logger.New(logger.Config{Format: everything, Output: &logged}))
	// What a hand-written logger may look at.
	app.Use(func(c *fiber.Ctx) error {
		before := c.OriginalURL() // a view of the request's memory
		err := c.Next()
		fmt.Fprintln(&logged, before, c.Context().URI(), c.Request(), string(c.Request().Header.RawHeaders()), c.Queries())
		return err
	})
	check := middleware.New(middleware.Config{Authenticator: known})
	handler := func(c *fiber.Ctx) error {
		fmt.Fprintln(&logged, c.OriginalURL(), c.Query("srect"), c.Get("Referer"))
		return c.SendString(middleware.User(c).Name)
	}
	app.Get("/one", check, handler)
	app.Group("/group", check).Get("/one", handler)
	mounted := fiber.New()
	mounted.Use(check)
	mounted.Get("/one", handler)
	app.Mount("/mounted", mounted)
	addr := listen(t, app)

	// Good tokens and wrong ones, in every spelling of token and name.
	for _, token := range []string{"good+token", "good%20token", "%67ood+token", "s3cret", "s3c%72et-s3cret=s3cret?s3cret"} {
		for _, path := range []string{"/one", "/group/one", "/mounted/one", "http://host.example/one"} {
			for _, query := range []string{"srect=%s", "a=b&srect=%s&c=d", "%%73rect=%s", "sre%%63t=%s&srect=%[1]s", "srect=%s&srect=%[1]s#srect=%[1]s"} {
				query := fmt.Sprintf(query, token)
				logged.Reset()
				res := exchange(t, addr, "GET "+path+"?"+query+" HTTP/1.1\r\nHost: host.example\r\nConnection: close\r\n"+
					"Referer: http://host.example/page?"+query+"\r\nX-Forwarded-Uri: /one?"+query+"\r\n\r\n")
				if want := strings.HasSuffix(token, "token"); (res.StatusCode == 200) != want {
					t.Errorf("%s?%s: status %d", path, query, res.StatusCode)
				}
				for _, piece := range []string{"s3c", "cret", "ood+", "ood ", "ood%20"} {
					if strings.Contains(logged.String(), piece) {
						t.Errorf("%s?%s: %q is in the log: %s", path, query, piece, &logged)
					}
				}
				if logged.Len() == 0 {
					t.Errorf("%s?%s: nothing was logged", path, query)
				}
			}
		}
	}
}

func TestOthersAreLeftAlone(t *testing.T) {
	t.Parallel()
	app := fiber.New()
	app.Use(middleware.New(middleware.Config{Authenticator: known}))
	app.Get("/", func(c *fiber.Ctx) error { return c.SendString(c.OriginalURL() + " " + c.Get("Referer")) })
	_, body := get(t, app, "/?srect=good+token&srec=1&srect2=2&xsrect=3&srect", "Referer", "http://h/srect=4?q=5")
	if want := "/?srect=xxxxxxxxxx&srec=1&srect2=2&xsrect=3&srect http://h/srect=4?q=5"; body != want {
		t.Errorf("got  %s\nwant %s", body, want)
	}
}

// The identity must survive the upgrade, and the copies that
// contrib/websocket makes of the request must not hold the token.
func TestWebSocketUpgrade(t *testing.T) {
	t.Parallel()
	app := fiber.New(fiber.Config{DisableStartupMessage: true})
	app.Use(middleware.New(middleware.Config{Authenticator: known}))
	app.Get("/ws", contrib.New(func(c *contrib.Conn) {
		identity, _ := c.Locals("fiberchat.identity").(chat.Identity)
		if err := c.WriteMessage(contrib.TextMessage, []byte(identity.User.Name+" "+c.Query("srect")+" "+c.Headers("Referer"))); err != nil {
			t.Error(err)
		}
	}))
	addr := listen(t, app)

	conn, res, err := websocket.DefaultDialer.Dial("ws://"+addr+"/ws?srect=good%20token", http.Header{"Referer": {"http://h/?srect=good+token"}})
	if err != nil {
		t.Fatal(err)
	}
	res.Body.Close()
	defer conn.Close()
	_, msg, err := conn.ReadMessage()
	if err != nil {
		t.Fatal(err)
	}
	if want := "ada xxxxxxxxxx http://h/?srect=xxxxxxxxxx"; string(msg) != want {
		t.Errorf("got %q, want %q", msg, want)
	}

	_, res, err = websocket.DefaultDialer.Dial("ws://"+addr+"/ws?srect=wrong", nil)
	if err == nil {
		t.Fatal("upgraded with a wrong token")
	}
	defer res.Body.Close()
	if res.StatusCode != 401 {
		t.Errorf("status %d, want 401", res.StatusCode)
	}
}

// Whatever the query looks like, the token that was read from it is not there
// when it is read again.
func FuzzMask(f *testing.F) {
	for _, query := range []string{"srect=a", "a&srect=b&c", "%73rect=x%zz", "srect=?srect=b", "srect==&&=srect", "s+rect=1#srect=2", "sreCt=a&srect"} {
		f.Add(query)
	}
	check := middleware.New(middleware.Config{Authenticator: known})
	f.Fuzz(func(t *testing.T, query string) {
		if len(query) > 1000 || strings.ContainsAny(query, " \r\n") {
			t.Skip("not one request line that fits the read buffer")
		}
		raw := "GET /?" + query + " HTTP/1.1\r\nHost: h\r\nReferer: http://h/?" + query + "\r\n\r\n"
		var ctx fasthttp.RequestCtx
		if err := ctx.Request.Read(bufio.NewReader(strings.NewReader(raw))); err != nil {
			t.Skip("not a request")
		}
		app := fiber.New()
		app.Use(check)
		app.Handler()(&ctx)

		var again fasthttp.Request
		if err := again.Read(bufio.NewReader(strings.NewReader(ctx.Request.String()))); err != nil {
			t.Fatalf("%q became %q: %v", query, ctx.Request.String(), err)
		}
		for _, uri := range []string{string(again.Header.RequestURI()), string(ctx.Request.URI().RequestURI()), string(ctx.Request.Header.Referer())} {
			var u fasthttp.URI
			if err := u.Parse([]byte("h"), []byte(uri)); err != nil {
				continue
			}
			for _, value := range u.QueryArgs().PeekMulti("srect") {
				if strings.Trim(string(value), "x") != "" {
					t.Fatalf("%q became %q, which holds %q", query, uri, value)
				}
			}
		}
	})
}
