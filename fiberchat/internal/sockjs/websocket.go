package sockjs

import (
	"strings"

	"github.com/gofiber/fiber/v2"

	"fiberchat.example/fiberchat/internal/ws"
)

// newWebSocket returns the handler of the websocket transport.
func (s *Server) newWebSocket() fiber.Handler {
	cfg := ws.Config{
		Subprotocols: s.cfg.Subprotocols,
		WriteTimeout: s.cfg.WriteTimeout,
		Refuse: func(c *fiber.Ctx) error {
			return c.Status(fiber.StatusBadRequest).SendString("Not a valid websocket request")
		},
	}
	return ws.New(cfg, func(c *fiber.Ctx) func(*ws.Conn) {
		user := strings.Clone(s.cfg.Key(c)) // memory of the request
		serve := s.cfg.Open(c)
		if serve == nil {
			return nil
		}
		return func(conn *ws.Conn) { s.serveSocket(newSocket(conn, &s.cfg), user, serve) }
	})
}

func (s *Server) serveSocket(w *socket, user string, serve func(Conn)) {
	if s.enter() { // for a refusal too, unless Close has begun
		defer s.leave("SockJS session")
	}
	if refusal, code := s.register(w, user); refusal != nil {
		_ = w.CloseWith(refusal, code, "")
		w.finish()
		return
	}
	defer s.release(w)
	defer w.finish()
	defer w.Close(1011, "internal error") // counts after a panic only
	w.open()
	serve(w)
	_ = w.Close(1000, "Normal closure")
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
