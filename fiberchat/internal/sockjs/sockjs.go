// Package sockjs is a SockJS server for Fiber v2. It speaks the protocol that
// sockjs-client 1.x speaks, as the main branch of sockjs-protocol has it, and
// hands each session to the caller as one connection. It knows nothing of
// what goes through it.
//
// Mount it so, for every method, with whatever checks the token in between:
//
//	server := sockjs.New(cfg)
//	router.Use("/socketServer", server.CORS, auth, server.Handler)
//
// where auth lets a request pass unchecked when server.Public says so.
//
// A session that receives over HTTP is one goroutine that serves it. Streams
// are hijacked and have two more while they are open; a poll is its request's
// goroutine and one that watches for the client to leave. A WebSocket session
// is served by its handler's goroutine. Close waits for all of
// these. Requests that come after Close began are refused and not waited for.
//
// # Files
//
//	config.go      Config and its defaults
//	sockjs.go      Server: its sessions, and how it closes
//	route.go       which request is for what
//	cors.go        origins
//	pages.go       greeting, info, iframe
//	conn.go        Conn, and a session as one
//	session.go     a session of the transports that receive over HTTP
//	transport.go   these transports, and how they frame
//	receive.go     a request that receives: polls
//	stream.go      and streams
//	send.go        a request that sends
//	websocket.go   the requests of the websocket transport
//	socket.go      its sessions, over internal/ws
//	frame.go       frames to the client
//	decode.go      arrays of messages from it
//	peek_linux.go  whether a client has left; peek_other.go where that cannot be known
package sockjs

import (
	"context"
	"fmt"
	"maps"
	"runtime/debug"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"github.com/gofiber/fiber/v2"
)

// shutdownGrace is how long a receiver waits, when its app begins to shut
// down, for the session to be ended by who serves it and may have a last word.
const shutdownGrace = time.Second

// Close frames that are not the session's own.
var (
	frameBusy    = closeFrame(2010, "Another connection still open")
	frameTooMany = closeFrame(1013, "Too many sessions")
	frameLeaving = closeFrame(1001, "going away")
)

// Server serves SockJS under one path. Safe for concurrent use.
type Server struct {
	cfg       Config
	page      page
	websocket fiber.Handler

	running sync.WaitGroup // what enter let in
	hurried atomic.Bool

	mu       sync.Mutex
	closing  bool
	sessions map[sessionKey]*session
	sockets  map[*socket]string // to their users
	perUser  map[string]int
}

// New returns a Server. It panics when Config lacks what it needs.
func New(cfg Config) *Server {
	cfg = cfg.withDefaults()
	s := &Server{
		cfg:      cfg,
		page:     newPage(cfg.ClientURL, cfg.ClientIntegrity, framePolicy(cfg.AllowOrigins)),
		sessions: make(map[sessionKey]*session),
		sockets:  make(map[*socket]string),
		perUser:  make(map[string]int),
	}
	s.websocket = s.newWebSocket()
	return s
}

// Hurry comes before Close, while who serves the sessions ends them: a client
// that is between two requests, and for whose next one nobody may listen any
// more, is waited for a moment and no longer.
func (s *Server) Hurry() {
	s.hurried.Store(true)
	s.mu.Lock()
	sessions := slices.Collect(maps.Values(s.sessions))
	s.mu.Unlock()
	for _, session := range sessions {
		session.hurry()
	}
}

// disconnectDelay is how long a session lives without a receiver.
func (s *Server) disconnectDelay() time.Duration {
	if s.hurried.Load() {
		return min(shutdownGrace, s.cfg.DisconnectDelay)
	}
	return s.cfg.DisconnectDelay
}

