package sockjs

import (
	"strings"
	"sync"

	"github.com/fasthttp/websocket"
	"github.com/gofiber/fiber/v2"
	"github.com/valyala/fasthttp"
)

var upgrader = websocket.FastHTTPUpgrader{
	ReadBufferSize:  1 << 10,
	WriteBufferPool: new(sync.Pool),                                  // the library writes no messages: there need be no buffers
	CheckOrigin:     func(*fasthttp.RequestCtx) bool { return true }, // Handler has checked it
	Error: func(ctx *fasthttp.RequestCtx, _ int, _ error) {
		ctx.SetStatusCode(fasthttp.StatusBadRequest)
		ctx.SetBodyString("Not a valid websocket request")
	},
}

func (s *Server) upgrade(c *fiber.Ctx) error {
	user := strings.Clone(s.cfg.Key(c)) // memory of the request
	ctx := c.Context()
	if !websocket.FastHTTPIsWebSocketUpgrade(ctx) {
		return c.Status(fiber.StatusBadRequest).SendString("Not a valid websocket request")
	}
	serve := s.cfg.Open(c)
	_ = upgrader.Upgrade(ctx, func(ws *websocket.Conn) { // a failure has been answered by Error
		w := newSocket(ws, &s.cfg)
		if s.enter() { // for a refusal too, unless Close has begun
			defer s.leave("SockJS session")
		}
		if refusal, code := s.register(w, user); refusal != nil {
			w.farewell(refusal, code)
			w.finish()
			return
		}
		defer s.release(w)
		defer w.finish()
		defer w.shut(1011, "internal error") // counts after a panic only
		limitSilence(w.conn, s.cfg.WriteTimeout)
		w.open()
		serve(&Conn{w})
		w.shut(1000, "Normal closure")
	})
	return nil
}

func (s *Server) register(w *socket, user string) (refusal []byte, code int) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if refusal, code = s.admit(user); refusal == nil {
		s.sockets[w] = user
	}
	return refusal, code
}

func (s *Server) release(w *socket) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.dismiss(s.sockets[w])
	delete(s.sockets, w)
}
