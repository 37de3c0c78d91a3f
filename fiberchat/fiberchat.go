package fiberchat

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"sync"
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

// replayPace is how much faster than a user may send the store is read for
// him: 4 MiB a second, bursts of 16 MiB, which no backlog of an honest user has.
const replayPace = 64

// ErrClosed is what Send, Notify and Conversation return once Close has begun. The
// other methods return no such error: Revoke and Disconnect have nothing left to
// end on this node then, and Close may be called again.
var ErrClosed = errors.New("fiberchat: closed")

// Chat is chat mounted on a router. Its methods are safe for concurrent use.
type Chat struct {
	cfg             Config
	app             *fiber.App // of the router, which another one may have mounted
	stomp           *stomp.Config
	hub             *hub.Hub[*client]
	committer       *commit.Committer
	sockjs          *sockjs.Server
	metrics         *metrics.Set
	node            *node
	handlers        sync.Map // destination -> appHandler
	presence        *presence
	receivers       *receivers
	revoked         revocations
	tickets         *tickets
	unknownCommits  unknownCommits
	notices         chat.Notices // nil where the Store has none
	pendings        *pendings
	hooks           *hooks
	sending         sending
	sends           *limiter // messages
	sendBytes       *limiter // bytes of their contents
	replays         *limiter // bytes of what is read from the store
	inits           *limiter
	asks            *limiter
	unknownConfirms *limiter // confirmations that confirm nothing: of what is not there, or confirmed already, or not to be read

	// ctx is the root of all work; it ends when Close has closed the sessions.
	ctx        context.Context
	cancel     context.CancelFunc
	sessions   sync.WaitGroup // serve and housekeeping
	owned      *sqlstore.Store
	catchUpNow chan struct{}
	watched    sync.Once

	mu      sync.Mutex    // nobody enters while closing is closed
	closing chan struct{} // closed when Close begins
	closed  chan struct{} // closed when Close is done
}

// New adds chat to an app, a group or a mounted app: the doors
// {prefix}/client and {prefix}/socketServer. Without a Config, messages, users
// and tokens are kept in the SQLite file fiberchat.db.
//
// Chat ends with the app's shutdown: app.Shutdown closes every session and
// returns when they are closed, so main must wait for it, and not only for
// Listen. Close does it by hand and waits.
func New(router fiber.Router, config ...Config) (*Chat, error) {
	var cfg Config
	if len(config) > 0 {
		cfg = config[0]
	}
	cfg = cfg.withDefaults()
	if err := cfg.validate(); err != nil {
		return nil, err
	}
	app := appOf(router)
	if err := checkRouter(router, app, cfg.Bus); err != nil {
		return nil, err
	}
	ch := &Chat{
		app:            app,
		hub:            hub.New[*client](),
		tickets:        newTickets(&cfg),
		revoked:        revocations{times: make(map[revoked]time.Time)},
		unknownCommits: unknownCommits{until: make(map[int64]time.Time)},
		sending:        sending{ends: make(map[operation]chan struct{})},
		catchUpNow:     make(chan struct{}, 1),
		closing:        make(chan struct{}),
		closed:         make(chan struct{}),
	}
	slowed := func() { ch.metrics.RateLimited.Inc() }
	for _, l := range []**limiter{&ch.sends, &ch.inits, &ch.asks, &ch.unknownConfirms} {
		*l = newLimiter(cfg.Limits.SendRate, int(4*cfg.Limits.SendRate), slowed)
	}
	ch.sendBytes = newLimiter(float64(cfg.Limits.SendBytes), max(16*cfg.Limits.SendBytes, cfg.Limits.Content), slowed)
	ch.replays = newLimiter(replayPace*float64(cfg.Limits.SendBytes), 4*replayPace*cfg.Limits.SendBytes, func() {})
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
	ch.notices, _ = cfg.Store.(chat.Notices)
	ch.ctx, ch.cancel = context.WithCancel(context.Background())
	ch.node, ch.receivers, ch.pendings = newNode(ch, cfg.Bus), newReceivers(ch), newPendings(ch)
	start, err := ch.connect()
	if err != nil {
		ch.cancel()
		return nil, errors.Join(fmt.Errorf("fiberchat: %w", err), ch.closeOwned())
	}
	ch.stomp.FramesIn, ch.stomp.FramesOut = ch.metrics.FramesIn, ch.metrics.FramesOut
	ch.committer = commit.New(cfg.Store, cfg.Timeouts.Store, ch.metrics.Commit, ch.node.flush)
	ch.presence = newPresence(ch)
	ch.hooks = newHooks(ch)
	ch.sessions.Add(1)
	go ch.keepHouse() // waited for by Close
	if cfg.Overdue != nil {
		ch.sessions.Add(1)
		go ch.keepOverdue() // waited for by Close
	}
	if !ch.node.alone() {
		ch.sessions.Add(1)
		go ch.keepCatchingUp(start) // waited for by Close
	}
	ch.mount(router)
	if app != nil {
		ch.closeWith(app)
		ch.warnOfSmallHead(app)
	}
	return ch, nil
}

