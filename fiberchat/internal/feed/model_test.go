package feed

import (
	"errors"
	"flag"
	"fmt"
	"math/rand/v2"
	"slices"
	"strconv"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"fiberchat.example/fiberchat/chat"
	"fiberchat.example/fiberchat/internal/stomp"
)

var (
	seedFlag  = flag.Uint64("seed", 0, "TestModel runs the world of this seed alone; 0 for worlds of its own choice")
	stepsFlag = flag.Int("steps", 200_000, "how many steps TestModel takes")
)

const stepsOfAWorld = 200

// TestModel lets one feed meet commits whose offers are lost, late, doubled or
// out of order, inits, subscriptions, confirmations, slow readers and failing
// reads, all at random, and checks after each world what its subscriptions
// were sent. The test of the same name in package fiberchat does so for whole
// nodes with their stores and bus.
//
//	go test -race ./fiberchat/internal/feed -run TestModel -seed N
func TestModel(t *testing.T) {
	t.Parallel()
	seed, worlds := *seedFlag, 1
	if seed == 0 {
		seed, worlds = rand.Uint64()>>16+1, *stepsFlag/stepsOfAWorld
		t.Logf("%d worlds, from -seed %d on", worlds, seed)
	}
	sent := 0
	for n := range uint64(worlds) {
		synctest.Test(t, func(t *testing.T) {
			w := newWorld(seed + n)
			for range stepsOfAWorld {
				w.step()
			}
			w.finish()
			sent += len(w.sent)
			for _, fault := range w.faults {
				t.Errorf("-seed %d: %s", seed+n, fault)
			}
		})
		if t.Failed() {
			return
		}
	}
	t.Logf("%d messages were sent", sent)
}

// world is a feed, its log, and what it sent. Ids are all there is to a message.
type world struct {
	rand *rand.Rand // the driver's own
	feed *Feed
	// lossy worlds lose offers; lost says that this one did.
	lossy, lost bool

	mu     sync.Mutex
	luck   *rand.Rand // of reads
	subs   []*period
	log    []chat.Message
	calm   bool // nothing fails and nobody is slow any more
	asked  int  // inits
	round  int  // of replays
	sent   []int64
	inits  map[string]int64 // where the log ended when they were sent
	faults []string
}

// period is a subscription and what it was sent.
type period struct {
	sub   *stomp.Subscription
	owed  []int64 // committed while it was listening
	ever  map[int64]bool
	seen  map[int64]int
	began int   // in the round of this replay
	round int   // of the replay that seen is about
	last  int64 // the highest id it was sent
}

func newWorld(seed uint64) *world {
	w := &world{rand: rand.New(rand.NewPCG(seed, 0)), luck: rand.New(rand.NewPCG(seed, 1)), inits: make(map[string]int64)}
	w.lossy = seed%2 == 0
	w.feed = New(w, w, func(m *chat.Message) []byte { return strconv.AppendInt(nil, m.ID, 10) }, 8)
	return w
}

func (w *world) step() {
	switch w.rand.IntN(12) {
	case 0, 1, 2, 3, 4:
		w.commit()
	case 5:
		w.listen()
	case 6:
		if len(w.subs) > 0 {
			i := w.rand.IntN(len(w.subs))
			w.feed.Unlisten(w.subs[i].sub)
			w.mu.Lock()
			w.subs = slices.Delete(w.subs, i, i+1)
			w.mu.Unlock()
		}
	case 7:
		w.mu.Lock()
		w.asked++
		receipt := fmt.Sprint("init", w.asked)
		w.inits[receipt] = w.end()
		w.mu.Unlock()
		if w.feed.Init(receipt) != nil {
			w.InitFailed([]string{receipt}, nil)
		}
	case 8:
		w.mu.Lock()
		if len(w.log) > 0 {
			w.log[w.rand.IntN(len(w.log))].ConfirmedAt = time.Now()
		}
		w.mu.Unlock()
	case 9:
		if w.lossy {
			w.feed.Behind(0)
		}
	case 10, 11:
		time.Sleep(time.Duration(w.rand.IntN(300)) * time.Millisecond)
	}
}

// commit stores a message and offers it, if need be late or twice.
func (w *world) commit() {
	w.mu.Lock()
	previous := w.end()
	id := previous + 1 + w.rand.Int64N(3)
	previous += w.rand.Int64N(id - previous) // a store may know a bound only
	w.log = append(w.log, chat.Message{ID: id})
	for _, p := range w.subs {
		p.owed = append(p.owed, id)
	}
	w.mu.Unlock()
	offer := func() { w.feed.Offer(id, previous, strconv.AppendInt(nil, id, 10)) }
	late := time.Duration(w.rand.IntN(400)) * time.Millisecond
	switch w.rand.IntN(10) {
	case 0:
		if w.lossy {
			w.lost = true
		} else {
			offer()
		}
	case 1:
		time.AfterFunc(late, offer)
	case 2:
		offer()
		time.AfterFunc(late, offer)
	case 3:
		time.AfterFunc(late, func() { w.feed.Behind(id) })
	default:
		offer()
	}
}

