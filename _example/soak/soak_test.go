package soak

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"fiberchat.example/_example/rig"
)

// vitals is what the server holds.
type vitals struct {
	goroutines, sockets, files int
	heap, resident             float64 // octets
}

func (v vitals) String() string {
	return fmt.Sprintf("%d goroutines, %d sockets, %d other descriptors, heap %.1f MiB, resident %.0f MiB",
		v.goroutines, v.sockets, v.files, v.heap/(1<<20), v.resident/(1<<20))
}

// examine counts; the heap is as it is now, garbage included.
func (s *server) examine() (v vitals, sessions int, err error) {
	body, err := s.Scrape()
	if err != nil {
		return v, 0, err
	}
	for name, to := range map[string]*float64{"go_memstats_heap_inuse_bytes": &v.heap, "process_resident_memory_bytes": &v.resident} {
		if *to, err = rig.Sum(body, name); err != nil {
			return v, 0, err
		}
	}
	goroutines, err := rig.Sum(body, "go_goroutines")
	if err != nil {
		return v, 0, err
	}
	up, _ := rig.Sum(body, "fiberchat_sessions") // there is none before the first
	v.goroutines = int(goroutines)
	dir := fmt.Sprintf("/proc/%d/fd", s.Pid())
	entries, err := os.ReadDir(dir)
	if err != nil {
		return v, 0, err
	}
	for _, e := range entries {
		switch target, err := os.Readlink(filepath.Join(dir, e.Name())); {
		case errors.Is(err, os.ErrNotExist): // closed meanwhile
		case strings.HasPrefix(target, "socket:"):
			v.sockets++
		default:
			v.files++
		}
	}
	return v, int(up), err
}

// calm waits until no session is up and the server holds no more than most
// says, and returns what it holds after its garbage was collected.
func (s *server) calm(most vitals) (v vitals, err error) {
	deadline := time.Now().Add(2 * patience)
	ctx, cancel := context.WithDeadline(context.Background(), deadline)
	defer cancel()
	for {
		var up int
		if v, up, err = s.examine(); err != nil {
			return v, err
		}
		if up == 0 && v.goroutines <= most.goroutines && v.sockets <= most.sockets {
			break
		}
		if !pause(ctx, 500*time.Millisecond) {
			return v, fmt.Errorf("%d sessions are up, %v", up, v)
		}
	}
	// Scraping makes the garbage that makes the collector run; what counts is
	// the least of three rounds. The scrapes' own sockets come and go.
	least, first := v, 0.
	for rounds := 0.; rounds < 3; {
		body, err := s.Scrape()
		if err != nil {
			return v, err
		}
		n, err := rig.Sum(body, "go_gc_duration_seconds_count")
		if err != nil {
			return v, err
		}
		first = cmp.Or(first, n)
		rounds = n - first
		if v, _, err = s.examine(); err != nil {
			return v, err
		}
		least.heap = min(least.heap, v.heap)
		least.sockets = min(least.sockets, v.sockets)
	}
	v.heap, v.sockets = least.heap, least.sockets
	return v, nil
}

func soakTime(t *testing.T) (d time.Duration, users int, seed uint64) {
	t.Helper()
	d, users, seed = time.Minute, 100, uint64(time.Now().UnixNano())
	var err error
	if text := os.Getenv("FIBERCHAT_SOAK"); text != "" {
		if d, err = time.ParseDuration(text); err != nil {
			t.Fatal(err)
		}
	}
	if d >= 5*time.Minute {
		users = 500
	}
	if text := os.Getenv("FIBERCHAT_SEED"); text != "" {
		if seed, err = strconv.ParseUint(text, 10, 64); err != nil {
			t.Fatal(err)
		}
	}
	return d, users, seed
}

func newWorld(t *testing.T, users, files int, args ...string) *world {
	t.Helper()
	w := &world{ledger: newLedger(), db: filepath.Join(t.TempDir(), "chat.db"), hot: make(chan *user, 1), wires: map[*wire]*user{}}
	for i, a := range makeAccounts(t, w.db, users) {
		w.users = append(w.users, w.join(a))
		w.users[i].hasty = i%25 == 7
	}
	w.server = start(t, w.db, files, args...)
	return w
}

