package fiberchat

import (
	"bytes"
	"context"
	"crypto/rand"
	"encoding/binary"
	"errors"
	"strconv"
	"sync"
	"time"

	"github.com/gofiber/fiber/v2"

	"fiberchat.example/fiberchat/chat"
)

// maxUsedTickets bounds the tickets of the last minute that are known to be
// used, of all nodes: 10 MiB.
const maxUsedTickets = 1 << 18

var errTooManyTickets = errors.New("too many tickets were used within a minute")

// tickets signs tickets and remembers the used ones. Safe for concurrent use.
type tickets struct {
	key   []byte // nil: there can be none
	since time.Time

	mu   sync.Mutex
	used map[ticketID]time.Time // to their ends
}

// newTickets makes a key where cfg has none and needs none.
func newTickets(cfg *Config) *tickets {
	ts := &tickets{key: bytes.Clone(cfg.TicketKey), since: time.Now(), used: make(map[ticketID]time.Time)}
	if ts.key == nil && cfg.Bus == nil {
		ts.key = make([]byte, minTicketKey)
		_, _ = rand.Read(ts.key) // never fails
	}
	return ts
}

// use notes that a ticket is used, and reports whether it was not.
func (ts *tickets) use(id ticketID, end time.Time) bool {
	ts.mu.Lock()
	defer ts.mu.Unlock()
	if _, known := ts.used[id]; known || len(ts.used) >= maxUsedTickets {
		return false
	}
	ts.used[id] = end
	return true
}

// check says why a ticket cannot be used, if so.
func (ts *tickets) check(id ticketID) error {
	ts.mu.Lock()
	defer ts.mu.Unlock()
	switch _, known := ts.used[id]; {
	case known:
		return chat.ErrUnauthorized
	case len(ts.used) >= maxUsedTickets:
		return errTooManyTickets
	}
	return nil
}

func (ts *tickets) prune(now time.Time) {
	ts.mu.Lock()
	defer ts.mu.Unlock()
	for id, end := range ts.used {
		if now.After(end) {
			delete(ts.used, id)
		}
	}
}

// tell has other nodes hear of the used ones again.
func (ts *tickets) tell(n *node) {
	ts.mu.Lock()
	defer ts.mu.Unlock()
	for id, end := range ts.used {
		n.addUsedTicket(id, end)
	}
}

func (n *node) addUsedTicket(id ticketID, end time.Time) {
	n.add(entry{kind: entryTicket, body: binary.AppendVarint(id[:], end.UnixNano())})
}

// hear takes what addUsedTicket wrote.
func (ts *tickets) hear(body []byte) {
	var id ticketID
	if end, n := binary.Varint(body[copy(id[:], body):]); n > 0 {
		ts.use(id, time.Unix(0, end))
	}
}

// doorAuth is the doors' Authenticator: tickets are for them alone.
type doorAuth struct {
	chat.Authenticator
	chat *Chat
}

// requestKey is where an Authenticator's context has the request of a ticket,
// ticketKey where the request has the ticket once it was found good.
type requestKey struct{}

const ticketKey = "fiberchat.ticket"

// withRequest gives doorAuth what it needs to know of a request with a ticket.
func withRequest(c *fiber.Ctx) {
	if isTicket(c.Query("srect")) {
		c.SetUserContext(context.WithValue(c.UserContext(), requestKey{}, c))
	}
}

func ticketOf(c *fiber.Ctx) *ticket {
	t, _ := c.Locals(ticketKey).(*ticket)
	return t
}

// Authenticate implements chat.Authenticator. It uses no ticket up: who asks
// for info, or shakes hands in a way that is refused, has not connected.
func (a doorAuth) Authenticate(ctx context.Context, token string) (chat.Identity, error) {
	if !isTicket(token) {
		return a.Authenticator.Authenticate(ctx, token)
	}
	t := a.chat.tickets.parse(token)
	c, ok := ctx.Value(requestKey{}).(*fiber.Ctx)
	if t == nil || !ok {
		return chat.Identity{}, chat.ErrUnauthorized
	}
	// What ends the ticket ends its session, which then has a last word.
	if !a.chat.sockjs.Has(c, userKey(t.identity.User.ID), t.credential()) {
		if err := a.chat.checkTicket(t); err != nil {
			return chat.Identity{}, err
		}
	}
	c.Locals(ticketKey, t)
	return t.identity, nil
}

// checkTicket says why a ticket opens nothing, if so.
func (ch *Chat) checkTicket(t *ticket) error {
	skew := clockSkew
	if ch.node.alone() {
		skew = 0
	}
	user := ch.revoked.time(revoked{revokedUser, userKey(t.identity.User.ID)})
	token := t.identity.TokenID
	switch {
	case token != "" && !ch.revoked.time(revoked{revokedToken, token}).IsZero(),
		!user.IsZero() && !t.issued.After(user.Add(skew)):
		return chat.ErrUnauthorized
	case hasEnded(t.identity), !time.Now().Before(t.end()),
		t.issued.Before(ch.tickets.since): // those that were used then are forgotten
		return chat.ErrExpired
	}
	return ch.tickets.check(t.id)
}

// useTicket uses up the ticket of a request that is about to connect, if it has
// one; of several with the same one, it answers all but the first.
func (ch *Chat) useTicket(c *fiber.Ctx) bool {
	t := ticketOf(c)
	if t == nil {
		return true
	}
	if !ch.tickets.use(t.id, t.end()) {
		ch.metrics.AuthFailures.WithLabelValues("unauthorized").Inc()
		_ = c.Status(fiber.StatusUnauthorized).JSON(refusal(failUnauthorized)) // always marshals
		return false
	}
	ch.node.addUsedTicket(t.id, t.end())
	ch.node.flush()
	return true
}

// credential is what a SockJS session is reached with that this ticket opened;
// of one that a token opened it is empty.
func (t *ticket) credential() string {
	if t == nil {
		return ""
	}
	return string(t.id[:])
}

func userKey(id int64) string { return strconv.FormatInt(id, 10) }
