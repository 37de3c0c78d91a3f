package crash

import (
	"math/rand/v2"
	"os"
	"strconv"
	"testing"
	"time"

	"fiberchat.example/_example/rig"
)

// patience bounds every wait for something that must happen.
const patience = 60 * time.Second

// size picks how much a test does: at full size, every day, or under -short
// and -race.
func size(full, normal, small int) int {
	switch {
	case os.Getenv("FIBERCHAT_FULL") != "":
		return full
	case testing.Short() || rig.Race:
		return small
	}
	return normal
}

// random returns a source whose seed the test logs.
func random(t *testing.T) *rand.Rand {
	t.Helper()
	seed := uint64(time.Now().UnixNano())
	if text := os.Getenv("FIBERCHAT_SEED"); text != "" {
		var err error
		if seed, err = strconv.ParseUint(text, 10, 64); err != nil {
			t.Fatalf("FIBERCHAT_SEED: %v", err)
		}
	}
	t.Logf("FIBERCHAT_SEED=%d", seed)
	return rand.New(rand.NewPCG(seed, 0))
}
