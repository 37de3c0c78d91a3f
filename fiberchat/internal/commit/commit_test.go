package commit

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"fiberchat.example/fiberchat/chat"
	"go.uber.org/goleak"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// store carries out what it is given, in the order given, or does as told.
type store struct {
	chat.Store
	gate  chan struct{} // unless nil, Apply takes one of it before it begins
	apply func(ctx context.Context, ops []chat.Op) ([]chat.Result, error)

	at      atomic.Int32 // calls at once
	mu      sync.Mutex
	serial  int64
	batches []int
}

func (s *store) Apply(ctx context.Context, ops []chat.Op) ([]chat.Result, error) {
	if s.at.Add(1) != 1 {
		panic("two batches at the store")
	}
	defer s.at.Add(-1)
	s.mu.Lock()
	s.batches = append(s.batches, len(ops))
	s.mu.Unlock()
	if s.gate != nil {
		<-s.gate
	}
	if s.apply != nil {
		return s.apply(ctx, ops)
	}
	results := make([]chat.Result, len(ops))
	for i, op := range ops {
		s.serial++
		results[i].Message = *op.Save
		results[i].Message.ID = s.serial
		results[i].Changed = true
	}
	return results, nil
}

func (s *store) sizes() []int {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.batches
}

// task tells done what became of it.
type task struct {
	message chat.Message
	done    func(r *chat.Result, err error)
}

func (t *task) Op() chat.Op                      { return chat.Op{Save: &t.message} }
func (t *task) Done(r *chat.Result, err error)   { t.done(r, err) }
func plain(done func(*chat.Result, error)) *task { return &task{done: done} }
func from(n int64, done func(*chat.Result, error)) *task {
	return &task{chat.Message{SenderID: n}, done}
}

func must(t *testing.T, err error) {
	t.Helper()
	if err != nil {
		t.Error(err)
	}
}

// A lone task is carried out by its submitter: done when Submit returns.
func TestInline(t *testing.T) {
	t.Parallel()
	s := &store{}
	c := New(s, time.Second, nil, nil)
	defer c.Close()
	for i := range int64(100) {
		var id int64
		must(t, c.Submit(plain(func(r *chat.Result, err error) { must(t, err); id = r.Message.ID }), false))
		if id != i+1 {
			t.Fatalf("task %d: id %d when Submit returned", i, id)
		}
	}
}

// What comes while a batch is at the store goes together, in the order it
// came, at most maxBatch at a time; its submitters do not wait.
func TestBatches(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		s := &store{gate: make(chan struct{})}
		var observed []int
		var order, told []int64
		c := New(s, time.Hour, func(ops int, took time.Duration) {
			observed = append(observed, ops)
			if took != time.Second {
				t.Errorf("took %v", took)
			}
		}, func() { told = append(told, int64(len(order))) })
		note := func(r *chat.Result, err error) { must(t, err); order = append(order, r.Message.SenderID) }
		first := make(chan struct{})
		go func() { // joined below
			defer close(first)
			must(t, c.Submit(from(0, note), false))
		}()
		synctest.Wait()
		const n = 2*maxBatch + 10
		for i := range int64(n) {
			must(t, c.Submit(from(i+1, note), false))
		}
		for range 4 {
			time.Sleep(time.Second)
			s.gate <- struct{}{}
		}
		<-first
		c.Close()
		want := fmt.Sprint([]int{1, maxBatch, maxBatch, 10})
		if fmt.Sprint(s.sizes()) != want || fmt.Sprint(observed) != want {
			t.Errorf("batches of %v, observed %v", s.sizes(), observed)
		}
		if fmt.Sprint(told) != fmt.Sprint([]int64{1, 1 + maxBatch, 1 + 2*maxBatch, n + 1}) {
			t.Errorf("told of batches when %v tasks had been told", told)
		}
		for i, got := range order {
			if got != int64(i) {
				t.Fatalf("task %d was told as number %d", got, i)
			}
		}
		if len(order) != n+1 {
			t.Errorf("%d tasks were told", len(order))
		}
	})
}

// After a busy time a lone task is carried out by its submitter again.
func TestInlineAgain(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		s := &store{gate: make(chan struct{}, 10)}
		c := New(s, time.Hour, nil, nil)
		go func() { must(t, c.Submit(plain(func(*chat.Result, error) {}), false)) }() // ends with the gate
		synctest.Wait()
		must(t, c.Submit(plain(func(*chat.Result, error) {}), false))
		s.gate <- struct{}{}
		s.gate <- struct{}{}
		synctest.Wait()
		s.gate <- struct{}{}
		told := false
		must(t, c.Submit(plain(func(*chat.Result, error) { told = true }), false))
		if !told {
			t.Error("not told when Submit returned")
		}
		c.Close()
	})
}

