package fiberchat

import (
	"flag"
	"fmt"
	"math/rand/v2"
	"runtime"
	"slices"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"
)

var (
	modelSeed  = flag.Uint64("seed", 0, "TestModel runs the world of this seed alone; 0 for worlds of its own choice")
	modelSteps = flag.Int64("steps", 20_000, "how many steps TestModel takes")
)

// modelKnown are the kinds of violation that TestModel only logs, unless it is
// given a seed.
var modelKnown = []string{
	"init-receipt-early",      // what came during an earlier replay comes after the RECEIPT
	"receipt-missing",         // an init that failed, and the session goes on or ends in good order
	"receipt-of-send-missing", // a message that was refused, and the session goes on or ends in good order
	"receipt-lost",            // an init behind a live read that failed, and DISCONNECT
	"lost-confirmed",          // the bus lost it, and another session confirmed it before the sweep
	"lost-confirmed-alone",    // a replay read past what the committer had not told of yet
	"confirmed-replayed",      // its commit was of unknown outcome; who listens then gets it, though it is confirmed
}

// modelLength is how many steps a world has.
const modelLength = 400

// TestModel lets clients do at random what clients may do, to nodes whose
// store and bus fail at random, and compares what the clients see with what
// PROTOCOL section 2 promises (model_oracle_test.go). Each world is a synctest
// bubble, so its time costs none.
//
//	go test -race -run TestModel ./fiberchat -steps 200000
//	go test -race -run TestModel ./fiberchat -seed N
//
// A seed repeats the steps and the faults; the scheduling of goroutines between
// them may differ, so a world that failed may have to be run a few times (-count).
func TestModel(t *testing.T) {
	t.Parallel()
	seed, worlds := *modelSeed, int64(1)
	if seed == 0 {
		seed, worlds = rand.Uint64()>>16+1, max(1, *modelSteps/modelLength)
		t.Logf("%d worlds, from -seed %d on", worlds, seed)
	}
	var next, messages, deliveries, replays atomic.Int64
	begun := time.Now()
	t.Run("worlds", func(t *testing.T) {
		for i := range min(worlds, int64(runtime.GOMAXPROCS(0))) {
			t.Run(fmt.Sprint(i), func(t *testing.T) {
				t.Parallel()
				for n := next.Add(1); n <= worlds && !t.Failed(); n = next.Add(1) {
					w := testModelWorld(t, seed+uint64(n)-1)
					messages.Add(int64(len(w.store.messages)))
					for _, s := range w.sessions {
						deliveries.Add(int64(s.deliveries))
						replays.Add(int64(len(s.inits)))
					}
				}
			})
		}
	})
	took := time.Since(begun)
	t.Logf("%d steps, %.0f a second; %d messages, delivered %d times, %d inits",
		worlds*modelLength, float64(worlds*modelLength)/took.Seconds(), messages.Load(), deliveries.Load(), replays.Load())
}

func testModelWorld(t *testing.T, seed uint64) (w *modelWorld) {
	func() {
		done := false
		defer func() {
			if !done {
				t.Logf("-seed %d ends in a panic", seed)
			}
		}()
		synctest.Test(t, func(*testing.T) { w = runModelWorld(seed, modelLength) })
		done = true
	}()
	for _, v := range w.violations {
		if slices.Contains(modelKnown, v.class) && *modelSeed == 0 {
			t.Logf("known, -seed %d: %s", seed, v.text)
			continue
		}
		t.Errorf("-seed %d: %s", seed, w.explain(v))
	}
	return w
}