// Close refuses new sessions, ends the open ones with c[1001,"going away"]
// and waits until all of them are served to the end and every stream is
// closed, or for ctx. Calling it again waits again.
func (s *Server) Close(ctx context.Context) error {
	s.mu.Lock()
	s.closing = true
	conns := make([]Conn, 0, len(s.sessions)+len(s.sockets))
	for _, session := range s.sessions {
		conns = append(conns, session)
	}
	for socket := range s.sockets {
		conns = append(conns, socket)
	}
	s.mu.Unlock()

	var closing sync.WaitGroup
	for _, conn := range conns {
		// Each may wait for its own client; Close waits for all of them below.
		closing.Go(func() { _ = conn.Close(1001, "going away") })
	}
	done := make(chan struct{})
	// Ends with the last of the goroutines it waits for, each of which has a
	// limit of its own; after ctx nobody waits for it.
	go func() {
		closing.Wait()
		s.running.Wait()
		close(done)
	}()
	select {
	case <-done:
	case <-ctx.Done():
		return fmt.Errorf("close sockjs server: %w", ctx.Err())
	}
	for _, conn := range conns {
		// A client between two polls may still fetch what is left for it.
		if session, ok := conn.(*session); ok && session.drained() {
			s.forget(session)
		}
	}
	return nil
}

// enter counts a goroutine that Close waits for; leave is its end.
func (s *Server) enter() bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.closing {
		return false
	}
	s.running.Add(1)
	return true
}

// leave is deferred where a goroutine of ours begins: neither fasthttp's
// hijack nor go recovers a panic.
func (s *Server) leave(what string) {
	if r := recover(); r != nil {
		s.cfg.Logger.Error("panic", "doing", what, "panic", r, "stack", string(debug.Stack()))
	}
	s.running.Done()
}

// key is what names the session of a request; it is memory of the request.
func (s *Server) key(c *fiber.Ctx, id string) sessionKey {
	return sessionKey{s.cfg.Key(c), s.cfg.Credential(c), id}
}

// Has reports whether there is a session with the id that the request's path
// names. Ask it in the route that Handler is mounted on, as Public.
func (s *Server) Has(c *fiber.Ctx, user, credential string) bool {
	sub, _ := subPath(c)
	parts := strings.Split(sub, "/")
	return len(parts) > 2 && s.find(sessionKey{user, credential, parts[2]}) != nil
}

// find returns a session, or nil.
func (s *Server) find(key sessionKey) *session {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.sessions[key]
}

// open returns the session of a receiving request and makes it if it is not
// known. If it may not, it returns the close frame that says why, or neither
// where Open has answered.
func (s *Server) open(c *fiber.Ctx, key sessionKey) (*session, []byte) {
	s.mu.Lock()
	session := s.sessions[key]
	if session != nil {
		s.mu.Unlock()
		return session, nil
	}
	// What names the session so far is memory of the request.
	key = sessionKey{strings.Clone(key.user), strings.Clone(key.credential), strings.Clone(key.id)}
	if refusal, _ := s.admit(key.user); refusal != nil {
		s.mu.Unlock()
		return nil, refusal
	}
	session = newSession(s, key)
	s.sessions[key] = session
	s.running.Add(1)
	s.mu.Unlock()

	served := false
	defer func() {
		if !served { // Open panicked: whoever recovers, this session is over
			session.shut(1011, "internal error")
			s.running.Done()
		}
	}()
	serve := s.cfg.Open(c)
	if serve == nil {
		s.forget(session)
		return nil, nil
	}
	served = true
	// Ends when serve returns. Close ends the session and waits for it.
	go s.serve(session, serve)
	return session, nil
}

func (s *Server) serve(session *session, serve func(Conn)) {
	defer s.leave("SockJS session")
	defer session.shut(1011, "internal error") // counts after a panic only
	serve(session)
	session.shut(1000, "Normal closure")
}

// admit counts one more session of user, or returns the frame that refuses
// it. It keeps user. s.mu is held.
func (s *Server) admit(user string) (refusal []byte, code int) {
	if s.closing {
		return frameLeaving, 1001
	}
	if s.perUser[user] >= s.cfg.MaxSessionsPerUser || len(s.sessions)+len(s.sockets) >= s.cfg.MaxSessions {
		return frameTooMany, 1013
	}
	s.perUser[user]++
	return nil, 0
}

// dismiss takes back admit. s.mu is held.
func (s *Server) dismiss(user string) {
	s.perUser[user]--
	if s.perUser[user] == 0 {
		delete(s.perUser, user)
	}
}

// forget makes space for a new session of the same id.
func (s *Server) forget(session *session) {
	s.mu.Lock()
	defer s.mu.Unlock()
	session.idle.Stop()
	if s.sessions[session.key] == session {
		delete(s.sessions, session.key)
		s.dismiss(session.key.user)
	}
}