// connect asks the store where its logs end, joins the bus, if there is one,
// and registers the metrics.
func (ch *Chat) connect() (start mark, err error) {
	if start, err = ch.mark(); err != nil {
		return start, fmt.Errorf("look into the store: %w", err)
	}
	if err := ch.beginOverdue(); err != nil {
		return start, fmt.Errorf("begin to look who is overdue: %w", err)
	}
	ch.metrics = metrics.New()
	if err := ch.node.join(); err != nil {
		return start, fmt.Errorf("join the bus: %w", err)
	}
	var busUp func() float64
	if !ch.node.alone() {
		busUp = ch.node.isUp
	}
	if err := ch.metrics.Register(ch.cfg.Registerer, ch.queued, busUp); err != nil {
		ch.node.close()
		return start, err
	}
	return start, nil
}

// register makes a session reachable, or ends it.
func (ch *Chat) register(c *client) {
	all, ok := ch.hub.Add(c.identity.User.ID, c, ch.cfg.Limits.Sessions)
	if !ok {
		c.session.Close(stomp.CloseTryLater, "too many sessions")
		return
	}
	if len(all) == 1 {
		ch.presence.note(c.identity.User.ID)
		ch.hooks.connections.changed(c.identity.User.ID)
	}
	replace(all, ch.cfg.Limits.UserSessions)
	ch.endIfRevoked(c)
	// After Add: Close either sees the session in the hub, or is seen here.
	if ch.isClosing() {
		c.session.Close(stomp.CloseGoingAway, "going away")
	}
}

// replace ends so many of a user's sessions, the newest of which is the last
// one, that at most limit stay: those that were silent longest. As many more
// may be on their way out; they stay in the hub until they are gone.
func replace(all []*client, limit int) {
	if len(all) <= limit {
		return
	}
	var up, leaving []*client
	for _, c := range all[:len(all)-1] {
		if c.session.Over() {
			leaving = append(leaving, c)
		} else {
			up = append(up, c)
		}
	}
	since := make(map[*client]time.Time, len(up)) // it changes meanwhile
	for _, c := range up {
		since[c] = c.session.SilentSince()
	}
	slices.SortStableFunc(up, func(a, b *client) int { return since[a].Compare(since[b]) })
	for _, c := range up[:max(0, len(up)+1-limit)] {
		c.session.Expel(&stomp.Error{Token: "replaced", Text: "the user has too many sessions, this one was silent longest", Code: stomp.ClosePolicy})
		leaving = append(leaving, c)
	}
	for _, c := range leaving[:max(0, len(leaving)-limit)] {
		c.session.Abort("replaced") // it had its chance to read the ERROR
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

func (ch *Chat) unregister(c *client) {
	if last := ch.hub.Remove(c.identity.User.ID, c); last {
		ch.presence.note(c.identity.User.ID)
		ch.hooks.connections.changed(c.identity.User.ID)
	}
}

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
			ch.lookAgainAll(at)
			for _, l := range []*limiter{ch.sends, ch.sendBytes, ch.replays, ch.inits, ch.asks, ch.unknownConfirms} {
				l.prune()
			}
			ch.revoked.prune(at)
			ch.tickets.prune(at)
			ch.node.watchBus(at)
			ch.hooks.report()
		}
	}
}
