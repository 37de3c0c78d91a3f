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
)

// Config of New. The zero value is complete: it keeps messages, users and
// tokens in the SQLite file fiberchat.db.
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

	// CanSend decides who may write to whom; an error refuses the message
	// with code -303, unless it is the repetition of one that was accepted (and
	// the Store is a chat.Counter). It is called for every message, by several
	// goroutines at once, and has StoreTimeout to answer.
	//
	// Optional. Default: nil, everyone may write to everyone
	CanSend func(ctx context.Context, from, to chat.User) error

	// Bus carries what is new to the other nodes that share the Store, which
	// must be a chat.Unconfirmed. It carries the messages themselves, so who
	// can listen on it can read them. See packages natsbus and redisbus.
	//
	// Optional. Default: nil, this is the only node
	Bus Bus

	// Logger gets a child with the user for each session. What clients do
	// wrong is Debug, what fails here Error; no token and no content ever.
	//
	// Optional. Default: slog.Default()
	Logger *slog.Logger

	// Registerer gets the metrics of this Chat, all named fiberchat_*.
	//
	// Optional. Default: nil, none are registered
	Registerer prometheus.Registerer

	// AllowOrigins lists the origins, such as "https://example.com", whose
	// pages may connect, beside those of this server's own host; "*" is any.
	// A browser names no origin when a page of another site asks for a jsonp
	// script, so there the list cannot help. Authority is in the token, not in cookies, so a
	// foreign page gains nothing by connecting.
	//
	// Optional. Default: nil, which means any
	AllowOrigins []string

	// SockJSClientURL is the sockjs-client library that iframe*.html of
	// /socketServer loads, and SockJSClientIntegrity its hash. The library
	// runs with the rights of this origin: name an exact version.
	//
	// Optional. Default: sockjs-client 1.6.1 from cdn.jsdelivr.net and its hash
	SockJSClientURL, SockJSClientIntegrity string

	// SockJSCookie sets JSESSIONID on the session URLs of /socketServer, for
	// load balancers that stick to it.
	//
	// Optional. Default: false
	SockJSCookie bool

	// HeartBeat is the interval offered to clients, both ways; negative
	// offers none.
	//
	// Optional. Default: 10 seconds
	HeartBeat time.Duration

	// SendRate is how many messages a second a user may send, over all
	// sessions on this node, with bursts of four times as many. Whoever is
	// faster is read more slowly; nothing is refused. Inits, and confirmations
	// of messages that do not exist, have each a like limit of their own.
	// Negative means no limit.
	//
	// Optional. Default: 50
	SendRate float64

	// MaxPending is how many unconfirmed messages a receiver may pile up;
	// more are answered -400 RateLimited and not stored. It needs a Store
	// that is a chat.Counter and costs a query for each message. Messages on
	// their way at the same moment may go beyond it.
	//
	// Optional. Default: 0, no limit
	MaxPending int

	// MaxContent is how many octets of UTF-8 a message may have.
	//
	// Optional. Default: 48 KiB
	MaxContent int

	// MaxFrame, MaxHeaders and MaxHeaderBytes bound one STOMP frame: all of
	// it, its header lines, and the octets of command and headers.
	//
	// Optional. Default: 64 KiB, 64, 8 KiB
	MaxFrame, MaxHeaders, MaxHeaderBytes int

	// MaxSubscriptions is per session.
	//
	// Optional. Default: 32
	MaxSubscriptions int

	// MaxUserSessions is per user; one more closes the user's oldest.
	//
	// Optional. Default: 16
	MaxUserSessions int

	// MaxSessions is for all users together; one more is refused with 503.
	// Negative means no limit.
	//
	// Optional. Default: 100000
	MaxSessions int

	// MaxQueued is how many octets may wait for one client; beyond it the
	// session is closed, and init brings what it missed.
	//
	// Optional. Default: 512 KiB
	MaxQueued int

	// ConnectTimeout is how long a client may take from the upgrade to its
	// CONNECT frame.
	//
	// Optional. Default: 30 seconds
	ConnectTimeout time.Duration

	// PingInterval is how often clients without heart-beats are pinged; one
	// that is silent for twice as long is dropped.
	//
	// Optional. Default: 30 seconds
	PingInterval time.Duration

	// WriteTimeout is how long a client may take nothing of what is written
	// to it before its connection is cut.
	//
	// Optional. Default: 30 seconds
	WriteTimeout time.Duration

	// SockJSDisconnectDelay is how long a session of a polling or streaming
	// transport lives without a request that receives.
	//
	// Optional. Default: 5 seconds
	SockJSDisconnectDelay time.Duration

	// StoreTimeout ends an operation of the Store, the Directory, CanSend or
	// the Authenticator.
	//
	// Optional. Default: 10 seconds
	StoreTimeout time.Duration
}

