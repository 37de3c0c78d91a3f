package fiberchat

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"sync/atomic"
	"time"

	"github.com/gofiber/fiber/v2"

	"fiberchat.example/fiberchat/chat"
	"fiberchat.example/fiberchat/internal/commit"
	"fiberchat.example/fiberchat/internal/hub"
	"fiberchat.example/fiberchat/internal/metrics"
	"fiberchat.example/fiberchat/internal/sockjs"
	"fiberchat.example/fiberchat/internal/stomp"
	"fiberchat.example/sqlstore"
)

// defaultFile is where chat is kept when Config names no Store.
const defaultFile = "fiberchat.db"

// ErrClosed is what methods of a closed Chat return.
var ErrClosed = errors.New("fiberchat: closed")

// Chat is chat mounted on a router. Its methods are safe for concurrent use.
type Chat struct {
	cfg       Config
	stomp     *stomp.Config
	hub       *hub.Hub[*peer]
	committer *commit.Committer
	sockjs    *sockjs.Server
	sends     *sendLimiter // messages
	inits     *sendLimiter
	strays    *sendLimiter // confirmations of messages that are not there
	metrics   *metrics.Set
	newest    atomic.Int64 // the highest id that was delivered

	// ctx is the root of all work; it ends when Close has told the clients.
	ctx      context.Context
	cancel   context.CancelFunc
	sessions sync.WaitGroup // serve and housekeeping
	owned    *sqlstore.Store
	link     *link // nil without a Bus
	sweepNow chan struct{}
	watched  sync.Once

	mu       sync.Mutex
	anyDoubt atomic.Bool // doubts is not empty
	doubts   map[int64]doubt
	stalled  map[*peer]struct{}   // could not read what they missed
	endings  map[ending]time.Time // of tokens and users, of late
	closing  chan struct{}        // closed when Close begins
	closed   chan struct{}        // closed when Close is done
}

// New adds chat to an app, a group or a mounted app: the doors
// {prefix}/client and {prefix}/socketServer. Without a Config, messages, users
// and tokens are kept in the SQLite file fiberchat.db.
//
// Chat ends with the app's shutdown; Close does it by hand and waits.
func New(router fiber.Router, config ...Config) (*Chat, error) {
	var cfg Config
	if len(config) > 0 {
		cfg = config[0]
	}
	cfg = cfg.withDefaults()
	if err := cfg.validate(); err != nil {
		return nil, err
	}
	app, _ := router.(*fiber.App)
	if cfg.Bus == nil && (fiber.IsChild() || app != nil && app.Config().Prefork) {
		return nil, errors.New("fiberchat: Prefork runs the app in several processes, which cannot reach each other's clients without a Config.Bus")
	}
	ch := &Chat{
		hub:      hub.New[*peer](),
		sends:    newSendLimiter(cfg.SendRate),
		inits:    newSendLimiter(cfg.SendRate),
		strays:   newSendLimiter(cfg.SendRate),
		doubts:   make(map[int64]doubt),
		stalled:  make(map[*peer]struct{}),
		endings:  make(map[ending]time.Time),
		sweepNow: make(chan struct{}, 1),
		closing:  make(chan struct{}),
		closed:   make(chan struct{}),
	}
	if cfg.Store == nil {
		store, err := sqlstore.Open(defaultFile)
		if err != nil {
			return nil, fmt.Errorf("fiberchat: open the default store: %w", err)
		}
		cfg.Store, ch.owned = store, store
	}
	if err := cfg.resolve(); err != nil {
		return nil, errors.Join(err, ch.closeOwned())
	}
	ch.cfg, ch.stomp = cfg, cfg.stomp()
	ch.ctx, ch.cancel = context.WithCancel(context.Background())
	if err := ch.connect(); err != nil {
		ch.cancel()
		return nil, errors.Join(fmt.Errorf("fiberchat: %w", err), ch.closeOwned())
	}
	ch.stomp.FramesIn, ch.stomp.FramesOut = ch.metrics.FramesIn, ch.metrics.FramesOut
	ch.committer = commit.New(cfg.Store, cfg.StoreTimeout, ch.metrics.Commit)
	ch.sessions.Add(1)
	go ch.keepHouse() // waited for by Close
	if ch.link != nil {
		ch.sessions.Add(1)
		go ch.keepSweeping() // waited for by Close
		go ch.link.run()     // waited for by Close
	}
	ch.mount(router)
	if app != nil {
		// The doors notice a shutdown when it begins; this makes
		// app.Shutdown wait for them.
		app.Hooks().OnShutdown(func() error { return ch.closeWithin(shutdownTime) })
	}
	return ch, nil
}

// connect finds out where the store stands, joins the bus and registers the
// metrics, if there are any.
func (ch *Chat) connect() (err error) {
	if s, ok := ch.cfg.Store.(chat.Sweeper); ok {
		ctx, cancel := context.WithTimeout(ch.ctx, ch.cfg.StoreTimeout)
		defer cancel()
		newest, err := s.Newest(ctx)
		if err != nil {
			return fmt.Errorf("look into the store: %w", err)
		}
		ch.newest.Store(newest)
	}
	var busUp func() float64
	if ch.cfg.Bus != nil {
		if ch.link, err = newLink(ch, ch.cfg.Bus); err != nil {
			return fmt.Errorf("join the bus: %w", err)
		}
		busUp = ch.link.isUp
	}
	ch.metrics, err = metrics.New(ch.cfg.Registerer, ch.queued, busUp)
	return err
}

// register makes a session reachable, or ends it.
func (ch *Chat) register(p *peer) {
	surplus, ok := ch.hub.Add(p.identity.User.ID, p, ch.cfg.MaxUserSessions, max(ch.cfg.MaxSessions, 0))
	if !ok {
		p.session.Close(stomp.CloseTryLater, "too many sessions")
		return
	}
	for i, old := range surplus {
		if len(surplus)-i > ch.cfg.MaxUserSessions {
			old.session.Abort("replaced") // it had its chance to read the ERROR
			continue
		}
		old.session.Fail(&stomp.Error{Token: "replaced", Text: "the user has too many sessions, this one was the oldest", Code: stomp.ClosePolicy})
	}
	ch.endIfOver(p)
	// After Add: Close either sees the session in the hub, or is seen here.
	if ch.isClosing() {
		p.session.Close(stomp.CloseGoingAway, "going away")
	}
}

// enter counts a session in, for Close to wait for; false when it is late.
func (ch *Chat) enter() bool {
	ch.mu.Lock()
	defer ch.mu.Unlock()
	if ch.isClosing() {
		return false
	}
	ch.sessions.Add(1)
	return true
}

func (ch *Chat) unregister(p *peer) { ch.hub.Remove(p.identity.User.ID, p) }

// keepHouse does what is due by the clock, until Close.
func (ch *Chat) keepHouse() {
	defer ch.sessions.Done()
	ticker := time.NewTicker(time.Second)
	defer ticker.Stop()
	for {
		select {
		case <-ch.closing:
			return
		case at := <-ticker.C:
			ch.settle(at)
			for _, l := range []*sendLimiter{ch.sends, ch.inits, ch.strays} {
				l.sweep()
			}
			ch.forgetEndings(at)
		}
	}
}
