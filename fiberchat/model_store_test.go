package fiberchat

import (
	"context"
	"errors"
	"fmt"
	"hash/fnv"
	"math/rand/v2"
	"slices"
	"strings"
	"time"

	"fiberchat.example/fiberchat/chat"
	"fiberchat.example/fiberchat/storetest"
)

// modelStore is one database for all nodes of a world, and fails. What is
// committed later has its id already, and holds its receivers' logs and its
// serials until then, as the locks of a database do. The world's mu guards it.
type modelStore struct {
	w      *modelWorld
	memory *storetest.Memory

	calls    map[string]uint64 // by what is asked
	locked   map[any]bool
	released chan struct{}
	hidden   map[int64]bool

	messages   map[int64]*modelStored
	byReceiver map[int64][]*modelStored // in order of id
	byKey      map[modelKey]*modelStored
	confirmed  []modelConfirmed
	failed     map[modelKey]int // operations whose Apply failed
}

// modelKey names what a client can name: whose it is, and the serial.
type modelKey struct {
	confirm bool
	userID  int64
	chatID  string
}

// modelStored is a message and the moments of its life, 0 for not yet.
type modelStored struct {
	chat.Message
	visible, answered, confirmed int
	traced                       int // where the trace tells of it
}

// modelConfirmed is what a confirmation without an id chose among.
type modelConfirmed struct {
	at     int
	chosen *modelStored
	open   []*modelStored // with that serial, unconfirmed until then
}

var errModel = errors.New("the model's store fails")

func newModelStore(w *modelWorld) *modelStore {
	return &modelStore{
		w: w, memory: storetest.NewMemory(), calls: make(map[string]uint64),
		locked: make(map[any]bool), released: make(chan struct{}), hidden: make(map[int64]bool),
		messages: make(map[int64]*modelStored), byReceiver: make(map[int64][]*modelStored),
		byKey: make(map[modelKey]*modelStored), failed: make(map[modelKey]int),
	}
}

func keyOf(op chat.Op) modelKey {
	if op.Save != nil {
		return modelKey{false, op.Save.SenderID, op.Save.ChatID}
	}
	return modelKey{true, op.Confirm.ReceiverID, op.Confirm.ChatID}
}

func locksOf(op chat.Op) []any {
	if op.Save != nil {
		return []any{op.Save.ReceiverID, keyOf(op)}
	}
	return []any{op.Confirm.ReceiverID}
}

// Apply implements chat.Store.
func (s *modelStore) Apply(ctx context.Context, ops []chat.Op) ([]chat.Result, error) {
	w := s.w
	c := s.call(fmt.Sprint("Apply", keyOf(ops[0])))
	time.Sleep(c.before)
	w.mu.Lock()
	for slices.ContainsFunc(ops, func(op chat.Op) bool {
		return slices.ContainsFunc(locksOf(op), func(l any) bool { return s.locked[l] })
	}) {
		released := s.released
		w.mu.Unlock()
		select {
		case <-released:
		case <-ctx.Done():
			return nil, s.fail(ops, ctx.Err())
		}
		time.Sleep(c.before) // of several who wait, always the same one is first
		w.mu.Lock()
	}
	var results []chat.Result
	reveal := func() {}
	switch c.fault {
	case 0, 2, 4, 5: // visible at once
		results, _ = s.commit(ops, false)
	case 6, 7, 9: // visible after a while
		results, reveal = s.commit(ops, true)
	}
	if c.fault != 0 {
		w.note(nil, "store: Apply of %d operations meets fault %d", len(ops), c.fault)
	}
	w.mu.Unlock()
	time.Sleep(c.after)
	switch c.fault {
	case 1, 2: // before or after the commit
		return nil, s.fail(ops, errModel)
	case 3, 4:
		panic(s.fail(ops, errModel))
	case 5: // late answer
		time.Sleep(c.soon)
	case 6: // late commit
		time.Sleep(c.soon)
		reveal()
	case 7: // unknown outcome, and the commit comes later
		time.AfterFunc(c.soon, reveal)
		return nil, s.fail(ops, errModel)
	case 8: // never
		<-ctx.Done()
		return nil, s.fail(ops, ctx.Err())
	case 9:
		<-ctx.Done()
		time.AfterFunc(c.soon, reveal)
		return nil, s.fail(ops, ctx.Err())
	}
	return results, nil
}

// fill stores a backlog for user 1.
func (s *modelStore) fill(n int) {
	s.w.mu.Lock()
	defer s.w.mu.Unlock()
	for i := range n {
		s.commit([]chat.Op{{Save: &chat.Message{
			ChatID: fmt.Sprint("b", i), SenderID: 2, ReceiverID: 1, SenderName: modelNames[1], ReceiverName: modelNames[0],
			Content: "backlog", Time: now(),
		}}}, false)
	}
}

// modelCall is what a call meets: how long it and its answer are on their way,
// and whether it fails, and how. The n-th of one kind always meets the same.
type modelCall struct {
	before, after, soon time.Duration
	fault               int // 1 to 9, 0 for none
}

