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

	"fiberchat.example/fiberchat/internal/stomp"
)

var (
	seedFlag  = flag.Uint64("seed", 0, "TestModel runs the world of this seed alone; 0 for worlds of its own choice")
	stepsFlag = flag.Int("steps", 200_000, "how many steps TestModel takes")
)

const stepsOfAWorld = 200

// TestModel lets one feed, with both of its logs, meet commits whose offers are lost, late, doubled or
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
	t.Logf("%d messages and notices were sent", sent)
}

// world is a feed, its logs, and what it sent. Ids are all there is to a message,
// and to a notice.
type world struct {
	rand *rand.Rand // the driver's own
	feed *Feed
	// lossy worlds lose offers and the like; lost says that this one did.
	lossy, lost bool

	mu     sync.Mutex
	luck   *rand.Rand // of reads
	subs   []*period
	logs   [kinds][]record
	calm   bool       // nothing fails and nobody is slow any more
	asked  int        // inits
	round  [kinds]int // of replays
	sent   []int64
	inits  map[string][kinds]int64 // where the logs ended when they were sent
	faults []string
}

type record struct {
	id        int64
	confirmed bool
}

// period is a subscription and what it was sent.
type period struct {
	kind  Kind
	sub   *stomp.Subscription
	owed  []int64 // committed while it was listening
	ever  map[int64]bool
	seen  map[int64]int
	began int   // in the round of this replay, or beginning
	round int   // of the replay that seen is about
	last  int64 // the highest id it was sent
}

// beginning is for a period whose Listen has not returned.
const beginning = -1

func newWorld(seed uint64) *world {
	w := &world{rand: rand.New(rand.NewPCG(seed, 0)), luck: rand.New(rand.NewPCG(seed, 1)), inits: make(map[string][kinds]int64)}
	w.lossy = seed%2 == 0
	w.feed = New(w, w, 8)
	return w
}

func (w *world) step() {
	kind := Messages
	if w.rand.IntN(3) == 0 {
		kind = Notices
	}
	switch w.rand.IntN(12) {
	case 0, 1, 2, 3, 4:
		w.commit(kind)
	case 5:
		w.listen(kind)
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
		w.inits[receipt] = [kinds]int64{w.end(Messages), w.end(Notices)}
		w.mu.Unlock()
		if w.feed.Init(receipt) != nil {
			w.InitFailed([]string{receipt}, nil)
		}
	case 8:
		w.mu.Lock()
		if log := w.logs[kind]; len(log) > 0 {
			log[w.rand.IntN(len(log))].confirmed = true
		}
		w.mu.Unlock()
	case 9:
		if w.lossy {
			w.feed.Behind(kind, 0)
		}
	case 10, 11:
		time.Sleep(time.Duration(w.rand.IntN(300)) * time.Millisecond)
	}
}

// commit stores a message or a notice and brings it, if need be late or twice.
func (w *world) commit(kind Kind) {
	w.mu.Lock()
	previous := w.end(kind)
	id := previous + 1 + w.rand.Int64N(3)
	previous += w.rand.Int64N(id - previous) // a store may know a bound only
	w.logs[kind] = append(w.logs[kind], record{id: id})
	for _, p := range w.subs {
		if p.kind == kind {
			p.owed = append(p.owed, id)
		}
	}
	w.mu.Unlock()
	offer := func() { w.feed.Offer(id, previous, strconv.AppendInt(nil, id, 10)) }
	if kind == Notices {
		offer = func() { w.feed.Behind(Notices, id) }
	}
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
		time.AfterFunc(late, func() { w.feed.Behind(kind, id) })
	default:
		offer()
	}
}

func (w *world) listen(kind Kind) {
	if len(w.subs) >= 3 {
		return
	}
	p := &period{kind: kind, began: beginning, sub: new(stomp.Subscription), ever: make(map[int64]bool), seen: make(map[int64]int)}
	p.sub.ID = fmt.Sprint(w.rand.Uint64())
	w.mu.Lock()
	w.subs = append(w.subs, p) // Listen may send to it before it returns
	w.mu.Unlock()
	err := w.feed.Listen(kind, p.sub)
	w.mu.Lock()
	defer w.mu.Unlock()
	p.owed, p.began = nil, w.round[kind] // what came while it began is not owed
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
		w.feed.Behind(Messages, 0) // as the look in the store does
		w.feed.Behind(Notices, 0)
	}
	time.Sleep(5 * time.Second)
	w.mu.Lock()
	for _, p := range w.subs {
		for _, id := range p.owed {
			if !p.ever[id] {
				w.fault("%d of log %d was not sent, the last one was %d", id, p.kind, p.last)
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
func (w *world) end(kind Kind) int64 {
	log := w.logs[kind]
	if len(log) == 0 {
		return 0
	}
	return log[len(log)-1].id
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

func (w *world) page(of Kind, after int64, limit int, all bool) (page []Entry) {
	for _, r := range w.logs[of] {
		if r.id > after && (all || !r.confirmed) && len(page) < limit {
			page = append(page, Entry{r.id, strconv.AppendInt(nil, r.id, 10)})
		}
	}
	return page
}

func (w *world) Pending(of Kind, after int64, limit int) ([]Entry, error) {
	if after == 0 {
		w.mu.Lock()
		w.round[of]++
		w.mu.Unlock()
	}
	return read(w, func() []Entry { return w.page(of, after, limit, false) })
}

func (w *world) Inbox(of Kind, after int64, limit int) ([]Entry, error) {
	return read(w, func() []Entry { return w.page(of, after, limit, true) })
}

func (w *world) Last(of Kind) (int64, error) { return read(w, func() int64 { return w.end(of) }) }

func (w *world) Message(s *stomp.Subscription, _ int64, body []byte) {
	w.mu.Lock()
	defer w.mu.Unlock()
	id, _ := strconv.ParseInt(string(body), 10, 64)
	w.sent = append(w.sent, id)
	i := slices.IndexFunc(w.subs, func(p *period) bool { return p.sub == s })
	if i < 0 {
		w.fault("%d came after the end of its subscription", id)
		return
	}
	p := w.subs[i]
	if p.round != w.round[p.kind] {
		p.round, p.last = w.round[p.kind], 0
		clear(p.seen)
	}
	if p.seen[id]++; p.seen[id] > 1 {
		w.fault("%d of log %d came twice between two inits", id, p.kind)
	}
	if id < p.last {
		w.fault("%d of log %d came after %d", id, p.kind, p.last)
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
	ends, asked := w.inits[id]
	if !asked {
		w.fault("%s is answered twice", id)
	}
	delete(w.inits, id)
	for _, p := range w.subs {
		if p.began == beginning || p.began == w.round[p.kind] {
			continue // during the replay
		}
		for _, r := range w.logs[p.kind] {
			if r.id <= ends[p.kind] && !r.confirmed && (p.round != w.round[p.kind] || p.seen[r.id] == 0) {
				w.fault("%s is answered, and %d of log %d did not come", id, r.id, p.kind)
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
