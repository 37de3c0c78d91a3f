package fiberchat

import (
	"fmt"
	"math"
	"time"
)

// Limits of Config. Each is checked before memory is allocated. OPERATING.md
// says what a client that goes beyond one is answered.
type Limits struct {
	// Content is how many bytes of UTF-8 a message's text may have; a longer
	// one is refused with -400 TooLarge. Frame and Queued follow it.
	//
	// Optional. Default: 48 KiB
	Content int

	// Frame is how many bytes one STOMP frame may have; a larger one ends the
	// session with ERROR frame-too-large, whose client does not learn which
	// message it was. So it must hold the longest content as JSON can spell
	// it, six bytes for one: 6 x Content + HeaderBytes at least.
	//
	// Optional. Default: 6 x Content + HeaderBytes, 296 KiB by default
	Frame int

	// Headers is how many header lines a frame may have, and HeaderBytes how
	// many bytes its command and headers. No known client needs more; what is
	// beyond ends the session with ERROR frame-too-large.
	//
	// Optional. Default: 64, 8 KiB
	Headers, HeaderBytes int

	// Subscriptions is per session. A client needs four or five; one that
	// subscribes anew without unsubscribing ends with ERROR
	// too-many-subscriptions.
	//
	// Optional. Default: 32
	Subscriptions int

	// UserSessions is per user, on this node; one more closes the user's
	// oldest with ERROR replaced. -1 means no limit: then one account can use
	// up Sessions.
	//
	// Optional. Default: 16
	UserSessions int

	// Sessions is for all users together, on this node; one more is refused
	// with HTTP 503, and through SockJS with c[1013,...]. Each takes a file
	// descriptor and some 20 KiB, so set it below what ulimit -n and the memory
	// allow. -1 means no limit: then Accept fails for everybody when descriptors
	// run out.
	//
	// Optional. Default: 100000
	Sessions int

	// Queued is how many bytes may wait for one client; beyond it the session
	// is closed, and init brings what it missed. Raise it where clients on
	// slow networks get bursts; Sessions times Queued is what clients that
	// stop reading can make the node hold. It must hold one message as it is
	// sent: 6 x Content + HeaderBytes.
	//
	// Optional. Default: 512 KiB, or 6 x Content + HeaderBytes if that is more
	Queued int

	// Pending is how many unconfirmed messages a receiver may pile up; more
	// are answered -400 RateLimited and not stored. Lower it where strangers may
	// write to each other. It needs a Store that is a chat.Counter, and a query
	// for each message to a receiver who is close to it. Messages on their way at
	// the same moment may go beyond it, and with more than two nodes those that
	// each takes at once. A user may have as many unconfirmed notices: one more is
	// ErrTooManyNotices of Notify. -1 means no limit: then one account can fill the disk.
	//
	// Optional. Default: 10000 with a Store that is a chat.Counter, else no limit
	Pending int

	// SendRate is how many messages a second a user may send, frames to
	// destinations of Handle included, over all sessions on this node, with
	// bursts of four times as many. Whoever is faster is read more slowly;
	// nothing is refused. Inits, what else is asked for (conversations, history,
	// sync, read), and confirmations that confirm nothing (of messages that do
	// not exist, or that are confirmed already, or not to be read), have each a
	// like limit of their own.
	// -1 means no limit: then one account can keep the store busy.
	//
	// Optional. Default: 50
	SendRate float64

	// SendBytes is how many bytes of content a second a user may send, over all
	// sessions on this node, with bursts of sixteen times as many. Whoever is
	// faster is read more slowly; nothing is refused. What a user's sessions get
	// from the store, by init or asked for, comes at 64 times as much a second, beyond a burst
	// of 256 times. -1 means no limit: then one account can fill the disk with
	// SendRate times Content, and have its backlog again and again.
	//
	// Optional. Default: 64 KiB
	SendBytes int
}

// unlimited is what no number of sessions reaches; twice it is an int too.
const unlimited = math.MaxInt32 / 2

