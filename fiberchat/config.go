package fiberchat

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"time"

	"github.com/prometheus/client_golang/prometheus"

	"fiberchat.example/fiberchat/chat"
	"fiberchat.example/fiberchat/internal/stomp"
	"fiberchat.example/middleware/origins"
)

// Config of New. The zero value is complete: it keeps messages, users and
// tokens in the SQLite file fiberchat.db. What is left 0 has its default, and
// -1 turns off what can be off: HeartBeat, and the limits that say so.
type Config struct {
	// Store keeps the messages. The caller closes it, after Chat.Close.
	//
	// Optional. Default: sqlstore.Open("fiberchat.db"), closed by Chat.Close
	Store chat.Store

	// Authenticator turns the srect token into a user.
	//
	// Optional. Default: the Store, if it is one
	Authenticator chat.Authenticator

	// Directory finds receivers. An Authenticator of the app's own needs a
	// Directory of the app's own: the ids must be those of the same users. It
	// is asked once a minute for a receiver who has no session on this node,
	// so a user who is renamed or removed shows to senders within a minute.
	//
	// Optional. Default: the Store, if it is one
	Directory chat.Directory

	// CanSend decides who may write to whom. chat.ErrForbidden, or chat.Refuse
	// with the app's own name and text, refuses the message for good, with code
	// -303. Any other error, a panic, and none within Timeouts.Store mean that
	// it could not find out: it is logged as an Error, and the client is
	// answered -300 and sends again. A repetition of a message that was accepted is not
	// refused, if the Store is a chat.Finder. It is called for every message,
	// by several goroutines at once: what it takes, each message of that session
	// takes longer.
	//
	// Optional. Default: nil, everyone may write to everyone
	CanSend func(ctx context.Context, from, to chat.User) error

	// TicketKey signs what Chat.Ticket gives: at least 32 bytes from a random
	// generator, the same on all nodes, which without it give no tickets.
	// Whoever knows it can be any user, and a ticket is good wherever it is the
	// key, so chats with other users need another. One node alone has no use for it.
	//
	// Optional. Default: a random one for each New without a Bus
	TicketKey []byte
	// BeforeSave sees each new message of a client, after CanSend, before it is
	// stored, and may change Content: what it changes else is ignored. Its errors
	// mean what those of CanSend mean. A content that is made empty, longer than
	// Limits.Content, or no UTF-8 without NUL refuses the message with -303, and is
	// logged as an Error: it would be so again. A repetition, which is known by
	// sender, msgID and receiver, is answered as the message was, is not shown
	// again, and needs no equal content; two nodes that get it at once may both show
	// it, and store it once. Chat.Send and SendAs are the app's own and pass by.
	// It needs a Store that is a chat.Finder, which is asked about each message; and
	// it is called by several goroutines at once: what it takes, each message of that
	// session takes longer.
	//
	// Optional. Default: nil, all are stored as they are
	BeforeSave func(ctx context.Context, m *chat.Message) error

	// AfterSave and AfterConfirm hear of each message that this node has stored,
	// or made confirmed, once, in the order in which that happened, after the
	// clients: for a search index, a bot, statistics. They do not hear of it after
	// a crash, nor of what more than 1024 messages wait before: it is counted as
	// fiberchat_hook_dropped_total and logged as an Error. One goroutine calls each
	// of them. A panic and a call that takes longer than Timeouts.Store, when its
	// ctx ends, are logged, and the next message follows. Close waits 5 seconds for
	// those that wait. A message whose commit had no known outcome is heard of when the
	// client repeats it here, if it does. For what must not be missed use Overdue,
	// or read the Store.
	//
	// Optional. Default: nil
	AfterSave, AfterConfirm func(ctx context.Context, m chat.Message)

	// Overdue is told of messages that their receiver has not confirmed
	// OverdueAfter after they were stored, connected or not: the place for a push
	// or an e-mail. One call is about one receiver, and has all that is unconfirmed
	// by then, oldest first, 100 at most: as many are the badge. It is called again
	// for the same receiver when another message of theirs is overdue; and, after 1
	// second to 5 minutes, when it has returned an error, panicked, or not ended by
	// Timeouts.Store, and when its node has died. One node at a time calls it for a
	// receiver, so it may be told twice only after a failure. 8 calls run at once on
	// each node that has an Overdue.
	//
	// It needs a Store that is a chat.OverdueQueue. When a database has its first
	// Overdue, what it holds by then is not told; what is stored while no node with
	// an Overdue runs is told later. Clocks of nodes must agree to some seconds.
	//
	// Optional. Default: nil
	Overdue func(ctx context.Context, to chat.User, unconfirmed []chat.Message) error

	// OverdueAfter is how long a receiver has to confirm: give devices that are
	// connected the time to. Calls come up to two seconds later, or a sixtieth of it.
	// On PostgreSQL and MySQL it is 16 seconds at least: for so long a message may
	// become visible after a later one.
	//
	// Optional. Default: 10 seconds
	OverdueAfter time.Duration

	// OnConnect is told that a user's first session on this node is up,
	// OnDisconnect that the last one is gone. Best effort: after a crash nobody is
	// told. One goroutine calls both, so what they take, the others wait; who
	// has come back before it was told does not show, and the last word is
	// right. Panics and Timeouts.Store as with AfterSave.
	//
	// Optional. Default: nil
	OnConnect, OnDisconnect func(ctx context.Context, user chat.User)

	// Bus carries what is new to the other nodes that share the Store, which
	// must be a chat.Unconfirmed. Without it, users of two nodes do not reach
	// each other until the next init. It carries the messages themselves, so
	// whoever can listen on the broker can read them. See packages natsbus and
	// redisbus.
	//
	// Optional. Default: nil, this is the only node
	Bus Bus

	// Logger gets what fails here as Error, and what clients do wrong as
	// Debug, with the user: the ERROR frames they are sent and the failures on
	// /user/queue/status. No token and no content ever.
	//
	// Optional. Default: slog.Default()
	Logger *slog.Logger

	// Registerer gets the metrics of this Chat, all named fiberchat_*.
	//
	// Optional. Default: nil, none are registered
	Registerer prometheus.Registerer

	// AllowOrigins lists the origins, such as "https://example.com" or, for all
	// sub-domains, "https://*.example.com", whose pages may connect in addition
	// to those of this server's own host; "*" is any. An entry that no origin
	// can be like is an error of New. Behind a proxy that changes the Host header, the
	// own host is X-Forwarded-Host where fiber.Config.EnableTrustedProxyCheck
	// trusts the proxy.
	//
	// Authority is in the token, not in cookies, so a foreign page gains nothing
	// of chat by connecting, and the list is a second lock. It also says who may
	// frame /socketServer/iframe.html, which runs with this origin's rights: set it
	// where the origin serves more than chat. CORS middleware of the app does
	// not bind chat. A browser names no origin when a page of another site asks
	// for a jsonp script, so there the list cannot help.
	//
	// Optional. Default: nil, which means any
	AllowOrigins []string

	// HeartBeat is the interval offered to clients, both ways; the longer of
	// theirs and this one counts. Shorten it where a proxy cuts idle connections
	// sooner; every beat wakes the radio of a phone. -1 offers none: then who
	// is gone is found by Timeouts.Ping.
	//
	// Optional. Default: 10 seconds
	HeartBeat time.Duration

	// Limits bound what clients may use.
	Limits Limits

	// Timeouts bound how long others may take.
	Timeouts Timeouts

	// SockJS is about {prefix}/socketServer.
	SockJS SockJS
}