// Submit blocks while maxQueue wait, and Close lets go of the blocked ones
// and carries out the others.
func TestBackPressureAndClose(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		s := &store{gate: make(chan struct{})}
		c := New(s, time.Hour, nil, nil)
		var told atomic.Int32
		note := func(_ *chat.Result, err error) { must(t, err); told.Add(1) }
		var submitted sync.WaitGroup
		submitted.Go(func() { must(t, c.Submit(plain(note), false)) })
		synctest.Wait()
		for range maxQueue {
			must(t, c.Submit(plain(note), false))
		}
		var through, refused atomic.Int32
		for range 3 + maxBatch {
			submitted.Go(func() {
				switch err := c.Submit(plain(note), false); {
				case err == nil:
					through.Add(1)
				case errors.Is(err, ErrClosed):
					refused.Add(1)
				default:
					t.Error(err)
				}
			})
		}
		synctest.Wait()
		if got := through.Load(); got != 0 {
			t.Fatalf("%d were taken beyond the bound", got)
		}
		// The batch of one leaves the store, and a whole one leaves the queue.
		s.gate <- struct{}{}
		synctest.Wait()
		if got := through.Load(); got != maxBatch {
			t.Errorf("room for %d was used by %d", maxBatch, got)
		}
		closed := make(chan struct{})
		go func() { // joined below
			c.Close()
			close(closed)
		}()
		synctest.Wait()
		if got := refused.Load(); got != 3 {
			t.Errorf("Close let go of %d, want 3", got)
		}
		if err := c.Submit(plain(note), false); !errors.Is(err, ErrClosed) {
			t.Error("Submit after Close:", err)
		}
		select {
		case <-closed:
			t.Error("Close did not wait for what was taken")
		default:
		}
		close(s.gate)
		<-closed
		submitted.Wait()
		if got := told.Load(); got != 1+maxQueue+maxBatch {
			t.Errorf("%d tasks were told, want all that were taken", got)
		}
	})
}

// Close waits for a submitter that is at the store, and for what came meanwhile.
func TestCloseDuringInline(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		s := &store{gate: make(chan struct{})}
		c := New(s, time.Hour, nil, nil)
		var told atomic.Int32
		note := func(_ *chat.Result, err error) { must(t, err); told.Add(1) }
		go func() { must(t, c.Submit(plain(note), false)) }() // ends with the gate
		synctest.Wait()
		must(t, c.Submit(plain(note), false))
		closed := make(chan struct{})
		go func() { // joined below
			c.Close()
			close(closed)
		}()
		synctest.Wait()
		s.gate <- struct{}{}
		synctest.Wait()
		select {
		case <-closed:
			t.Error("Close did not wait for what was queued")
		default:
		}
		close(s.gate)
		<-closed
		if told.Load() != 2 {
			t.Errorf("%d were told", told.Load())
		}
	})
}

func TestCloseIdle(t *testing.T) {
	t.Parallel()
	c := New(&store{}, time.Second, nil, nil)
	c.Close()
	if err := c.Submit(plain(nil), false); !errors.Is(err, ErrClosed) {
		t.Error(err)
	}
}

// Whatever the store does, every task is told once and the committer goes on.
func TestStoreFaults(t *testing.T) {
	t.Parallel()
	down := errors.New("disk full")
	for name, tt := range map[string]struct {
		apply func(ctx context.Context, ops []chat.Op) ([]chat.Result, error)
		want  func(err error) bool
	}{
		"error": {
			func(context.Context, []chat.Op) ([]chat.Result, error) { return nil, down },
			func(err error) bool { return errors.Is(err, down) },
		},
		"error with results": {
			func(_ context.Context, ops []chat.Op) ([]chat.Result, error) {
				return make([]chat.Result, len(ops)), down
			},
			func(err error) bool { return errors.Is(err, down) },
		},
		"panic": {
			func(context.Context, []chat.Op) ([]chat.Result, error) { panic("a bug") },
			func(err error) bool { return strings.Contains(err.Error(), "a bug") },
		},
		"too few results": {
			func(_ context.Context, ops []chat.Op) ([]chat.Result, error) {
				return make([]chat.Result, len(ops)-1), nil
			},
			func(err error) bool { return err != nil },
		},
		"too many results": {
			func(_ context.Context, ops []chat.Op) ([]chat.Result, error) {
				return make([]chat.Result, len(ops)+1), nil
			},
			func(err error) bool { return err != nil },
		},
		"never answers": {
			func(ctx context.Context, _ []chat.Op) ([]chat.Result, error) { <-ctx.Done(); return nil, ctx.Err() },
			func(err error) bool { return errors.Is(err, context.DeadlineExceeded) },
		},
		"one conflict": {
			func(_ context.Context, ops []chat.Op) ([]chat.Result, error) {
				r := make([]chat.Result, len(ops))
				for i := range r {
					r[i].Err = chat.ErrConflict
				}
				return r, nil
			},
			func(err error) bool { return errors.Is(err, chat.ErrConflict) },
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				s := &store{apply: tt.apply, gate: make(chan struct{})}
				c := New(s, 10*time.Second, nil, nil)
				var told atomic.Int32
				note := func(r *chat.Result, err error) {
					told.Add(1)
					if err == nil || !tt.want(err) {
						t.Error(err)
					}
				}
				go func() { must(t, c.Submit(plain(note), false)) }() // inline; ends with the gate
				synctest.Wait()
				for range 3 { // by the committer's goroutine
					must(t, c.Submit(plain(note), false))
				}
				begun := time.Now()
				close(s.gate)
				synctest.Wait()
				time.Sleep(21 * time.Second) // two batches, each in its time
				if got := told.Load(); got != 4 {
					t.Errorf("told %d times, want 4", got)
				}
				s.apply = nil
				must(t, c.Submit(plain(func(r *chat.Result, err error) { must(t, err) }), false))
				c.Close()
				if took := time.Since(begun); took != 21*time.Second {
					t.Errorf("it took %v", took)
				}
			})
		})
	}
}