// run lets everybody live for a time.
func (w *world) run(d time.Duration, seed uint64, faults bool) {
	ctx, cancel := context.WithTimeout(context.Background(), d)
	defer cancel()
	var lateCancel context.CancelFunc
	w.late, lateCancel = context.WithTimeout(ctx, max(d-time.Minute, d/4))
	defer lateCancel()
	var group sync.WaitGroup
	for i, u := range w.users {
		group.Go(func() { w.live(ctx, u, rand.New(rand.NewPCG(seed, uint64(1000+i)))) })
	}
	if faults {
		group.Go(func() { w.misbehave(ctx, d, seed) })
	}
	group.Wait()
}

func TestSoak(t *testing.T) {
	d, users, seed := soakTime(t)
	begun := time.Now()
	phase := func(what string, v any) { t.Logf("after %v: %s %v", time.Since(begun).Round(time.Second), what, v) }
	phase("seed", seed)
	w := newWorld(t, users, 0)
	fresh, err := w.server.calm(vitals{goroutines: 1 << 30, sockets: 1 << 30})
	if err != nil {
		t.Fatal(err)
	}
	phase("signed up", fresh)
	// The start is taken when every door was used once and the database's
	// connections are open.
	w.run(5*time.Second, seed+1, false)
	begin, err := w.server.calm(vitals{goroutines: fresh.goroutines + 5, sockets: fresh.sockets})
	if err != nil {
		t.Fatal(err)
	}
	phase("start", begin)

	w.run(d, seed, true)
	w.frozen.Wait()
	phase("all have left", "")
	w.each(w.settle)
	w.checkOrder()
	want := w.pending()
	w.each(func(u *user, r *rand.Rand) { w.collect(u, r, want[u]) })
	phase("settled and collected", "")
	end, err := w.server.calm(begin)
	phase("calm", end)
	for _, s := range w.dead { // only now: the server had to find out by itself
		s.cut(false)
	}
	if err != nil {
		if w.server.Signal(syscall.SIGQUIT) == nil { // prints the goroutines
			<-w.server.Exited
		}
		t.Fatalf("not as at the start: %v", err)
	}
	if end.files > begin.files+maxDatabaseFiles {
		t.Errorf("%d files are open, %d at the start", end.files, begin.files)
	}
	if end.heap > 2*begin.heap+4<<20 {
		t.Errorf("the heap has grown from %.1f to %.1f MiB", begin.heap/(1<<20), end.heap/(1<<20))
	}
	w.report(t, d, begin, end)
	for _, v := range w.violations {
		t.Error(v)
	}
	if body, err := w.server.Scrape(); err != nil {
		t.Error(err)
	} else {
		noTokens(t, "/metrics", body, w.users)
	}
	w.server.Stop(t, drainTime+5*time.Second)
	noTokens(t, "what the server printed", w.server.Output.String(), w.users)
}

const (
	// maxDatabaseFiles is how many more files SQLite's readers may open late:
	// up to 8 connections, each with the database and its log.
	maxDatabaseFiles = 16
	// drainTime is the example's.
	drainTime = 10 * time.Second
)

// report prints what happened.
func (w *world) report(t *testing.T, d time.Duration, begin, end vitals) {
	t.Helper()
	var b strings.Builder
	written, accepted, refused, received, confirmed := 0, 0, 0, 0, 0
	for _, u := range w.users {
		for _, m := range u.sent {
			written++
			for _, c := range []struct {
				is bool
				n  *int
			}{{m.accepted, &accepted}, {m.refused, &refused}, {m.id != 0, &received}, {m.confirmed, &confirmed}} {
				if c.is {
					*c.n++
				}
			}
		}
	}
	fmt.Fprintf(&b, "closing report: %d users, %v\n", len(w.users), d)
	fmt.Fprintf(&b, "  messages: %d written, %d accepted, %d refused for their rate, %d received, %d confirmed, %d pending and collected at the end\n",
		written, accepted, refused, received, confirmed, w.collected)
	var lines []string
	for what, n := range w.counts {
		lines = append(lines, fmt.Sprintf("  %-55s %7d\n", what, n))
	}
	slices.Sort(lines)
	b.WriteString(strings.Join(lines, ""))
	if body, err := w.server.Scrape(); err == nil {
		for _, name := range []string{"fiberchat_slow_clients_total", "fiberchat_replays_total", "fiberchat_rate_limited_total", "fiberchat_panics_total"} {
			if n, err := rig.Sum(body, name); err == nil {
				fmt.Fprintf(&b, "  %-55s %7.0f\n", name, n)
			}
		}
	}
	fmt.Fprintf(&b, "  start: %v\n  end:   %v\n  violations: %d\n", begin, end, len(w.violations))
	t.Log(b.String())
}
