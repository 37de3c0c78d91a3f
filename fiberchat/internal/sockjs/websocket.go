package sockjs

import (
	"strings"
	"sync"

	"github.com/fasthttp/websocket"
	"github.com/gofiber/fiber/v2"
	"github.com/valyala/fasthttp"
)

// Write buffers are lent for the time of one message: an idle connection has none.
var writeBuffers sync.Pool

var upgrader = websocket.FastHTTPUpgrader{
	ReadBufferSize:  1 << 10,
	WriteBufferSize: 4 << 10,
	WriteBufferPool: &writeBuffers,
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
		w := &socket{ws: ws, limit: s.cfg.MaxInbound, every: s.cfg.HeartBeat}
		if refusal, code := s.register(w, user); refusal != nil {
			w.farewell(refusal, code)
			w.finish()
			return
		}
		defer s.leave("SockJS session")
		defer s.release(w)
		defer w.finish()
		defer w.shut(1011, "internal error") // counts after a panic only
		limitSilence(unwrap(ws.NetConn()), s.cfg.WriteTimeout)
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
		s.running.Add(1)
	}
	return refusal, code
}

func (s *Server) release(w *socket) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.dismiss(s.sockets[w])
	delete(s.sockets, w)
}