// Many submit at once: each submitter's tasks keep their order, ids are told
// ascending, one by one, and none is lost when Close comes in between.
func TestManySubmitters(t *testing.T) {
	t.Parallel()
	const submitters, each = 32, 500
	s := &store{}
	c := New(s, time.Minute, nil, nil)
	var telling atomic.Int32
	var lastID int64
	last := make([]int64, submitters)
	told := 0
	var taken atomic.Int32
	var wait sync.WaitGroup
	closing := make(chan struct{})
	for i := range submitters {
		wait.Go(func() {
			for n := int64(1); n <= each; n++ {
				err := c.Submit(from(n, func(r *chat.Result, err error) {
					must(t, err)
					if telling.Add(1) != 1 {
						t.Error("two outcomes are told at once")
					}
					defer telling.Add(-1)
					if r.Message.ID != lastID+1 || r.Message.SenderID != last[i]+1 {
						t.Errorf("id %d after %d, number %d after %d", r.Message.ID, lastID, r.Message.SenderID, last[i])
					}
					lastID, last[i] = r.Message.ID, r.Message.SenderID
					if told++; told == submitters*each/2 {
						close(closing)
					}
				}), false)
				if err != nil {
					if !errors.Is(err, ErrClosed) {
						t.Error(err)
					}
					return
				}
				taken.Add(1)
			}
		})
	}
	<-closing
	c.Close()
	wait.Wait()
	if told != int(taken.Load()) {
		t.Errorf("%d were taken, %d told", taken.Load(), told)
	}
}

func BenchmarkSubmit(b *testing.B) {
	s := &store{apply: func(_ context.Context, ops []chat.Op) ([]chat.Result, error) {
		return make([]chat.Result, len(ops)), nil
	}}
	c := New(s, time.Minute, nil, nil)
	defer c.Close()
	b.ReportAllocs()
	b.RunParallel(func(pb *testing.PB) {
		t := plain(func(*chat.Result, error) {})
		for pb.Next() {
			if err := c.Submit(t, false); err != nil {
				b.Fatal(err)
			}
		}
	})
}

// Tasks of one submitter with more to come go together, though each comes
// while nothing is under way but the one before.
func TestMore(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		s := &store{gate: make(chan struct{})}
		c := New(s, time.Hour, nil, nil)
		var order []int64
		const n = 10
		for i := range int64(n) {
			must(t, c.Submit(from(i, func(r *chat.Result, err error) { must(t, err); order = append(order, r.Message.SenderID) }), i < n-1))
		}
		close(s.gate)
		c.Close()
		if len(order) != n || len(s.sizes()) > 2 {
			t.Errorf("told %v, in batches of %v", order, s.sizes())
		}
	})
}

// While one batch's outcomes are told the next is at the store, and they are
// told in order.
func TestTellingWhileCommitting(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		s := &store{}
		c := New(s, time.Hour, nil, nil)
		held := make(chan struct{})
		var order []int64
		must(t, c.Submit(from(0, func(r *chat.Result, err error) { <-held; order = append(order, 0) }), true))
		synctest.Wait() // the first is being told
		must(t, c.Submit(from(1, func(r *chat.Result, err error) { order = append(order, 1) }), false))
		synctest.Wait()
		if got := s.sizes(); len(got) != 2 {
			t.Errorf("batches of %v were stored while the first was told", got)
		}
		if len(order) > 0 {
			t.Error("told before the first:", order)
		}
		close(held)
		c.Close()
		if fmt.Sprint(order) != "[0 1]" {
			t.Error("told", order)
		}
	})
}
