package sockjs

import (
	"compress/gzip"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"io"
	"math/big"
	"net"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/fasthttp/websocket"
	"github.com/gofiber/fiber/v2"
	"github.com/gofiber/fiber/v2/middleware/compress"
	"github.com/gofiber/fiber/v2/middleware/cors"
	"github.com/gofiber/fiber/v2/middleware/etag"
	"github.com/gofiber/fiber/v2/middleware/helmet"
	"github.com/gofiber/fiber/v2/middleware/limiter"
	"github.com/gofiber/fiber/v2/middleware/logger"
	"github.com/gofiber/fiber/v2/middleware/recover"
	"github.com/gofiber/fiber/v2/middleware/requestid"
)

// Everything runs through the middleware that apps put before their routes.
func TestMiddlewareStack(t *testing.T) {
	t.Parallel()
	s := start(t, Config{StreamLimit: 4096},
		logger.New(logger.Config{Output: io.Discard}),
		recover.New(),
		requestid.New(),
		helmet.New(),
		cors.New(cors.Config{AllowOrigins: "https://a.example", AllowCredentials: true}),
		compress.New(),
		etag.New(),
		limiter.New(limiter.Config{Max: 1000, Expiration: time.Minute}),
		func(c *fiber.Ctx) error { // one that speaks up afterwards
			err := c.Next()
			c.Set("X-After", "seen")
			return err
		},
	)
	header := []string{"Accept-Encoding: gzip, br", "Origin: https://a.example"}

	equal(t, "greeting", get(t, s.addr, "/echo", header...).body, "Welcome to SockJS!\n")
	path := "/echo" + newSessionPath()
	equal(t, "open", post(t, s.addr, path+"/xhr", "", header...).body, "o\n")
	equal(t, "send", post(t, s.addr, path+"/xhr_send", `["x"]`, header...).status, http.StatusNoContent)
	a := post(t, s.addr, path+"/xhr", "", header...)
	equal(t, "echo", a.body, "a[\"x\"]\n")
	wantCORS(t, a, "https://a.example")

	// A poll that is long enough is compressed like any response.
	long := strings.Repeat("long", 200)
	equal(t, "send", post(t, s.addr, path+"/xhr_send", `["`+long+`"]`, header...).status, http.StatusNoContent)
	a = post(t, s.addr, path+"/xhr", "", "Accept-Encoding: gzip")
	equal(t, "encoding", a.header.Get("Content-Encoding"), "gzip")
	unzip, err := gzip.NewReader(strings.NewReader(a.body))
	if err != nil {
		t.Fatal(err)
	}
	body, err := io.ReadAll(unzip)
	if err != nil {
		t.Fatal(err)
	}
	equal(t, "unzipped", string(body), `a["`+long+"\"]\n")

	for _, c := range streamCases {
		path := "/echo" + newSessionPath()
		stream := c.open(t, s.addr, path, header...)
		equal(t, "status", stream.status, http.StatusOK)
		equal(t, "encoding", stream.header.Get("Content-Encoding"), "")
		equal(t, "ETag", stream.header.Get("ETag"), "")
		equal(t, "after", stream.header.Get("X-After"), "seen")
		equal(t, "request id", stream.header.Get("X-Request-Id") != "", true)
		stream.want(c.frame("o"))
		if c.name == "htmlfile" {
			equal(t, "X-Frame-Options", stream.header.Get("X-Frame-Options"), "")
			equal(t, "CORP", stream.header.Get("Cross-Origin-Resource-Policy"), "cross-origin")
		}
		equal(t, "send", post(t, s.addr, path+"/xhr_send", `["x"]`, header...).status, http.StatusNoContent)
		stream.want(c.frame(`a["x"]`))
	}
	a = post(t, s.addr, path+"/jsonp_send", `[]`, header...)
	equal(t, "X-Frame-Options of jsonp_send", a.header.Get("X-Frame-Options"), "")
	equal(t, "CORP of jsonp", get(t, s.addr, "/echo"+newSessionPath()+"/jsonp?c=x").header.Get("Cross-Origin-Resource-Policy"), "cross-origin")

	ws := dialWS(t, s.addr, "/echo"+newSessionPath()+"/websocket")
	wsWant(t, ws, "o")
	wsSend(t, ws, `["x"]`)
	wsWant(t, ws, `a["x"]`)
}

