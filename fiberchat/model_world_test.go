package fiberchat

import (
	"context"
	"fmt"
	"log/slog"
	"math/rand/v2"
	"slices"
	"sync"
	"testing/synctest"
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
	return func() { ch.serve(conn, chat.Identity{User: user}, "model") }
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
	for range nodes {
		var end Bus
		if nodes > 1 || w.rand.IntN(3) == 0 {
			e := bus.join()
			w.ends = append(w.ends, e)
			end = e
		}
		time.Sleep(w.moment()) // their tickers do not tick together
		ch, err := newModelNode(w, end)
		if err != nil {
			panic(err)
		}
		w.nodes = append(w.nodes, ch)
	}
	if w.rand.IntN(4) == 0 {
		w.store.fill(30 + w.rand.IntN(70))
	}
	w.setCalm(false)
	for range steps {
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

func (w *modelWorld) moment() time.Duration {
	return time.Duration(1 + w.rand.Int64N(int64(modelMoment)))
}

func (w *modelWorld) setCalm(calm bool) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.calm = calm
}

// faulty reports whether what would be a fault is one. The caller does not
// hold mu.
func (w *modelWorld) faulty(fault bool) bool {
	w.mu.Lock()
	defer w.mu.Unlock()
	return fault && !w.calm
}

// step does one thing at random.
func (w *modelWorld) step() {
	r := w.rand
	var up []*modelSession
	w.mu.Lock()
	for _, s := range w.sessions {
		if !s.over && s.leaving == "" {
			up = append(up, s)
		}
	}
	w.mu.Unlock()
	if len(up) < 2 || len(up) < 8 && r.IntN(30) == 0 {
		w.connect()
		return
	}
	s := up[r.IntN(len(up))]
	switch w.draw() {
	case stepSay:
		s.say()
	case stepConfirm:
		s.confirm()
	case stepInit:
		s.init()
	case stepSubscribe:
		s.subscribe()
	case stepUnsubscribe:
		s.unsubscribe()
	case stepSlow:
		s.note("is slow")
		s.conn.pause(true)
	case stepQuick:
		for _, s := range up {
			s.conn.pause(false)
		}
	case stepLeave:
		s.note("leaves")
		w.mu.Lock()
		s.over = true
		w.mu.Unlock()
		s.conn.leave()
	case stepDisconnect:
		s.disconnect()
	case stepCut:
		if len(w.ends) > 0 {
			w.ends[r.IntN(len(w.ends))].cut(r.IntN(2) == 0)
		}
	case stepQuiet:
		synctest.Wait()
	case stepSleep:
		time.Sleep(time.Duration(r.IntN(int(50 * time.Millisecond))))
	case stepSleepLong:
		time.Sleep(time.Duration(r.IntN(int(5 * time.Second))))
	}
}

// The kinds of steps.
const (
	stepSay = iota
	stepConfirm
	stepInit
	stepSubscribe
	stepUnsubscribe
	stepSlow
	stepQuick
	stepLeave
	stepDisconnect
	stepCut
	stepQuiet
	stepSleep
	stepSleepLong
)

// modelWeights is how often each kind of step is taken, in most worlds.
var modelWeights = [...]int{stepSay: 30, 18, 10, 7, 3, 4, 7, 1, 1, 1, 8, 9, 1}

// draw chooses a kind of step.
func (w *modelWorld) draw() int {
	sum := 0
	for _, weight := range w.weights {
		sum += weight
	}
	n, kind := w.rand.IntN(sum), 0
	for n >= w.weights[kind] {
		n -= w.weights[kind]
		kind++
	}
	return kind
}

func (w *modelWorld) connect() {
	id := 1 + w.rand.Int64N(w.users)
	s := &modelSession{
		w: w, n: len(w.sessions), node: w.rand.IntN(len(w.nodes)), user: chat.User{ID: id, Name: modelNames[id-1]},
		subs: make(map[string]*modelSub), first: make(map[int64]int), ops: make(map[string][]*modelOp), receipts: make(map[string]int),
	}
	s.conn = newModelConn(s)
	w.mu.Lock()
	w.sessions = append(w.sessions, s)
	w.mu.Unlock()
	w.serving.Go(serveModel(w.nodes[s.node], s.conn, s.user)) // waited for by runModelWorld
	s.send("CONNECT\naccept-version:1.2\n\n")
	for i, queue := range []string{"send/status", "recive/status", "status"} {
		s.send("SUBSCRIBE\nid:q%d\ndestination:/user/queue/%s\n\n", i, queue)
	}
	if w.rand.IntN(4) > 0 {
		s.subscribe()
	}
}

func (s *modelSession) note(format string, args ...any) {
	s.w.mu.Lock()
	defer s.w.mu.Unlock()
	s.w.note(s, format, args...)
}

// send hands a frame to the server and returns when.
func (s *modelSession) send(format string, args ...any) int {
	s.w.mu.Lock()
	at := s.w.now()
	s.w.note(s, "> "+format, args...)
	s.w.mu.Unlock()
	s.conn.in <- append(fmt.Appendf(nil, format, args...), 0)
	return at
}

// receipt is one to ask for. The caller does not hold mu.
func (s *modelSession) receipt(kind string) string {
	s.w.serial++
	id := fmt.Sprint(kind, s.w.serial)
	s.w.mu.Lock()
	defer s.w.mu.Unlock()
	s.receipts[id] = 0
	return id
}

func (s *modelSession) subscribe() {
	who := s.user.Name
	if s.w.rand.IntN(2) == 0 {
		who = fmt.Sprint(s.user.ID)
	}
	id := s.receipt("sub")
	s.w.mu.Lock()
	sub := &modelSub{id: id, destination: "/user/" + who + "/recive", sent: s.w.now(), init: -1, got: make(map[int64]int)}
	sub.since = sub.sent
	open := 0
	for _, other := range s.subs {
		if other.left == 0 {
			sub.since = min(sub.since, other.since)
			open++
		}
	}
	if open < 3 {
		s.subs[id] = sub
	}
	s.w.mu.Unlock()
	if open < 3 {
		s.send("SUBSCRIBE\nid:%s\ndestination:%s\nreceipt:%s\n\n", id, sub.destination, id)
	}
}

func (s *modelSession) unsubscribe() {
	receipt := s.receipt("unsub")
	s.w.mu.Lock()
	var ids []string
	for id, sub := range s.subs {
		if sub.leaves == 0 {
			ids = append(ids, id)
		}
	}
	slices.Sort(ids)
	if len(ids) == 0 {
		s.w.mu.Unlock()
		return
	}
	sub := s.subs[ids[s.w.rand.IntN(len(ids))]]
	sub.leaves, sub.unsubscribeReceipt = s.w.now(), receipt
	s.w.mu.Unlock()
	s.send("UNSUBSCRIBE\nid:%s\nreceipt:%s\n\n", sub.id, receipt)
}

func (s *modelSession) init() {
	for range 1 + s.w.rand.IntN(5)/4 {
		init, header := &modelInit{}, ""
		if s.w.rand.IntN(4) > 0 {
			init.receipt = s.receipt("init")
			header = "receipt:" + init.receipt + "\n"
		}
		s.w.mu.Lock()
		init.sent = s.w.now()
		s.inits = append(s.inits, init)
		s.w.mu.Unlock()
		s.send("SEND\ndestination:/socket/chat/init\n%s\n", header)
	}
}

func (s *modelSession) disconnect() {
	receipt := s.receipt("bye")
	s.w.mu.Lock()
	s.leaving = receipt
	s.w.mu.Unlock()
	s.send("DISCONNECT\nreceipt:%s\n\n", receipt)
}

// say is step 1: something new, with a serial that others may have used, or
// something said before, as it was or changed.
func (s *modelSession) say() {
	w, r := s.w, s.w.rand
	m := modelSend{from: s.user.ID, to: s.other(), content: fmt.Sprintf("text %d ü", len(w.sends))}
	if len(w.sends) > 0 && r.IntN(2) == 0 {
		old := w.sends[max(0, len(w.sends)-1-r.IntN(20))]
		m.id = old.id
		if old.from == m.from && r.IntN(3) > 0 {
			m = old
		}
	} else {
		w.serial++
		m.id = fmt.Sprint("m", w.serial)
	}
	w.sends = append(w.sends, m)
	s.op(m.id, &modelOp{receiver: m.to, content: m.content})
	s.send("SEND\ndestination:/socket/chat/send\n\n{\"msgID\":%q,\"reciverId\":%d,\"content\":%q}", m.id, m.to, m.content)
}

func (s *modelSession) other() int64 {
	id := 1 + s.w.rand.Int64N(s.w.users-1)
	if id >= s.user.ID {
		id++
	}
	return id
}

func (s *modelSession) op(id string, op *modelOp) {
	s.w.mu.Lock()
	defer s.w.mu.Unlock()
	op.sent = s.w.now()
	s.ops[id] = append(s.ops[id], op)
}

// confirm is step 4, mostly for what has come lately.
func (s *modelSession) confirm() {
	w, r := s.w, s.w.rand
	op, chatID := &modelOp{confirm: true}, ""
	w.mu.Lock()
	if len(s.seen) > 0 && r.IntN(10) > 0 {
		m := w.store.messages[s.seen[max(0, len(s.seen)-1-r.IntN(10))]]
		chatID = m.ChatID
		if r.IntN(2) == 0 {
			op.id = m.ID
		}
	} else if len(w.sends) > 0 {
		chatID = w.sends[r.IntN(len(w.sends))].id // perhaps of somebody else
		if r.IntN(3) == 0 {
			op.id = 1 + r.Int64N(int64(len(w.sends)))
		}
	}
	w.mu.Unlock()
	if chatID == "" {
		return
	}
	s.op(chatID, op)
	id := ""
	if op.id != 0 {
		id = fmt.Sprintf(",\"id\":%d", op.id)
	}
	s.send("SEND\ndestination:/socket/chat/recive\n\n{\"msgID\":%q%s}", chatID, id)
}
