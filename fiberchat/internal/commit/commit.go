// Package commit makes operations durable: whatever is queued goes to the
// store in one transaction, and its outcomes are reported in order.
package commit

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"time"

	"fiberchat.example/fiberchat/chat"
)

// Task is one operation and what to do with its outcome.
type Task interface {
	// Op is read while the task is being carried out.
	Op() chat.Op
	// Done is called once, in the order in which the tasks were submitted,
	// which is the order of ids. It must not block and not submit.
	Done(r *chat.Result, err error)
}

// ErrClosed is what Submit returns once Close was called.
var ErrClosed = errors.New("commit: closed")

// PanicError is what a panic of the app's own code turns into.
type PanicError struct{ Value any }

func (e *PanicError) Error() string { return fmt.Sprintf("panic: %v", e.Value) }

const (
	// maxBatch bounds the transaction. At 500 pairs a commit holds about a
	// hundred operations.
	maxBatch = 512
	// maxQueue bounds what waits; beyond it Submit blocks, and with it the
	// reader of the session that sends.
	maxQueue = 2048
)

// Committer carries out tasks. One batch at a time is at the store; while it
// is there, the outcomes of the one before are reported.
//
// A lone task that comes while nothing is under way is carried out by its own
// submitter, which saves a single pair the hand-over to another goroutine;
// what comes meanwhile is left to the committer's goroutines.
type Committer struct {
	store    chat.Store
	timeout  time.Duration
	observe  func(ops int, took time.Duration)
	reported func()

	mu         sync.Mutex
	queue      []Task
	busy       bool // a batch is at the store, or run was woken
	unreported int  // batches that were handed to report
	closed     bool
	changed    sync.Cond // waited on by Submit when the queue is full, and by Close

	wake chan struct{}
	out  chan *batch
	done chan struct{}
}

// batch is what goes to the store together, and what became of it.
type batch struct {
	tasks   []Task
	ops     []chat.Op
	results []chat.Result
	err     error
}

var batches = sync.Pool{New: func() any { return new(batch) }}

// New starts a committer. timeout bounds one transaction; observe hears of
// every batch that was at the store, and reported is called when all its outcomes
// were. Either may be nil.
func New(store chat.Store, timeout time.Duration, observe func(ops int, took time.Duration), reported func()) *Committer {
	c := &Committer{
		store: store, timeout: timeout, observe: observe, reported: reported,
		wake: make(chan struct{}, 1), out: make(chan *batch), done: make(chan struct{}),
	}
	c.changed.L = &c.mu
	go c.run()    // ended and waited for by Close
	go c.report() // ended by run, and waited for by Close
	return c
}

// Submit takes a task over. It blocks while too many wait. more reports that the
// submitter is about to bring others, which had better go together.
func (c *Committer) Submit(t Task, more bool) error {
	c.mu.Lock()
	defer c.mu.Unlock()
	for len(c.queue) >= maxQueue && !c.closed {
		c.changed.Wait()
	}
	if c.closed {
		return ErrClosed
	}
	c.queue = append(c.queue, t)
	switch {
	case c.busy:
		return nil
	case more || c.unreported > 0: // what came before is reported first
		c.busy = true
		c.wake <- struct{}{}
		return nil
	}
	c.busy = true
	b := c.take()
	c.mu.Unlock()
	c.apply(b)
	c.reportOf(b)
	c.mu.Lock()
	if len(c.queue) > 0 {
		c.wake <- struct{}{} // busy stays true for run
		return nil
	}
	c.busy = false
	c.changed.Broadcast()
	return nil
}

// Close refuses further tasks, waits until those taken are carried out, and
// ends the goroutines. It is called once.
func (c *Committer) Close() {
	c.mu.Lock()
	c.closed = true
	c.changed.Broadcast()
	for c.busy || c.unreported > 0 {
		c.changed.Wait()
	}
	c.mu.Unlock()
	close(c.wake)
	<-c.done
}

// run takes batch after batch to the store.
func (c *Committer) run() {
	defer close(c.out)
	for range c.wake {
		for b := c.next(); b != nil; b = c.next() {
			c.apply(b)
			c.out <- b
		}
	}
}

// next returns the next batch for report, nil when nothing is queued.
func (c *Committer) next() *batch {
	c.mu.Lock()
	defer c.mu.Unlock()
	if len(c.queue) == 0 {
		c.busy = false
		c.changed.Broadcast()
		return nil
	}
	c.unreported++
	return c.take()
}

// report reports the outcomes.
func (c *Committer) report() {
	defer close(c.done)
	for b := range c.out {
		c.reportOf(b)
		c.mu.Lock()
		c.unreported--
		c.changed.Broadcast()
		c.mu.Unlock()
	}
}

// take moves what is queued to a batch. The caller holds mu.
func (c *Committer) take() *batch {
	b := batches.Get().(*batch)
	n := min(len(c.queue), maxBatch)
	b.tasks = append(b.tasks, c.queue[:n]...)
	rest := copy(c.queue, c.queue[n:])
	clear(c.queue[rest:])
	c.queue = c.queue[:rest]
	c.changed.Broadcast()
	return b
}

// apply carries out the batch.
func (c *Committer) apply(b *batch) {
	for _, t := range b.tasks {
		b.ops = append(b.ops, t.Op())
	}
	begun := time.Now()
	b.results, b.err = c.applyOps(b.ops)
	if c.observe != nil {
		c.observe(len(b.ops), time.Since(begun))
	}
}

// reportOf reports a batch's outcomes, and gives the batch back.
func (c *Committer) reportOf(b *batch) {
	for i, t := range b.tasks {
		if b.err != nil {
			t.Done(nil, b.err)
		} else {
			t.Done(&b.results[i], b.results[i].Err)
		}
	}
	if c.reported != nil {
		c.reported()
	}
	clear(b.tasks)
	clear(b.ops)
	b.tasks, b.ops, b.results = b.tasks[:0], b.ops[:0], nil
	batches.Put(b)
}

// applyOps calls the store, which may be the caller's own code.
func (c *Committer) applyOps(ops []chat.Op) (results []chat.Result, err error) {
	ctx, cancel := context.WithTimeout(context.Background(), c.timeout)
	defer cancel()
	defer func() {
		if p := recover(); p != nil {
			results, err = nil, &PanicError{p}
		}
	}()
	results, err = c.store.Apply(ctx, ops)
	if err == nil && len(results) != len(ops) {
		err = fmt.Errorf("commit: the store gave %d results for %d operations", len(results), len(ops))
	}
	return results, err
}
