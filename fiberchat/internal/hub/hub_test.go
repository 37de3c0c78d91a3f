package hub

import (
	"fmt"
	"math/rand/v2"
	"slices"
	"sync"
	"testing"

	"go.uber.org/goleak"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

func TestHub(t *testing.T) {
	t.Parallel()
	h := New[string]()
	add := func(user int64, s string, want ...string) {
		t.Helper()
		all, ok := h.Add(user, s, 0)
		if !ok || !slices.Equal(all, want) {
			t.Errorf("Add(%d, %s): %q, %v, want %q", user, s, all, ok, want)
		}
	}
	of := func(user int64, want ...string) {
		t.Helper()
		if got := h.Of(user); !slices.Equal(got, want) {
			t.Errorf("Of(%d): %q, want %q", user, got, want)
		}
	}
	remove := func(user int64, s string, last bool) {
		t.Helper()
		if got := h.Remove(user, s); got != last {
			t.Errorf("Remove(%d, %s): the last one %v, want %v", user, s, got, last)
		}
	}
	of(1)
	remove(1, "nobody", false)
	add(1, "a", "a")
	add(1, "b", "a", "b")
	before := h.Of(1)
	add(1, "c", "a", "b", "c")
	add(2, "x", "x")
	of(1, "a", "b", "c")
	add(1, "d", "a", "b", "c", "d")
	remove(1, "b", false)
	remove(1, "b", false)
	remove(2, "a", false)
	of(1, "a", "c", "d")
	of(2, "x")
	if !slices.Equal(before, []string{"a", "b"}) {
		t.Errorf("a slice that was handed out has changed: %q", before)
	}
	if all := slices.Sorted(slices.Values(h.All())); !slices.Equal(all, []string{"a", "c", "d", "x"}) || h.Len() != 4 {
		t.Errorf("All: %q, Len %d", all, h.Len())
	}
	for _, s := range []string{"c", "a", "d"} {
		remove(1, s, s == "d")
	}
	remove(2, "x", true)
	if h.Len() != 0 || len(h.All()) != 0 || len(h.users) != 0 {
		t.Errorf("an empty hub holds %d, %q, %v", h.Len(), h.All(), h.users)
	}
}

func TestTotal(t *testing.T) {
	t.Parallel()
	h := New[int]()
	for i := range 3 {
		if _, ok := h.Add(int64(i%2), i, 3); !ok {
			t.Fatalf("number %d was refused", i)
		}
	}
	if all, ok := h.Add(0, 9, 3); ok || all != nil || h.Len() != 3 || slices.Contains(h.Of(0), 9) {
		t.Errorf("beyond the total: %v, %v, %v", all, ok, h.Of(0))
	}
	h.Remove(1, 1)
	if _, ok := h.Add(0, 9, 3); !ok {
		t.Error("refused, though one has left")
	}
	if _, ok := h.Add(0, 10, 0); !ok {
		t.Error("refused, though there is no bound")
	}
}

// Sessions come and go while others read; what was handed out never changes.
func TestConcurrent(t *testing.T) {
	t.Parallel()
	const users, workers, rounds, total = 4, 16, 2000, 20
	h := New[*string]()
	var wait sync.WaitGroup
	for w := range workers {
		wait.Go(func() {
			random := rand.New(rand.NewPCG(uint64(w), 1))
			for range rounds {
				user, s := random.Int64N(users), fmt.Sprint(w)
				all, ok := h.Add(user, &s, total)
				if !ok {
					continue
				}
				if have := h.Of(user); !slices.Contains(have, &s) {
					t.Error("a session is not where it was put")
				}
				if all[len(all)-1] != &s {
					t.Error("the session that came is not the last one")
				}
				if n := h.Len(); n > total || len(h.All()) > total {
					t.Errorf("%d sessions, more than the total", n)
				}
				handed := h.Of(user)
				before := slices.Clone(handed)
				h.Remove(user, &s)
				if !slices.Equal(handed, before) {
					t.Error("a slice that was handed out has changed")
				}
			}
		})
	}
	wait.Wait()
	if h.Len() != 0 || len(h.users) != 0 {
		t.Errorf("at the end %d sessions of %d users", h.Len(), len(h.users))
	}
}
