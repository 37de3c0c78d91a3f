package storetest

import (
	"cmp"
	"fmt"
	"math/rand/v2"
	"slices"
	"sync"
	"testing"

	"fiberchat.example/fiberchat/chat"
)

// logs collects what Saves stored, by receiver.
type logs struct {
	mu     sync.Mutex
	stored map[int64][]chat.Result
}

func (l *logs) add(ops []chat.Op, results []chat.Result) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.stored == nil {
		l.stored = make(map[int64][]chat.Result)
	}
	for i, r := range results {
		if ops[i].Save != nil && r.Changed {
			l.stored[r.Message.ReceiverID] = append(l.stored[r.Message.ReceiverID], r)
		}
	}
}

// check is for when all has been stored: no message of a receiver's has an id
// between another one's Previous and its own.
func (l *logs) check(t *testing.T) {
	t.Helper()
	for receiver, log := range l.stored {
		slices.SortFunc(log, func(a, b chat.Result) int { return cmp.Compare(a.Message.ID, b.Message.ID) })
		var last int64
		for _, r := range log {
			if r.Previous < last || r.Previous >= r.Message.ID {
				t.Errorf("receiver %d: Previous of %d is %d, and the message before it is %d", receiver, r.Message.ID, r.Previous, last)
			}
			last = r.Message.ID
		}
	}
}

func testPrevious(t *testing.T, s chat.Store) {
	var all logs
	apply := func(ops ...chat.Op) []chat.Result {
		t.Helper()
		results := apply(t, s, ops...)
		all.add(ops, results)
		return results
	}
	apply(save(message(ann, bob, "1", "x")))
	apply(save(message(ann, bob, "2", "x")), save(message(ann, eve, "3", "x")), save(message(ann, bob, "4", "x")))
	// What stores nothing is nobody's Previous.
	apply(save(message(ann, bob, "5", "x")), save(message(ann, bob, "5", "x")), save(message(ann, bob, "5", "y")), save(message(ann, bob, "6", "x")))
	apply(confirm(chat.Confirmation{ReceiverID: bob, ChatID: "6", Sent: always}), save(message(eve, bob, "7", "x")))
	random := rand.New(rand.NewPCG(1, 2))
	for n := range 100 {
		var ops []chat.Op
		for i := range 1 + random.IntN(8) {
			m := message(ann+random.Int64N(3), ann+random.Int64N(6), fmt.Sprint(n, "-", i), "x")
			if random.IntN(4) == 0 {
				m.ChatID = fmt.Sprint(random.IntN(n+1), "-", i)
			}
			ops = append(ops, save(m))
			if random.IntN(3) == 0 {
				ops = append(ops, confirm(chat.Confirmation{ReceiverID: m.ReceiverID, ChatID: m.ChatID, Sent: always}))
			}
		}
		apply(ops...)
	}
	all.check(t)
}

// testSharedPrevious stores to a few receivers in turns, so that each message
// follows one that the other store has stored.
func testSharedPrevious(t *testing.T, a, b chat.Store) {
	var all logs
	for i := range 60 {
		s := []chat.Store{a, b}[i/2%2]
		ops := []chat.Op{save(message(ann, bob+int64(i%3), fmt.Sprint(i), "x")), save(message(eve, bob, fmt.Sprint(i), "x"))}
		all.add(ops, apply(t, s, ops...))
	}
	all.check(t)
}