// setDefault sets what was left zero.
func setDefault[T comparable](field *T, value T) {
	var zero T
	if *field == zero {
		*field = value
	}
}

func (cfg Config) withDefaults() Config {
	setDefault(&cfg.Logger, slog.Default())
	setDefault(&cfg.HeartBeat, 10*time.Second)
	setDefault(&cfg.SendRate, 50)
	setDefault(&cfg.MaxContent, 48<<10)
	setDefault(&cfg.MaxFrame, 64<<10)
	setDefault(&cfg.MaxHeaders, 64)
	setDefault(&cfg.MaxHeaderBytes, 8<<10)
	setDefault(&cfg.MaxSubscriptions, 32)
	setDefault(&cfg.MaxUserSessions, 16)
	setDefault(&cfg.MaxSessions, 100_000)
	setDefault(&cfg.MaxQueued, 512<<10)
	setDefault(&cfg.ConnectTimeout, 30*time.Second)
	setDefault(&cfg.PingInterval, 30*time.Second)
	setDefault(&cfg.WriteTimeout, 30*time.Second)
	setDefault(&cfg.SockJSDisconnectDelay, 5*time.Second)
	setDefault(&cfg.StoreTimeout, 10*time.Second)
	return cfg
}

// validate checks what withDefaults has filled in, but for the store.
func (cfg *Config) validate() error {
	if cfg.Authenticator != nil && cfg.Directory == nil {
		return errors.New("fiberchat: Config.Authenticator needs a Config.Directory of the same users")
	}
	for _, limit := range []struct {
		name  string
		value int
	}{
		{"MaxPending", cfg.MaxPending}, {"MaxContent", cfg.MaxContent}, {"MaxFrame", cfg.MaxFrame}, {"MaxHeaders", cfg.MaxHeaders},
		{"MaxHeaderBytes", cfg.MaxHeaderBytes}, {"MaxSubscriptions", cfg.MaxSubscriptions},
		{"MaxUserSessions", cfg.MaxUserSessions}, {"MaxQueued", cfg.MaxQueued},
		{"ConnectTimeout", int(cfg.ConnectTimeout)}, {"PingInterval", int(cfg.PingInterval)},
		{"WriteTimeout", int(cfg.WriteTimeout)}, {"SockJSDisconnectDelay", int(cfg.SockJSDisconnectDelay)},
		{"StoreTimeout", int(cfg.StoreTimeout)},
	} {
		if limit.value < 0 {
			return fmt.Errorf("fiberchat: Config.%s must not be negative", limit.name)
		}
	}
	if cfg.MaxFrame <= cfg.MaxContent {
		return errors.New("fiberchat: Config.MaxFrame must be larger than MaxContent")
	}
	// A client's queue must take a frame with its escapes: six octets for one.
	if cfg.MaxQueued < 6*cfg.MaxContent+cfg.MaxHeaderBytes {
		return errors.New("fiberchat: Config.MaxQueued must be more than six times MaxContent")
	}
	return nil
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
	if _, ok := cfg.Store.(chat.Counter); cfg.MaxPending > 0 && !ok {
		return errors.New("fiberchat: Config.MaxPending needs a Store that is a chat.Counter")
	}
	if _, ok := cfg.Store.(chat.Unconfirmed); cfg.Bus != nil && !ok {
		return errors.New("fiberchat: Config.Bus needs a Store that is a chat.Unconfirmed, to find what the bus loses")
	}
	return nil
}

func (cfg *Config) stomp() *stomp.Config {
	return &stomp.Config{
		Limits: stomp.Limits{
			Frame: cfg.MaxFrame, Headers: cfg.MaxHeaders, Section: cfg.MaxHeaderBytes,
		},
		Subscriptions:  cfg.MaxSubscriptions,
		Queue:          cfg.MaxQueued,
		HeartBeat:      max(cfg.HeartBeat, 0),
		PingInterval:   cfg.PingInterval,
		ConnectTimeout: cfg.ConnectTimeout,
		Server:         "fiberchat",
	}
}
