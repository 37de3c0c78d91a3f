package sqlstore

import (
	"fmt"
	"path/filepath"
	"testing"

	"fiberchat.example/fiberchat/chat"
)

// Previous is the message before it and not only a bound, or every session
// would read each message from the store again.
func TestPreviousIsExact(t *testing.T) {
	t.Parallel()
	t.Run("sqlite", func(t *testing.T) { testPreviousIsExact(t, filepath.Join(t.TempDir(), "chat.db")) })
	eachServer(t, func(t *testing.T, kind string) { testPreviousIsExact(t, scratch(t, kind)) })
}

func testPreviousIsExact(t *testing.T, dsn string) {
	s := openAt(t, dsn)
	last := make(map[int64]int64)
	for n := range 20 {
		var ops []chat.Op
		for i := range 5 {
			ops = append(ops, saveFrom(1, int64((n+i*i)%6)+2, fmt.Sprint(n, "-", i)))
		}
		ops = append(ops, ops[1], confirmOp(fmt.Sprint(n, "-0"))) // nobody's Previous
		for i, r := range mustApply(t, s, ops...) {
			if ops[i].Save == nil || !r.Changed {
				continue
			}
			if to := r.Message.ReceiverID; r.Previous != last[to] {
				t.Errorf("Previous of %d is %d, want %d", r.Message.ID, r.Previous, last[to])
			}
			last[r.Message.ReceiverID] = r.Message.ID
		}
	}
}

// What SQLite's writer remembers is bounded, and what it does not remember it
// does not know better than that it is lower.
func TestPreviousForgets(t *testing.T) {
	t.Parallel()
	path := filepath.Join(t.TempDir(), "chat.db")
	s, other := openAt(t, path), openAt(t, path)
	n := 0
	save := func(s *Store, to int64, want int64) {
		t.Helper()
		n++
		r := mustApply(t, s, saveFrom(1, to, fmt.Sprint(n)))[0]
		if r.Err != nil || r.Previous != want {
			t.Errorf("Previous of %d is %d, %v, want %d", r.Message.ID, r.Previous, r.Err, want)
		}
	}
	save(s, 2, 0)
	save(s, 3, 0)
	save(s, 2, 1)
	save(other, 2, 3) // 4
	save(other, 2, 4) // 5
	save(s, 3, 5)     // 6; another has stored something
	save(s, 2, 5)     // 7
	save(s, 3, 6)     // 8
	for i := range int64(maxRemembered) {
		s.previous.last[-i] = 1
	}
	save(s, 3, 8) // 9; full
	save(s, 2, 8) // 10
	save(s, 3, 9)
}
