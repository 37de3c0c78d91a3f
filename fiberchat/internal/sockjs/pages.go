package sockjs

import (
	"crypto/rand"
	"crypto/sha256"
	"encoding/binary"
	"encoding/hex"
	"fmt"
	"html"
	"strings"

	"github.com/gofiber/fiber/v2"
)

func greeting(c *fiber.Ctx) error {
	c.Set(fiber.HeaderContentType, "text/plain; charset=UTF-8")
	return c.SendString("Welcome to SockJS!\n")
}

// info tells a client what there is, before it makes a session.
func (s *Server) info(c *fiber.Ctx) error {
	var entropy [4]byte
	if _, err := rand.Read(entropy[:]); err != nil {
		return fmt.Errorf("read entropy: %w", err)
	}
	setNotCached(c)
	c.Set(fiber.HeaderContentType, "application/json; charset=UTF-8")
	return c.SendString(fmt.Sprintf(`{"websocket":%t,"origins":["*:*"],"cookie_needed":%t,"entropy":%d}`,
		!s.cfg.DisableWebSocket, s.cfg.JSessionID, binary.BigEndian.Uint32(entropy[:])))
}

// page is iframe*.html, the same for every request.
type page struct{ body, etag string }

// guard comes before the client library's own listener, and lets it be told
// of no URL but those below the mount point. The library takes any of this
// origin, from whoever frames the page: without the guard a page of another
// origin could ask for whatever else this one serves, and read the answers.
//
// The URL is taken apart as the browser will when it is asked for. The library
// appends a path and a query to it, before the one that holds the token.
const guard = `
    addEventListener('message', function (event) {
      var below = function (url) {
        return typeof url === 'string' && url.indexOf('#') < 0 && !/%(2f|5c)/i.test(url.split('?')[0]) && // a proxy may decode
          new URL(url.split('?')[0] + '/', location.href).href.indexOf(new URL('.', location.href).href) === 0;
      };
      var harmless = false;
      try {
        var message = JSON.parse(event.data), start = message.type === 's' && JSON.parse(message.data);
        harmless = !start || below(start[2]) && below(start[3]);
      } catch (ignored) {}
      if (!harmless) event.stopImmediatePropagation();
    });`

// newPage makes the page; policy is the Content-Security-Policy it goes out
// with, which a copy in a cache must follow.
func newPage(clientURL, integrity, policy string) page {
	attributes := ""
	if integrity != "" {
		attributes = ` integrity="` + html.EscapeString(integrity) + `" crossorigin="anonymous"`
	}
	body := `<!DOCTYPE html>
<html>
<head>
  <meta http-equiv="X-UA-Compatible" content="IE=edge" />
  <meta http-equiv="Content-Type" content="text/html; charset=UTF-8" />
  <script src="` + html.EscapeString(clientURL) + `"` + attributes + `></script>
  <script>` + guard + `
    document.domain = document.domain;
    SockJS.bootstrap_iframe();
  </script>
</head>
<body>
  <h2>Don't panic!</h2>
  <p>This is a SockJS hidden iframe. It's used for cross domain magic.</p>
</body>
</html>`
	hash := sha256.Sum256([]byte(body + policy))
	return page{body: body, etag: `"` + hex.EncodeToString(hash[:16]) + `"`}
}

// matches reports whether an If-None-Match names the page. Weak ones do: a
// proxy that compresses makes them so.
func (p page) matches(ifNoneMatch string) bool {
	for tag := range strings.SplitSeq(ifNoneMatch, ",") {
		tag = strings.TrimPrefix(strings.TrimSpace(tag), "W/")
		if tag == p.etag || tag == "*" {
			return true
		}
	}
	return false
}

func (s *Server) iframe(c *fiber.Ctx) error {
	s.allowFraming(&c.Response().Header)
	setCached(c, pageAge)
	c.Set(fiber.HeaderETag, s.page.etag)
	if s.page.matches(c.Get(fiber.HeaderIfNoneMatch)) {
		return empty(c, fiber.StatusNotModified)
	}
	c.Set(fiber.HeaderContentType, "text/html; charset=UTF-8")
	return c.SendString(s.page.body)
}

// isIframe reports whether name is "iframe*.html" in the characters that the
// protocol allows there.
func isIframe(name string) bool {
	const head, tail = "iframe", ".html"
	if len(name) < len(head)+len(tail) || name[:len(head)] != head || name[len(name)-len(tail):] != tail {
		return false
	}
	for _, b := range []byte(name[len(head) : len(name)-len(tail)]) {
		if !(b >= '0' && b <= '9' || b >= 'a' && b <= 'z' || b == '-' || b == '.' || b == '_') {
			return false
		}
	}
	return true
}
