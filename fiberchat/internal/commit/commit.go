// Package commit makes operations durable: whatever is queued goes to the
// store in one transaction, and its outcomes are told in order.
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

// Committer carries out tasks. One batch at a time is at the store.
//
// A task that comes while nothing is under way is carried out by its own
// submitter, which saves a single pair the hand-over to another goroutine;
// what comes meanwhile is left to the committer's goroutine.
type Committer struct {
	store   chat.Store
	timeout time.Duration
	observe func(ops int, took time.Duration)

	mu     sync.Mutex
	queue  []Task
	busy   bool // a batch is at the store, or the goroutine was woken
	closed bool
	room   sync.Cond // waited on by Submit when the queue is full, and by Close

	wake chan struct{}
	done chan struct{}

	// Of whoever is busy.
	batch []Task
	ops   []chat.Op
}

// New starts a committer. timeout bounds one transaction; observe, unless
// nil, hears of every batch.
func New(store chat.Store, timeout time.Duration, observe func(ops int, took time.Duration)) *Committer {
	c := &Committer{
		store: store, timeout: timeout, observe: observe,
		wake: make(chan struct{}, 1), done: make(chan struct{}),
	}
	c.room.L = &c.mu
	go c.run() // ended and waited for by Close
	return c
}

// Submit takes a task over. It blocks while too many wait.
func (c *Committer) Submit(t Task) error {
	c.mu.Lock()
	for len(c.queue) >= maxQueue && !c.closed {
		c.room.Wait()
	}
	if c.closed {
		c.mu.Unlock()
		return ErrClosed
	}
	c.queue = append(c.queue, t)
	if c.busy {
		c.mu.Unlock()
		return nil
	}
	c.busy = true
	c.take()
	c.mu.Unlock()
	c.apply()
	c.mu.Lock()
	defer c.mu.Unlock()
	if len(c.queue) > 0 {
		c.wake <- struct{}{} // busy stays true for the goroutine
		return nil
	}
	c.rest()
	return nil
}

// Close refuses further tasks, waits until those taken are carried out, and
// ends the goroutine. It is called once.
func (c *Committer) Close() {
	c.mu.Lock()
	c.closed = true
	c.room.Broadcast()
	for c.busy {
		c.room.Wait()
	}
	c.mu.Unlock()
	close(c.wake)
	<-c.done
}

func (c *Committer) run() {
	defer close(c.done)
	for range c.wake {
		for {
			c.mu.Lock()
			if len(c.queue) == 0 {
				c.rest()
				c.mu.Unlock()
				break
			}
			c.take()
			c.mu.Unlock()
			c.apply()
		}
	}
}

// take moves what is queued to the batch. The caller holds mu and is busy.
func (c *Committer) take() {
	n := min(len(c.queue), maxBatch)
	c.batch = append(c.batch[:0], c.queue[:n]...)
	rest := copy(c.queue, c.queue[n:])
	clear(c.queue[rest:])
	c.queue = c.queue[:rest]
	c.room.Broadcast()
}

// rest ends being busy. The caller holds mu.
func (c *Committer) rest() {
	c.busy = false
	c.room.Broadcast()
}

// apply carries out the batch and tells the outcomes.
func (c *Committer) apply() {
	c.ops = c.ops[:0]
	for _, t := range c.batch {
		c.ops = append(c.ops, t.Op())
	}
	begun := time.Now()
	results, err := c.applyOps()
	if c.observe != nil {
		c.observe(len(c.ops), time.Since(begun))
	}
	for i, t := range c.batch {
		if err != nil {
			t.Done(nil, err)
		} else {
			t.Done(&results[i], results[i].Err)
		}
	}
	clear(c.batch)
	clear(c.ops)
}

// applyOps calls the store, which may be the caller's own code.
func (c *Committer) applyOps() (results []chat.Result, err error) {
	ctx, cancel := context.WithTimeout(context.Background(), c.timeout)
	defer cancel()
	defer func() {
		if p := recover(); p != nil {
			results, err = nil, &PanicError{p}
		}
	}()
	results, err = c.store.Apply(ctx, c.ops)
	if err == nil && len(results) != len(c.ops) {
		err = fmt.Errorf("commit: the store gave %d results for %d operations", len(results), len(c.ops))
	}
	return results, err
}
