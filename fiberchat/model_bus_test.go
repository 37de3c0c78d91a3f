package fiberchat

import (
	"bytes"
	"context"
	"errors"
	"math/rand/v2"
	"slices"
	"sync"
	"time"
)

// modelBus is the bus of a world, which lies.
type modelBus struct {
	w    *modelWorld
	mu   sync.Mutex
	ends []*modelBusEnd
}

// modelBusEnd is one node's end of it.
type modelBusEnd struct {
	bus    *modelBus
	number uint64
	queue  chan func()
	done   chan struct{}

	subs   []*modelSubscriber
	away   bool
	closed bool
	gap    func()
	n      uint64
}

type modelSubscriber struct {
	handle func([]byte)

	calling  sync.Mutex
	canceled bool
}

func (s *modelSubscriber) call(data []byte) {
	s.calling.Lock()
	defer s.calling.Unlock()
	if !s.canceled {
		s.handle(data)
		clear(data)
	}
}

func (b *modelBus) join() *modelBusEnd {
	e := &modelBusEnd{
		bus: b, number: uint64(len(b.ends)) + 1, queue: make(chan func(), 1<<14), done: make(chan struct{}), gap: func() {},
	}
	b.mu.Lock()
	b.ends = append(b.ends, e)
	b.mu.Unlock()
	go func() { // ended and waited for by leave
		defer close(e.done)
		for deliver := range e.queue {
			deliver()
		}
	}()
	return e
}

func (e *modelBusEnd) leave() {
	e.bus.mu.Lock()
	e.closed = true
	close(e.queue)
	e.bus.mu.Unlock()
	<-e.done
}

// push queues what arrives. The caller holds mu.
func (e *modelBusEnd) push(deliver func()) {
	if !e.closed {
		e.queue <- deliver
	}
}

func (e *modelBusEnd) later(d time.Duration, deliver func()) {
	time.AfterFunc(d, func() {
		e.bus.mu.Lock()
		defer e.bus.mu.Unlock()
		e.push(deliver)
	})
}

// cut takes the end off the bus, or brings it back.
func (e *modelBusEnd) cut(away bool) {
	e.bus.mu.Lock()
	defer e.bus.mu.Unlock()
	if e.away && !away {
		e.push(e.gap)
	}
	e.away = away
}

var errModelBus = errors.New("the model's bus fails")

func (e *modelBusEnd) Publish(_ context.Context, data []byte) error {
	b := e.bus
	if len(data) > e.MaxData() {
		return errModelBus
	}
	b.mu.Lock()
	defer b.mu.Unlock()
	if e.away {
		return errModelBus
	}
	for _, to := range b.ends {
		for _, sub := range to.subs {
			if !to.away {
				b.carry(to, sub, bytes.Clone(data))
			}
		}
	}
	return nil
}

// carry takes data to a subscriber, or not, once or more often, soon or later.
// The caller holds mu.
func (b *modelBus) carry(to *modelBusEnd, sub *modelSubscriber, data []byte) {
	deliver := func() { sub.call(bytes.Clone(data)) }
	to.n++
	r := rand.New(rand.NewPCG(b.w.seed, to.number<<32|to.n))
	if !b.w.faulty(r.IntN(100) < b.w.busFaults) {
		to.later(time.Duration(r.IntN(int(modelMoment))), deliver)
		return
	}
	while := func() time.Duration { return time.Duration(r.IntN(int(time.Second))) }
	switch r.IntN(4) {
	case 0:
	case 1:
		to.later(while(), to.gap)
	case 2:
		to.push(deliver)
		to.later(while(), deliver)
	case 3:
		to.later(while(), deliver)
	}
}

func (e *modelBusEnd) Subscribe(_ context.Context, handle func([]byte)) (func(), error) {
	sub := &modelSubscriber{handle: handle}
	e.bus.mu.Lock()
	defer e.bus.mu.Unlock()
	e.subs = append(e.subs, sub)
	return func() {
		sub.calling.Lock()
		sub.canceled = true
		sub.calling.Unlock()
		e.bus.mu.Lock()
		defer e.bus.mu.Unlock()
		e.subs = slices.DeleteFunc(e.subs, func(s *modelSubscriber) bool { return s == sub })
	}, nil
}

func (e *modelBusEnd) OnGap(handle func()) {
	e.bus.mu.Lock()
	defer e.bus.mu.Unlock()
	e.gap = handle
}

func (e *modelBusEnd) MaxData() int {
	if e.bus.w.seed%3 == 0 {
		return 128
	}
	return 1 << 20
}

func (e *modelBusEnd) Up() bool {
	e.bus.mu.Lock()
	defer e.bus.mu.Unlock()
	return !e.away
}