func (w *world) listen() {
	if len(w.subs) >= 3 {
		return
	}
	p := &period{sub: new(stomp.Subscription), ever: make(map[int64]bool), seen: make(map[int64]int)}
	p.sub.ID = fmt.Sprint(w.rand.Uint64())
	w.mu.Lock()
	w.subs = append(w.subs, p) // Listen may send to it before it returns
	w.mu.Unlock()
	err := w.feed.Listen(p.sub)
	w.mu.Lock()
	defer w.mu.Unlock()
	p.owed, p.began = nil, w.round // what came while it began is not owed
	if err != nil {
		w.subs = w.subs[:len(w.subs)-1]
	}
}

// finish heals all faults and checks what is owed.
func (w *world) finish() {
	w.mu.Lock()
	w.calm = true
	w.mu.Unlock()
	time.Sleep(2 * time.Second)
	if w.lost {
		w.feed.Behind(0) // as the look in the store does
	}
	time.Sleep(5 * time.Second)
	w.mu.Lock()
	for _, p := range w.subs {
		for _, id := range p.owed {
			if !p.ever[id] {
				w.fault("message %d was not sent, the last one was %d", id, p.last)
			}
		}
	}
	w.mu.Unlock()
	w.feed.Drain()
	w.feed.Close()
	if len(w.inits) > 0 {
		w.fault("without an answer: %v", w.inits)
	}
}

func (w *world) fault(format string, args ...any) {
	w.faults = append(w.faults, fmt.Sprintf(format, args...))
}

// end is the last id. It needs mu.
func (w *world) end() int64 {
	if len(w.log) == 0 {
		return 0
	}
	return w.log[len(w.log)-1].ID
}

var errModel = errors.New("the store is away")

// read answers late, or not at all.
func read[T any](w *world, find func() T) (found T, err error) {
	w.mu.Lock()
	calm, fails := w.calm, w.luck.IntN(8) == 0
	pause := time.Duration(w.luck.IntN(100)) * time.Millisecond
	w.mu.Unlock()
	if !calm {
		time.Sleep(pause)
	}
	w.mu.Lock()
	defer w.mu.Unlock()
	if fails && !calm {
		return found, errModel
	}
	return find(), nil
}

func (w *world) page(after int64, limit int, all bool) (page []chat.Message) {
	for _, m := range w.log {
		if m.ID > after && (all || m.ConfirmedAt.IsZero()) && len(page) < limit {
			page = append(page, m)
		}
	}
	return page
}

func (w *world) Pending(after int64, limit int) ([]chat.Message, error) {
	if after == 0 {
		w.mu.Lock()
		w.round++
		w.mu.Unlock()
	}
	return read(w, func() []chat.Message { return w.page(after, limit, false) })
}

func (w *world) Inbox(after int64, limit int) ([]chat.Message, error) {
	return read(w, func() []chat.Message { return w.page(after, limit, true) })
}

func (w *world) Last() (int64, error) { return read(w, w.end) }

func (w *world) Message(s *stomp.Subscription, _ int64, body []byte) {
	w.mu.Lock()
	defer w.mu.Unlock()
	id, _ := strconv.ParseInt(string(body), 10, 64)
	w.sent = append(w.sent, id)
	i := slices.IndexFunc(w.subs, func(p *period) bool { return p.sub == s })
	if i < 0 {
		w.fault("message %d came after the end of its subscription", id)
		return
	}
	p := w.subs[i]
	if p.round != w.round {
		p.round, p.last = w.round, 0
		clear(p.seen)
	}
	if p.seen[id]++; p.seen[id] > 1 {
		w.fault("message %d came twice between two inits", id)
	}
	if id < p.last {
		w.fault("message %d came after %d", id, p.last)
	}
	p.last, p.ever[id] = id, true
}

func (w *world) WaitSpace(int) bool {
	w.mu.Lock()
	slow := !w.calm && w.luck.IntN(8) == 0
	pause := time.Duration(w.luck.IntN(200)) * time.Millisecond
	w.mu.Unlock()
	if slow {
		time.Sleep(pause)
	}
	return true
}

// Receipt checks that what was stored before the init was sent has come, to
// the subscriptions that were there when its replay began.
func (w *world) Receipt(id string) {
	w.mu.Lock()
	defer w.mu.Unlock()
	end, asked := w.inits[id]
	if !asked {
		w.fault("%s is answered twice", id)
	}
	delete(w.inits, id)
	for _, p := range w.subs {
		if p.began == w.round {
			continue // during the replay
		}
		for _, m := range w.log {
			if m.ID <= end && m.ConfirmedAt.IsZero() && (p.round != w.round || p.seen[m.ID] == 0) {
				w.fault("%s is answered, and message %d did not come", id, m.ID)
			}
		}
	}
}

func (w *world) InitFailed(receipts []string, _ error) {
	w.mu.Lock()
	defer w.mu.Unlock()
	for _, id := range receipts {
		delete(w.inits, id)
	}
}