// A middleware that fails after the stream has begun cannot make it a 500.
func TestErrorAfterAStream(t *testing.T) {
	t.Parallel()
	s := start(t, Config{}, func(c *fiber.Ctx) error {
		if err := c.Next(); err != nil {
			return err
		}
		return fiber.ErrTeapot
	})
	stream := openStream(t, s.addr, http.MethodPost, "/echo"+newSessionPath()+"/xhr_streaming")
	equal(t, "status", stream.status, http.StatusOK)
	equal(t, "type", stream.header.Get("Content-Type"), "application/javascript; charset=UTF-8")
	stream.want(string(xhrPrelude), "o\n")
}

// The app's time-outs are for its own responses.
func TestStreamsOutliveWriteTimeout(t *testing.T) {
	t.Parallel()
	server := New(Config{Key: func(*fiber.Ctx) string { return "" }, Open: serving(echo), HeartBeat: 40 * time.Millisecond})
	app := fiber.New(fiber.Config{
		DisableStartupMessage: true, ReadTimeout: 60 * time.Millisecond, WriteTimeout: 60 * time.Millisecond, IdleTimeout: patience,
	})
	app.Use("/echo", server.Handler)
	addr := listen(t, app, server)
	stream := xhrStream(t, addr, "/echo"+newSessionPath())
	stream.want("o\n", "h\n", "h\n", "h\n", "h\n")

	// A poll that waits longer than a request may take to be read stays, and
	// its connection serves the next.
	h := dialHTTP(t, addr)
	path := "/echo" + newSessionPath()
	for _, want := range []string{"o\n", "h\n", "h\n", "h\n"} {
		h.ask(http.MethodPost, path+"/xhr", "")
		equal(t, "poll", h.answer(http.MethodPost).body, want)
	}
}

func TestTLS(t *testing.T) {
	t.Parallel()
	skipUnlessPollsNotice(t)
	server := New(Config{Key: func(*fiber.Ctx) string { return "" }, Open: serving(echo), JSessionID: true})
	app := fiber.New(fiber.Config{DisableStartupMessage: true})
	app.Use("/echo", server.Handler)
	plain, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	serveOn(t, tls.NewListener(plain, &tls.Config{Certificates: []tls.Certificate{selfSigned(t)}}), app, server)
	insecure := &tls.Config{InsecureSkipVerify: true} // its own certificate
	dialTLS := func() *httpConn {
		return dialHTTPOn(t, tls.Client(dial(t, plain.Addr().String()), insecure))
	}

	// A poll keeps its connection, and one whose client says good-bye is noticed.
	id := newID()
	h := dialTLS()
	h.ask(http.MethodPost, "/echo/0/"+id+"/xhr", "")
	a := h.answer(http.MethodPost)
	equal(t, "open", a.body, "o\n")
	equal(t, "cookie", a.header.Get("Set-Cookie"), "JSESSIONID=dummy; path=/; SameSite=None; Secure")
	h.ask(http.MethodPost, "/echo/0/"+id+"/xhr", "")
	waitForReceiver(t, server, sessionKey{id: id})
	session := server.find(sessionKey{id: id})
	h.Close()
	waitOver(t, session)

	id = newID()
	h = dialTLS()
	h.ask(http.MethodPost, "/echo/0/"+id+"/xhr_streaming", "")
	h.head(http.MethodPost)
	stream := streaming{httpConn: h}
	stream.want(string(xhrPrelude), "o\n")
	session = server.find(sessionKey{id: id})
	h.Close()
	waitOver(t, session)

	dialer := websocket.Dialer{TLSClientConfig: insecure}
	ws, _, err := dialer.Dial("wss://"+plain.Addr().String()+"/echo"+newSessionPath()+"/websocket", nil)
	if err != nil {
		t.Fatal(err)
	}
	defer ws.Close()
	wsWant(t, ws, "o")
	wsSend(t, ws, `["x"]`)
	wsWant(t, ws, `a["x"]`)
}

func selfSigned(t *testing.T) tls.Certificate {
	t.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	template := x509.Certificate{SerialNumber: big.NewInt(1), NotAfter: time.Now().Add(time.Hour)}
	der, err := x509.CreateCertificate(rand.Reader, &template, &template, &key.PublicKey, key)
	if err != nil {
		t.Fatal(err)
	}
	return tls.Certificate{Certificate: [][]byte{der}, PrivateKey: key}
}
