package fiberchat

import (
	"strconv"
	"sync"
	"time"

	"fiberchat.example/fiberchat/internal/stomp"
)

// A revocation is (kind, id, time): it ends the sessions of one token, or
// those of one user that began before it. Nodes keep it for an hour, for
// sign-ins that are under way and for nodes that could not be reached, to
// which they repeat what they know after a gap of the bus.
type revocation struct {
	revoked
	at time.Time
}

type revoked struct {
	kind byte
	id   string // of the token, or of the user
}

// The bytes are on the bus.
const (
	revokedToken = 'r'
	revokedUser  = 'u'
)

const (
	keepRevoked = time.Hour
	maxRevoked  = 100_000
	// clockSkew is by how much the clocks of two nodes may differ.
	clockSkew = time.Second
)

// Revoke ends the sessions of one token, by its Identity.TokenID, with ERROR
// token-expired and close code 1008, on all nodes. Call it after the
// Authenticator has stopped accepting the token. It waits for no client and for
// no other node. After Close it does nothing: call it on a node that runs.
func (ch *Chat) Revoke(tokenID string) {
	if tokenID != "" {
		ch.endEverywhere(revoked{revokedToken, tokenID})
	}
}

// Disconnect ends all sessions of a user, with ERROR disconnected and close
// code 1008, on all nodes, those whose token is being checked included. The
// user may connect again: ban whom the Authenticator is to refuse before. It waits for no client
// and for no other node. After Close it does nothing: call it on a node that runs.
func (ch *Chat) Disconnect(userID int64) {
	if !validID(userID) {
		return // nobody's
	}
	ch.endEverywhere(revoked{revokedUser, strconv.FormatInt(userID, 10)})
}

func (ch *Chat) endEverywhere(what revoked) {
	r := revocation{what, time.Now()}
	if known := ch.revoked.time(what); !r.at.After(known) {
		r.at = known.Add(1) // of a node whose clock is ahead: this is another one
	}
	ch.end([]revocation{r}, 0)
	ch.node.addRevoked(r)
	ch.node.flush()
}

// end carries out the revocations that this node does not know yet, on this
// node. skew is by how much the clock that dated them may differ from this one.
func (ch *Chat) end(all []revocation, skew time.Duration) {
	tokens := make(map[string]bool)
	for _, r := range all {
		if !ch.revoked.add(r) {
			continue
		}
		switch r.kind {
		case revokedToken:
			tokens[r.id] = true
		case revokedUser:
			userID, err := strconv.ParseInt(r.id, 10, 64)
			if err != nil {
				continue // of another version
			}
			for _, c := range ch.hub.Of(userID) {
				if !c.started.After(r.at.Add(skew)) {
					c.disconnect()
				}
			}
		}
	}
	if len(tokens) == 0 {
		return
	}
	for _, c := range ch.hub.All() { // once for all of them
		if tokens[c.identity.TokenID] {
			c.expire()
		}
	}
}

// endIfRevoked ends a session whose token or user was revoked while it was
// being made.
func (ch *Chat) endIfRevoked(c *client) {
	token := c.identity.TokenID
	switch {
	case token != "" && !ch.revoked.time(revoked{revokedToken, token}).IsZero():
		c.expire()
	case !c.started.After(ch.revoked.time(revoked{revokedUser, strconv.FormatInt(c.identity.User.ID, 10)})):
		c.disconnect()
	}
}

// expire ends a session whose token has ended.
func (c *client) expire() {
	c.session.Expel(&stomp.Error{Token: "token-expired", Text: "the token has ended, sign in again", Code: stomp.ClosePolicy})
}

// disconnect ends a session whose user the app has disconnected.
func (c *client) disconnect() {
	c.session.Expel(&stomp.Error{Token: "disconnected", Text: "the server ended your sessions", Code: stomp.ClosePolicy})
}

// revocations is those of late. Safe for concurrent use.
type revocations struct {
	mu    sync.Mutex
	times map[revoked]time.Time
}

// add notes a revocation and reports whether it was not known.
func (rs *revocations) add(r revocation) bool {
	rs.mu.Lock()
	defer rs.mu.Unlock()
	at, known := rs.times[r.revoked]
	if known && !r.at.After(at) {
		return false
	}
	if known || len(rs.times) < maxRevoked {
		rs.times[r.revoked] = r.at
	}
	return true
}

// time is when something was revoked, the zero time when it was not.
func (rs *revocations) time(what revoked) time.Time {
	rs.mu.Lock()
	defer rs.mu.Unlock()
	return rs.times[what]
}

func (rs *revocations) all() []revocation {
	rs.mu.Lock()
	defer rs.mu.Unlock()
	all := make([]revocation, 0, len(rs.times))
	for what, at := range rs.times {
		all = append(all, revocation{what, at})
	}
	return all
}

// prune forgets the old ones.
func (rs *revocations) prune(now time.Time) {
	rs.mu.Lock()
	defer rs.mu.Unlock()
	for what, at := range rs.times {
		if now.Sub(at) > keepRevoked {
			delete(rs.times, what)
		}
	}
}
