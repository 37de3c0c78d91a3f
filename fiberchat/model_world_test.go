package fiberchat

import (
	"context"
	"log/slog"
	"math/rand/v2"
	"sync"
	"time"

	"github.com/gofiber/fiber/v2"

	"fiberchat.example/fiberchat/chat"
	"fiberchat.example/fiberchat/internal/stomp"
)

const (
	modelTimeout = 2 * time.Second
	// modelMoment is more than what the store, the bus and the next step take
	// when nothing is wrong. Since all take a time of their own, drawn from the
	// seed, what happens at once is mostly in an order that the seed repeats.
	modelMoment = 500 * time.Microsecond
)

// newModelNode is a node of the world, without a network.
func newModelNode(w *modelWorld, bus Bus) (*Chat, error) {
	return New(fiber.New(), Config{
		Store: w.store, Authenticator: modelUsers{}, Directory: modelUsers{}, Bus: bus,
		Logger: slog.New(slog.DiscardHandler), Timeouts: Timeouts{Store: modelTimeout},
		Limits: Limits{SendRate: -1, Content: 64, Frame: 4 << 10, HeaderBytes: 1 << 10, Queued: w.queue},
	})
}

// serveModel lets a session in; what it returns serves it to its end.
func serveModel(ch *Chat, conn stomp.Conn, user chat.User) (serve func()) {
	return func() { ch.serve(conn, chat.Identity{User: user}, "model", "", time.Now()) }
}

// modelNames are of the users 1 to 4; the third one's name is the first one's id.
var modelNames = []string{"alice", "bob", "1", "dave"}

type modelUsers struct{}

func (modelUsers) UserByID(_ context.Context, id int64) (chat.User, error) {
	if id < 1 || id > int64(len(modelNames)) {
		return chat.User{}, chat.ErrNotFound
	}
	return chat.User{ID: id, Name: modelNames[id-1]}, nil
}

func (modelUsers) Authenticate(context.Context, string) (chat.Identity, error) {
	return chat.Identity{}, chat.ErrUnauthorized
}

// modelWorld is nodes, their clients, a store and a bus; the driver is the one
// goroutine that takes steps in it.
type modelWorld struct {
	seed    uint64
	rand    *rand.Rand // the driver's
	users   int64
	weights [len(modelWeights)]int
	queue   int
	// In a hundred: Apply, the other methods of the store, and the bus.
	applyFaults, readFaults, busFaults int
	nodes                              []*Chat
	ends                               []*modelBusEnd
	serving                            sync.WaitGroup

	mu         sync.Mutex
	clock      int
	begun      time.Time
	calm       bool // no more faults
	finished   bool // what comes now is the world's own end
	store      *modelStore
	sessions   []*modelSession
	trace      []modelTrace
	violations []modelViolation
	atEnd      []func()

	serial int
	sends  []modelSend
}

type modelSend struct {
	from, to    int64
	id, content string
}

type modelTrace struct {
	at      int
	time    time.Duration
	session *modelSession
	format  string
	args    []any
}

// now counts moments. The caller holds mu, here and in note.
func (w *modelWorld) now() int {
	w.clock++
	return w.clock
}

func (w *modelWorld) note(s *modelSession, format string, args ...any) {
	w.trace = append(w.trace, modelTrace{w.clock, time.Since(w.begun), s, format, args})
}

// runModelWorld takes the steps of one seed, in a synctest bubble.
func runModelWorld(seed uint64, steps int) *modelWorld {
	w := &modelWorld{seed: seed, rand: rand.New(rand.NewPCG(seed, 0)), begun: time.Now(), calm: true}
	w.store = newModelStore(w)
	w.users = 2 + w.rand.Int64N(3)
	w.queue = []int{512 << 10, 512 << 10, 2 << 10}[w.rand.IntN(3)]
	w.applyFaults = []int{0, 5, 20, 40}[w.rand.IntN(4)]
	w.readFaults = []int{0, 5, 20, 40}[w.rand.IntN(4)]
	w.busFaults = []int{0, 10, 50, 100}[w.rand.IntN(4)]
	nodes := 1 + w.rand.IntN(3)
	// Each world has its habits: what is never done in it hides nothing.
	w.weights = modelWeights
	for kind := range w.weights {
		if kind != stepSay {
			w.weights[kind] *= []int{0, 1, 1, 3}[w.rand.IntN(4)]
		}
	}
	together := []int{0, 0, 0, 50}[w.rand.IntN(4)]
	bus := &modelBus{w: w}
	linked := nodes > 1 || w.rand.IntN(3) == 0
	early := nodes
	if nodes > 1 && w.rand.IntN(3) == 0 {
		early = 1 // the others begin while the first is at work
	}
	for range early {
		w.join(bus, linked)
	}
	if w.rand.IntN(4) == 0 {
		w.store.fill(30 + w.rand.IntN(70))
	}
	w.setCalm(false)
	for n := range steps {
		if n == steps/3 {
			for range nodes - early {
				w.join(bus, linked)
			}
		}
		if w.rand.IntN(100) >= together {
			time.Sleep(w.moment())
		}
		w.step()
	}
	w.setCalm(true)
	for _, s := range w.sessions {
		s.conn.pause(false)
	}
	for _, e := range w.ends {
		e.cut(false)
	}
	time.Sleep(time.Minute)
	w.mu.Lock()
	w.checkEnd()
	w.finished = true
	w.mu.Unlock()
	for _, ch := range w.nodes {
		if err := ch.Close(context.Background()); err != nil {
			panic(err)
		}
	}
	w.serving.Wait()
	for _, e := range w.ends {
		e.leave()
	}
	return w
}

// join begins a node. A store that fails then is no node's fault.
func (w *modelWorld) join(bus *modelBus, linked bool) {
	calm := w.setCalm(true)
	defer w.setCalm(calm)
	time.Sleep(w.moment()) // their tickers do not tick together
	var end Bus
	if linked {
		e := bus.join()
		w.ends = append(w.ends, e)
		end = e
	}
	ch, err := newModelNode(w, end)
	if err != nil {
		panic(err)
	}
	w.nodes = append(w.nodes, ch)
}

func (w *modelWorld) moment() time.Duration {
	return time.Duration(1 + w.rand.Int64N(int64(modelMoment)))
}

func (w *modelWorld) setCalm(calm bool) (was bool) {
	w.mu.Lock()
	defer w.mu.Unlock()
	was, w.calm = w.calm, calm
	return was
}

// faulty reports whether what would be a fault is one. The caller does not
// hold mu.
func (w *modelWorld) faulty(fault bool) bool {
	w.mu.Lock()
	defer w.mu.Unlock()
	return fault && !w.calm
}
