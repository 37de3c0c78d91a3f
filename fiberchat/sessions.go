package fiberchat

import (
	"strings"
	"time"

	"github.com/gofiber/fiber/v2"
)

// SessionInfo is one session of a user: what a page "your devices" shows.
type SessionInfo struct {
	// TokenID is that of the session's Identity: what Revoke takes.
	TokenID string
	// Transport is "native", or SockJS's name: "websocket", "xhr_streaming".
	Transport string
	// IP is where the handshake came from, as Fiber's c.IP() has it: behind a
	// proxy set fiber.Config.ProxyHeader, and EnableTrustedProxyCheck, or it is
	// the proxy's, or what the client made up. At most 255 bytes of it are kept.
	IP string
	// Since is when the handshake came.
	Since time.Time
}

// Sessions returns the sessions of a user on this node, the oldest first; none
// once Close is done.
func (ch *Chat) Sessions(userID int64) []SessionInfo {
	var infos []SessionInfo
	for _, c := range ch.hub.Of(userID) {
		if !c.session.Over() {
			infos = append(infos, SessionInfo{TokenID: c.identity.TokenID, Transport: c.transport, IP: c.ip, Since: c.started})
		}
	}
	return infos
}

// maxIP bounds what a proxy's header makes a session keep.
const maxIP = 255

// ipOf is for Sessions. The request's memory is used again.
func ipOf(c *fiber.Ctx) string {
	ip := c.IP()
	return strings.Clone(ip[:min(len(ip), maxIP)])
}