func (cfg Config) withDefaults() Config {
	setDefault(&cfg.Logger, slog.Default())
	cfg.Logger = slog.New(quietPanics{cfg.Logger.Handler()})
	setDefault(&cfg.HeartBeat, 10*time.Second)
	setDefault(&cfg.OverdueAfter, 10*time.Second)
	cfg.Limits = cfg.Limits.withDefaults()
	cfg.Timeouts = cfg.Timeouts.withDefaults()
	cfg.SockJS = cfg.SockJS.withDefaults()
	return cfg
}

// setDefault sets what was left zero.
func setDefault[T comparable](field *T, value T) {
	var zero T
	if *field == zero {
		*field = value
	}
}

// validate checks what withDefaults has filled in, except for the store.
func (cfg *Config) validate() error {
	if cfg.Authenticator != nil && cfg.Directory == nil {
		return errors.New("fiberchat: Config.Authenticator needs a Config.Directory of the same users")
	}
	if cfg.TicketKey != nil && len(cfg.TicketKey) < minTicketKey {
		return fmt.Errorf("fiberchat: Config.TicketKey has %d bytes, want at least %d from a random generator", len(cfg.TicketKey), minTicketKey)
	}
	if _, err := origins.Parse(cfg.AllowOrigins); err != nil {
		return fmt.Errorf("fiberchat: Config.AllowOrigins: %w", err)
	}
	for _, bound := range []struct {
		name  string
		value int
	}{
		{"Limits.Content", cfg.Limits.Content}, {"Limits.Frame", cfg.Limits.Frame}, {"Limits.Headers", cfg.Limits.Headers},
		{"Limits.HeaderBytes", cfg.Limits.HeaderBytes}, {"Limits.Subscriptions", cfg.Limits.Subscriptions}, {"Limits.Queued", cfg.Limits.Queued},
		{"Timeouts.Connect", int(cfg.Timeouts.Connect)}, {"Timeouts.Ping", int(cfg.Timeouts.Ping)}, {"Timeouts.Write", int(cfg.Timeouts.Write)},
		{"OverdueAfter", int(cfg.OverdueAfter)}, {"Timeouts.Store", int(cfg.Timeouts.Store)}, {"SockJS.DisconnectDelay", int(cfg.SockJS.DisconnectDelay)},
	} {
		if bound.value < 0 {
			return fmt.Errorf("fiberchat: Config.%s must not be negative: it cannot be off", bound.name)
		}
	}
	return cfg.Limits.validate()
}

