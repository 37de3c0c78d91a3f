package fiberchat

import (
	"strconv"
	"time"

	"fiberchat.example/fiberchat/internal/stomp"
)

// ending is a token or a user whose sessions end.
type ending struct {
	kind byte
	id   string // of the token, or of the user
}

// The octets are on the bus.
const (
	endToken = 'r'
	endUser  = 'u'
)

// endingAt is an ending and when it was.
type endingAt struct {
	ending
	at time.Time
}

const (
	// rememberFor is how long endings are kept: for sign-ins that are under
	// way, and for nodes that could not be reached.
	rememberFor = time.Hour
	// maxEndings bounds what is kept.
	maxEndings = 100_000
	// clockSkew is by how much the clocks of two nodes may differ.
	clockSkew = time.Second
)

// Revoke ends the sessions of one token, by its Identity.TokenID, with ERROR
// token-expired and close code 1008, on all nodes. Call it after the
// Authenticator has stopped accepting the token.
func (ch *Chat) Revoke(tokenID string) {
	if tokenID != "" {
		ch.endEverywhere(ending{endToken, tokenID})
	}
}

// Disconnect ends all sessions of a user, with ERROR disconnected and close
// code 1008, on all nodes. The user may connect again.
func (ch *Chat) Disconnect(userID int64) {
	ch.endEverywhere(ending{endUser, strconv.FormatInt(userID, 10)})
}

func (ch *Chat) endEverywhere(e ending) {
	at := time.Now()
	ch.mu.Lock()
	if known, ok := ch.endings[e]; ok && !at.After(known) {
		at = known.Add(1) // told by a node whose clock is ahead: this is another one
	}
	ch.mu.Unlock()
	all := []endingAt{{e, at}}
	ch.end(all, 0)
	ch.link.publish(controlTopic, hintEndings, appendEnding(nil, all[0]))
}

// end carries out the endings that this node does not know yet, on this node.
// skew is by how much the clock they were told by may differ from this one.
func (ch *Chat) end(all []endingAt, skew time.Duration) {
	tokens := make(map[string]bool)
	for _, e := range all {
		if !ch.remember(e) {
			continue
		}
		switch e.kind {
		case endToken:
			tokens[e.id] = true
		case endUser:
			userID, err := strconv.ParseInt(e.id, 10, 64)
			if err != nil {
				continue // of another version
			}
			for _, p := range ch.hub.Of(userID) {
				if !p.begun.After(e.at.Add(skew)) {
					p.disconnect()
				}
			}
		}
	}
	if len(tokens) == 0 {
		return
	}
	for _, p := range ch.hub.All() { // once for all of them
		if tokens[p.identity.TokenID] {
			p.expire()
		}
	}
}

// remember notes an ending, unless it is known.
func (ch *Chat) remember(e endingAt) bool {
	ch.mu.Lock()
	defer ch.mu.Unlock()
	at, known := ch.endings[e.ending]
	if known && !e.at.After(at) {
		return false
	}
	if known || len(ch.endings) < maxEndings {
		ch.endings[e.ending] = e.at
	}
	return true
}

// endIfOver ends a session whose token or user was ended while it was being made.
func (ch *Chat) endIfOver(p *peer) {
	ch.mu.Lock()
	_, revoked := ch.endings[ending{endToken, p.identity.TokenID}]
	at := ch.endings[ending{endUser, strconv.FormatInt(p.identity.User.ID, 10)}]
	ch.mu.Unlock()
	switch {
	case revoked && p.identity.TokenID != "":
		p.expire()
	case !p.begun.After(at):
		p.disconnect()
	}
}

// forgetEndings drops the old ones.
func (ch *Chat) forgetEndings(now time.Time) {
	ch.mu.Lock()
	defer ch.mu.Unlock()
	for e, at := range ch.endings {
		if now.Sub(at) > rememberFor {
			delete(ch.endings, e)
		}
	}
}

// expire ends a session whose token has ended.
func (p *peer) expire() {
	p.session.Fail(&stomp.Error{Token: "token-expired", Text: "the token has ended, sign in again", Code: stomp.ClosePolicy})
}

// disconnect ends a session whose user the app has disconnected.
func (p *peer) disconnect() {
	p.session.Fail(&stomp.Error{Token: "disconnected", Text: "the server ended your sessions", Code: stomp.ClosePolicy})
}