func (l Limits) withDefaults() Limits {
	setDefault(&l.Content, 48<<10)
	setDefault(&l.Headers, 64)
	setDefault(&l.HeaderBytes, 8<<10)
	setDefault(&l.Frame, l.largest())
	setDefault(&l.Subscriptions, 32)
	setDefault(&l.UserSessions, 16)
	setDefault(&l.Sessions, 100_000)
	setDefault(&l.Queued, max(512<<10, l.largest()))
	setDefault(&l.SendRate, 50)
	setDefault(&l.SendBytes, 64<<10)
	if l.UserSessions < 0 {
		l.UserSessions = unlimited
	}
	if l.Sessions < 0 {
		l.Sessions = unlimited
	}
	return l
}

// largest is a frame with the longest content, each byte of which JSON spells
// with six at most, as \u0000.
func (l *Limits) largest() int { return 6*l.Content + l.HeaderBytes }

func (l *Limits) validate() error {
	if l.Frame < l.largest() {
		return fmt.Errorf("fiberchat: Config.Limits.Frame must be at least %d: 6 x Content, for JSON may spell a byte with six, and HeaderBytes", l.largest())
	}
	if l.Queued < l.largest() {
		return fmt.Errorf("fiberchat: Config.Limits.Queued must be at least %d: 6 x Content, for JSON may spell a byte with six, and HeaderBytes", l.largest())
	}
	return nil
}

// Timeouts of Config. None can be off.
type Timeouts struct {
	// Connect is how long a client may take from the upgrade to its CONNECT
	// frame; beyond it the session ends with ERROR connect-timeout.
	//
	// Optional. Default: 30 seconds
	Connect time.Duration

	// Ping is how often clients without heart-beats are pinged; one that is
	// silent for twice as long is dropped. Shorten it where who is gone must
	// show sooner.
	//
	// Optional. Default: 30 seconds
	Ping time.Duration

	// Write is how long a client may take nothing of what is written to it
	// before its connection is cut; init brings what it missed.
	//
	// Optional. Default: 30 seconds
	Write time.Duration

	// Store ends an operation of the Store, the Directory or the Authenticator,
	// a call of a hook, and a handler of Handle. A client that waits for it is answered -300 (of the
	// Authenticator: HTTP 503). With a Bus it is also how far each node looks
	// back for what the bus lost. Shorter than the database takes under load,
	// it makes clients send again what is being stored.
	//
	// Optional. Default: 10 seconds
	Store time.Duration
}

func (t Timeouts) withDefaults() Timeouts {
	setDefault(&t.Connect, 30*time.Second)
	setDefault(&t.Ping, 30*time.Second)
	setDefault(&t.Write, 30*time.Second)
	setDefault(&t.Store, 10*time.Second)
	return t
}

// SockJS of Config.
type SockJS struct {
	// ClientURL is the sockjs-client library that iframe*.html of
	// /socketServer loads, and ClientIntegrity its hash. The library runs with
	// the rights of this origin: name an exact version. It must be the version
	// that your pages have: sockjs-client's iframe transports, which are the
	// fallbacks of pages of another origin, refuse another one ("Incompatible
	// SockJS!"). The default needs cdn.jsdelivr.net: set both where browsers
	// cannot reach it. A browser keeps the page for up to 12 days.
	//
	// Optional. Default: sockjs-client 1.6.1 from cdn.jsdelivr.net and its hash
	ClientURL, ClientIntegrity string

	// Cookie sets JSESSIONID on the session URLs of /socketServer, for load
	// balancers that stick to it. Without stickiness of some kind, polling
	// sessions break on several nodes.
	//
	// Optional. Default: false
	Cookie bool

	// DisconnectDelay is how long a session of a polling or streaming
	// transport lives without a request that receives. Too short, it ends
	// those of slow networks between two polls.
	//
	// Optional. Default: 5 seconds
	DisconnectDelay time.Duration
}

func (s SockJS) withDefaults() SockJS {
	setDefault(&s.DisconnectDelay, 5*time.Second)
	return s
}