// resolve finds the store's other roles.
func (cfg *Config) resolve() error {
	if cfg.Authenticator == nil {
		a, ok := cfg.Store.(chat.Authenticator)
		if !ok {
			return errors.New("fiberchat: Config.Authenticator is required: the Store does not check tokens")
		}
		cfg.Authenticator = a
	}
	if cfg.Directory == nil {
		d, ok := cfg.Store.(chat.Directory)
		if !ok {
			return errors.New("fiberchat: Config.Directory is required: the Store does not know users")
		}
		cfg.Directory = d
	}
	switch _, counts := cfg.Store.(chat.Counter); {
	case cfg.Limits.Pending > 0 && !counts:
		return errors.New("fiberchat: Config.Limits.Pending needs a Store that is a chat.Counter")
	case cfg.Limits.Pending == 0 && counts:
		cfg.Limits.Pending = 10_000
	}
	cfg.Limits.Pending = max(cfg.Limits.Pending, 0)
	if _, ok := cfg.Store.(chat.Finder); cfg.BeforeSave != nil && !ok {
		return errors.New("fiberchat: Config.BeforeSave needs a Store that is a chat.Finder, to know what it has seen")
	}
	if _, ok := cfg.Store.(chat.OverdueQueue); cfg.Overdue != nil && !ok {
		return errors.New("fiberchat: Config.Overdue needs a Store that is a chat.OverdueQueue, to remember who was told")
	}
	if _, ok := cfg.Store.(chat.Unconfirmed); cfg.Bus != nil && !ok {
		return errors.New("fiberchat: Config.Bus needs a Store that is a chat.Unconfirmed, to find what the bus loses")
	}
	return nil
}

func (cfg *Config) stomp() *stomp.Config {
	return &stomp.Config{
		Limits: stomp.Limits{
			Frame: cfg.Limits.Frame, Headers: cfg.Limits.Headers, Section: cfg.Limits.HeaderBytes,
		},
		Subscriptions:  cfg.Limits.Subscriptions,
		Queue:          cfg.Limits.Queued,
		HeartBeat:      max(cfg.HeartBeat, 0),
		PingInterval:   cfg.Timeouts.Ping,
		ConnectTimeout: cfg.Timeouts.Connect,
		Server:         "fiberchat",
		MaxContent:     cfg.Limits.Content,
	}
}
