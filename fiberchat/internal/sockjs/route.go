package sockjs

import (
	"strings"

	"github.com/gofiber/fiber/v2"
)

// subPath returns what follows the mount point in the request's path, "" or
// from the slash on. ours is false for a path that only begins alike:
// Use("/echo") matches "/echoes" too.
//
// The mount point is found by counting segments, because it may hold
// parameters and may be written in another case.
func subPath(c *fiber.Ctx) (sub string, ours bool) {
	mount, path := strings.TrimRight(c.Route().Path, "/"), c.Path()
	end := 0
	for range strings.Count(mount, "/") {
		next := strings.IndexByte(path[min(end+1, len(path)):], '/')
		if next < 0 {
			end = len(path)
			break
		}
		end += 1 + next
	}
	wanted := mount[strings.LastIndexByte(mount, '/')+1:]
	got := path[:end][strings.LastIndexByte(path[:end], '/')+1:]
	return path[end:], strings.ContainsAny(wanted, ":*+") || strings.EqualFold(wanted, got)
}

// Ours reports whether the request's path is below the mount point, and not of
// one that only begins alike. Ask it where Public may be asked.
func (s *Server) Ours(c *fiber.Ctx) bool {
	_, ours := subPath(c)
	return ours
}

// Public reports whether a request is answered without authentication: OPTIONS,
// the greeting and iframe*.html, and whatever Handler passes on to the next
// handler because it is not below the mount point. Ask it in the route that
// Handler is mounted on: what the mount point is, c.Route tells.
func (s *Server) Public(c *fiber.Ctx) bool {
	sub, ours := subPath(c)
	if !ours || c.Method() == fiber.MethodOptions {
		return true
	}
	name := strings.TrimPrefix(strings.TrimSuffix(sub, "/"), "/")
	return isGet(c) && (sub == "" || sub == "/" || isIframe(name))
}

func isGet(c *fiber.Ctx) bool {
	return c.Method() == fiber.MethodGet || c.Method() == fiber.MethodHead
}

// Handler serves everything below the mount point, and calls the next handler
// for a path that is not.
func (s *Server) Handler(c *fiber.Ctx) error {
	sub, ours := subPath(c)
	if !ours {
		return c.Next()
	}
	s.setCORS(c)
	if !s.OriginAllowed(c) {
		return c.Status(fiber.StatusForbidden).SendString("Origin not allowed.")
	}
	get := fiber.MethodGet // fasthttp leaves the body of a HEAD out
	if c.Method() == fiber.MethodHead {
		get = fiber.MethodHead
	}
	if sub == "" || sub == "/" {
		return only(c, get, greeting)
	}
	parts := strings.Split(strings.TrimSuffix(sub[1:], "/"), "/")
	switch {
	case len(parts) == 1 && parts[0] == "info":
		return only(c, get, s.info)
	case len(parts) == 1 && isIframe(parts[0]):
		return only(c, get, s.iframe)
	case len(parts) == 1 && parts[0] == "websocket" && s.cfg.Raw != nil && !s.cfg.DisableWebSocket:
		return only(c, fiber.MethodGet, s.cfg.Raw)
	case len(parts) == 3 && validPart(parts[0]) && validPart(parts[1]):
		return s.transport(c, parts[1], parts[2])
	}
	return c.SendStatus(fiber.StatusNotFound)
}

func validPart(part string) bool { return part != "" && !strings.Contains(part, ".") }

// transport serves one of a session's URLs. The server part before the
// session's id is for load balancers only.
func (s *Server) transport(c *fiber.Ctx, id, name string) error {
	s.setCookie(c)
	switch {
	case transports[name] != nil:
		t := transports[name]
		return only(c, t.method, func(c *fiber.Ctx) error { return s.receive(c, t, id) })
	case name == "xhr_send":
		return only(c, fiber.MethodPost, func(c *fiber.Ctx) error { return s.xhrSend(c, id) })
	case name == "jsonp_send":
		return only(c, fiber.MethodPost, func(c *fiber.Ctx) error { return s.jsonpSend(c, id) })
	case name == "websocket" && !s.cfg.DisableWebSocket:
		return only(c, fiber.MethodGet, s.websocket)
	}
	return c.SendStatus(fiber.StatusNotFound)
}

// only calls handle for method, and answers all others.
func only(c *fiber.Ctx, method string, handle fiber.Handler) error {
	switch {
	case c.Method() == method:
		return handle(c)
	case c.Method() == fiber.MethodOptions:
		return preflight(c, method)
	}
	return methodNotAllowed(c, method)
}
