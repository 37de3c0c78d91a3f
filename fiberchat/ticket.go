package fiberchat

import (
	"context"
	"crypto/hmac"
	"crypto/rand"
	"crypto/sha256"
	"encoding/base64"
	"encoding/binary"
	"errors"
	"fmt"
	"strings"
	"time"

	"fiberchat.example/fiberchat/chat"
)

const (
	// ticketPrefix tells a ticket from a token of the app's.
	ticketPrefix = "fiberchat-ticket."
	ticketLife   = time.Minute
	// maxTicket is the longest token that the doors look at.
	maxTicket    = 4 << 10
	minTicketKey = 32
)

// ticket is what Chat.Ticket has signed.
type ticket struct {
	identity chat.Identity
	issued   time.Time
	id       ticketID
}

type ticketID [16]byte

func (t *ticket) end() time.Time { return t.issued.Add(ticketLife) }

var (
	errTicketKey     = errors.New("fiberchat: tickets of several nodes need a Config.TicketKey, the same on all of them")
	errTicketTooLong = fmt.Errorf("fiberchat: the ticket would be longer than %d bytes: user name and TokenID are too long", maxTicket)
)

// Ticket gives a token for one connection of identity, to be used within a
// minute: put it where srect goes, so that no long-lived secret stands in a
// URL. At /client it is good for one handshake, over SockJS for the one session
// id that opened a session with it, as long as that session lives; asking for
// info does not use it up. A ticket that was used, or is not one of ours, is
// answered 401 Unauthorized, a late one 401 TokenExpired.
//
// It stands for identity as the Authenticator would return it: Revoke of its
// TokenID and Disconnect of its user end the ticket and its connection, and so
// does ExpiresAt. The Authenticator is not asked again. Only chat's doors take
// tickets. A token that begins with "fiberchat-ticket." is taken for one, so
// the app's own must not.
//
// A ticket of a node that has restarted, or from before another node's start, is
// late there. With a Bus it needs Config.TicketKey, and a ticket that is used
// on two nodes within the bus's delay, or while the bus is away, may be good on
// both. An identity that no token could stand for is an error, one that has
// expired chat.ErrExpired. It asks nobody and does not wait.
func (ch *Chat) Ticket(_ context.Context, identity chat.Identity) (string, error) {
	switch {
	case ch.isClosing():
		return "", ErrClosed
	case !validID(identity.User.ID):
		return "", fmt.Errorf("fiberchat: make a ticket: user id %d, want one from 1 to %d", identity.User.ID, int64(chat.MaxUserID))
	case hasEnded(identity):
		return "", fmt.Errorf("fiberchat: make a ticket: %w", chat.ErrExpired)
	case ch.tickets.key == nil:
		return "", errTicketKey
	}
	t := ticket{identity: identity, issued: time.Now()}
	_, _ = rand.Read(t.id[:]) // never fails
	token := ch.tickets.sign(&t)
	if len(token) > maxTicket {
		return "", errTicketTooLong
	}
	return token, nil
}

func hasEnded(identity chat.Identity) bool {
	return !identity.ExpiresAt.IsZero() && !time.Now().Before(identity.ExpiresAt)
}

func isTicket(token string) bool { return strings.HasPrefix(token, ticketPrefix) }

// sign returns the prefix and, in base64url, the signature and what is signed.
func (ts *tickets) sign(t *ticket) string {
	b := append(make([]byte, sha256.Size, 256), t.id[:]...)
	b = binary.AppendVarint(b, t.issued.UnixNano())
	expires := int64(0)
	if at := t.identity.ExpiresAt; !at.IsZero() {
		expires = at.UnixMilli()
	}
	b = binary.AppendVarint(b, expires)
	b = binary.AppendVarint(b, t.identity.User.ID)
	b = binary.AppendUvarint(b, uint64(len(t.identity.TokenID)))
	b = append(b, t.identity.TokenID...)
	b = append(b, t.identity.User.Name...)
	copy(b, ts.signature(b[sha256.Size:]))
	return ticketPrefix + base64.RawURLEncoding.EncodeToString(b)
}

func (ts *tickets) signature(content []byte) []byte {
	mac := hmac.New(sha256.New, ts.key)
	mac.Write([]byte(ticketPrefix)) // so that the key may have signed other things
	mac.Write(content)
	return mac.Sum(nil)
}

// parse reads what sign wrote; nil is for all else.
func (ts *tickets) parse(token string) *ticket {
	b, err := base64.RawURLEncoding.DecodeString(strings.TrimPrefix(token, ticketPrefix))
	if err != nil || len(b) < sha256.Size || ts.key == nil || !hmac.Equal(b[:sha256.Size], ts.signature(b[sha256.Size:])) {
		return nil
	}
	// Nobody else signs, so the rest is whole.
	t := new(ticket)
	b = b[sha256.Size+copy(t.id[:], b[sha256.Size:]):]
	number := func() int64 {
		v, n := binary.Varint(b)
		b = b[n:]
		return v
	}
	t.issued = time.Unix(0, number())
	if ms := number(); ms != 0 {
		t.identity.ExpiresAt = time.UnixMilli(ms).UTC()
	}
	t.identity.User.ID = number()
	size, n := binary.Uvarint(b)
	t.identity.TokenID = string(b[n : n+int(size)])
	t.identity.User.Name = string(b[n+int(size):])
	return t
}
