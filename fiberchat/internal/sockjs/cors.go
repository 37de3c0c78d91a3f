package sockjs

import (
	"net/http"
	"net/url"
	"strconv"
	"strings"
	"time"

	"github.com/gofiber/fiber/v2"
	"github.com/valyala/fasthttp"

	"fiberchat.example/middleware/origins"
)

const (
	year = 31536000 * time.Second
	// The least that sockjs-protocol takes for the page. A copy of it goes by
	// the library's version and the AllowOrigins of its day until it is asked for again.
	pageAge = 1000000 * time.Second
)

// CORS is a handler that sets the CORS headers and calls the next one. Mount
// it before authentication, so that a page may read why it was refused.
func (s *Server) CORS(c *fiber.Ctx) error {
	if s.Ours(c) {
		s.setCORS(c)
	}
	return c.Next()
}

// OriginAllowed reports whether the page that made the request may connect:
// one of a listed origin, or of the server's own, to which those in
// iframe*.html belong. Requests without Origin come from no page, or from one
// that the browser does not report.
//
// The server's own origin is known by its host and port, as the Host header
// has them, or X-Forwarded-Host where the app says by EnableTrustedProxyCheck
// whose it believes. The scheme is not compared, because a proxy that ends TLS
// hides it, and so a port is one of its own only if it is neither 80 nor 443.
func (s *Server) OriginAllowed(c *fiber.Ctx) bool {
	origin := c.Get(fiber.HeaderOrigin)
	if origin == "" || origins.List(s.cfg.AllowOrigins).Allows(origin) {
		return true
	}
	host := string(c.Request().Host())
	if c.App().Config().EnableTrustedProxyCheck {
		host = c.Hostname()
	}
	u, err := url.Parse(origin)
	return err == nil && u.Host != "" && strings.EqualFold(withoutDefaultPort(u.Host), withoutDefaultPort(host))
}

func withoutDefaultPort(host string) string {
	return strings.TrimSuffix(strings.TrimSuffix(host, ":80"), ":443")
}

func (s *Server) setCORS(c *fiber.Ctx) {
	c.Vary(fiber.HeaderOrigin)
	if !s.OriginAllowed(c) {
		return
	}
	switch origin := c.Get(fiber.HeaderOrigin); {
	case origin != "":
		c.Set(fiber.HeaderAccessControlAllowOrigin, origin)
		c.Set(fiber.HeaderAccessControlAllowCredentials, "true")
	case len(s.cfg.AllowOrigins) == 0:
		c.Set(fiber.HeaderAccessControlAllowOrigin, "*")
	}
}

// preflight answers OPTIONS; method is the one the URL serves.
func preflight(c *fiber.Ctx, method string) error {
	setCached(c, year)
	c.Set(fiber.HeaderAccessControlAllowMethods, "OPTIONS, "+method)
	c.Set(fiber.HeaderAccessControlMaxAge, seconds(year))
	if headers := c.Get(fiber.HeaderAccessControlRequestHeaders); headers != "" {
		c.Set(fiber.HeaderAccessControlAllowHeaders, headers)
	}
	return empty(c, fiber.StatusNoContent)
}

// methodNotAllowed answers a method that the URL does not serve.
func methodNotAllowed(c *fiber.Ctx, method string) error {
	c.Set(fiber.HeaderAllow, "OPTIONS, "+method)
	return empty(c, fiber.StatusMethodNotAllowed)
}

// empty answers without a body, and so without a content type.
func empty(c *fiber.Ctx, status int) error {
	c.Response().Header.SetNoDefaultContentType(true)
	c.Status(status)
	return nil
}

func seconds(age time.Duration) string { return strconv.Itoa(int(age.Seconds())) }

func setCached(c *fiber.Ctx, age time.Duration) {
	c.Set(fiber.HeaderCacheControl, "public, max-age="+seconds(age))
	c.Set(fiber.HeaderExpires, time.Now().UTC().Add(age).Format(http.TimeFormat))
}

func setNotCached(c *fiber.Ctx) {
	c.Set(fiber.HeaderCacheControl, "no-store, no-cache, no-transform, must-revalidate, max-age=0")
}

// setCookie sets JSESSIONID each time, because a load balancer may add its
// own mark to the value.
func (s *Server) setCookie(c *fiber.Ctx) {
	if !s.cfg.JSessionID {
		return
	}
	cookie := "JSESSIONID=" + c.Cookies("JSESSIONID", "dummy") + "; path=/"
	if c.Protocol() == "https" {
		// Without these browsers send no cookie to another site.
		cookie += "; SameSite=None; Secure"
	}
	c.Response().Header.Add(fiber.HeaderSetCookie, cookie)
}

// allowFraming takes back what security middleware says about pages of the
// app: these responses are made to be used by pages of other origins.
func (s *Server) allowFraming(h *fasthttp.ResponseHeader) {
	h.Del(fiber.HeaderXFrameOptions)
	h.Del("Cross-Origin-Embedder-Policy")
	h.Del(fiber.HeaderContentSecurityPolicy)
	h.Set("Cross-Origin-Resource-Policy", "cross-origin")
	h.Set(fiber.HeaderReferrerPolicy, "no-referrer")
	if policy := framePolicy(s.cfg.AllowOrigins); policy != "" {
		h.Set(fiber.HeaderContentSecurityPolicy, policy)
	}
}

// framePolicy says who may frame these responses; "" is anybody.
func framePolicy(allowed []string) string {
	if len(allowed) == 0 {
		return ""
	}
	policy := "frame-ancestors 'self'"
	for _, origin := range allowed {
		if origin != "null" && origin != "file://" { // CSP has no word for them
			policy += " " + origin
		}
	}
	return policy
}