func (s *modelStore) call(kind string) modelCall {
	s.w.mu.Lock()
	defer s.w.mu.Unlock()
	s.calls[kind]++
	h := fnv.New64a()
	_, _ = fmt.Fprint(h, kind, s.calls[kind])
	r := rand.New(rand.NewPCG(s.w.seed, h.Sum64()))
	moment := func(most time.Duration) time.Duration { return time.Duration(1 + r.Int64N(int64(most))) }
	c := modelCall{before: moment(modelMoment), after: moment(modelMoment), soon: moment(modelTimeout / 2)}
	faults := s.w.readFaults
	if strings.HasPrefix(kind, "Apply") {
		faults = s.w.applyFaults
	}
	if r.IntN(100) < faults && !s.w.calm {
		c.fault = 1 + r.IntN(9)
	}
	return c
}

func (s *modelStore) fail(ops []chat.Op, err error) error {
	s.w.mu.Lock()
	defer s.w.mu.Unlock()
	for _, op := range ops {
		s.failed[keyOf(op)]++
	}
	return err
}

// commit carries out ops. What it hides is visible after reveal. The caller
// holds mu.
func (s *modelStore) commit(ops []chat.Op, hide bool) (results []chat.Result, reveal func()) {
	var held []any
	var hidden []*modelStored
	for _, op := range ops {
		var open []*modelStored
		if c := op.Confirm; c != nil && c.ID == 0 {
			for _, m := range s.byReceiver[c.ReceiverID] {
				if m.ChatID == c.ChatID && m.confirmed == 0 {
					open = append(open, m)
				}
			}
		}
		one, err := s.memory.Apply(context.Background(), []chat.Op{op})
		if err != nil {
			panic(err) // memory does not fail
		}
		r := one[0]
		results = append(results, r)
		switch at := s.w.now(); {
		case !r.Changed:
		case op.Save != nil:
			m := &modelStored{Message: r.Message, visible: at, traced: len(s.w.trace)}
			if hide {
				m.visible = 0
				s.hidden[m.ID] = true
				hidden = append(hidden, m)
			}
			s.messages[m.ID], s.byKey[keyOf(op)] = m, m
			s.byReceiver[m.ReceiverID] = append(s.byReceiver[m.ReceiverID], m)
			s.w.note(nil, "store: message %d (%s from %d to %d), hidden: %v", m.ID, m.ChatID, m.SenderID, m.ReceiverID, hide)
		default:
			m := s.messages[r.Message.ID]
			m.confirmed = at
			if op.Confirm.ID == 0 {
				s.confirmed = append(s.confirmed, modelConfirmed{at, m, open})
			}
			s.w.note(nil, "store: message %d (to %d) is confirmed", m.ID, m.ReceiverID)
		}
		if hide {
			held = append(held, locksOf(op)...)
		}
	}
	for _, l := range held {
		s.locked[l] = true
	}
	return results, func() {
		s.w.mu.Lock()
		defer s.w.mu.Unlock()
		for _, m := range hidden {
			delete(s.hidden, m.ID)
			m.visible = s.w.now()
			s.w.note(nil, "store: message %d (to %d) becomes visible", m.ID, m.ReceiverID)
		}
		for _, l := range held {
			delete(s.locked, l)
		}
		close(s.released)
		s.released = make(chan struct{})
	}
}

// modelRead answers with what read finds when it is called, which may arrive
// much later, or not at all.
func modelRead[T any](ctx context.Context, s *modelStore, what string, receiverID int64, read func() T) (T, error) {
	var none T
	c := s.call(fmt.Sprint(what, receiverID))
	time.Sleep(c.before)
	s.w.mu.Lock()
	found := read()
	if c.fault != 0 {
		s.w.note(nil, "store: %s for %d meets fault %d", what, receiverID, c.fault)
	}
	s.w.mu.Unlock()
	time.Sleep(c.after)
	switch c.fault {
	case 1, 2, 3, 4:
		return none, errModel
	case 5, 6:
		time.Sleep(c.soon)
	case 7, 8:
		panic(errModel)
	case 9:
		<-ctx.Done()
		return none, ctx.Err()
	}
	return found, nil
}

// page reads by the memory's method, without what is hidden.
func (s *modelStore) page(read func(context.Context, int64, int64, int) ([]chat.Message, error), receiverID, afterID int64, limit int) []chat.Message {
	page, err := read(context.Background(), receiverID, afterID, limit+len(s.hidden))
	if err != nil {
		panic(err)
	}
	page = slices.DeleteFunc(page, func(m chat.Message) bool { return s.hidden[m.ID] })
	return page[:min(limit, len(page))]
}

// Pending implements chat.Store.
func (s *modelStore) Pending(ctx context.Context, receiverID, afterID int64, limit int) ([]chat.Message, error) {
	return modelRead(ctx, s, "Pending", receiverID, func() []chat.Message { return s.page(s.memory.Pending, receiverID, afterID, limit) })
}

// last is the last visible id, of one receiver or of all.
func (s *modelStore) last(receiverID int64) (last int64) {
	for id, m := range s.messages {
		if !s.hidden[id] && (receiverID == 0 || m.ReceiverID == receiverID) {
			last = max(last, id)
		}
	}
	return last
}
