package soak

import (
	"context"
	"math/rand/v2"
	"sync"
	"time"
)

// atOnce is how many users settle at a time.
const atOnce = 40

// each calls f for all users, some at once, and waits.
func (w *world) each(f func(*user, *rand.Rand)) {
	var group sync.WaitGroup
	slots := make(chan struct{}, atOnce)
	for i, u := range w.users {
		slots <- struct{}{}
		group.Go(func() {
			defer func() { <-slots }()
			f(u, rand.New(rand.NewPCG(uint64(i), 1)))
		})
	}
	group.Wait()
}

// settle repeats what a user was not answered, until it is.
func (w *world) settle(u *user, r *rand.Rand) {
	ctx, cancel := context.WithTimeout(context.Background(), 2*patience)
	defer cancel()
	for first := true; w.opened(u)+len(w.unanswered(u)) > 0; first = false {
		if !first && !pause(ctx, time.Second) {
			w.violated("%s still waits for %d answers and %d confirmations", u.name, w.opened(u), len(w.unanswered(u)))
			return
		}
		s, err := w.dial(ctx, w.server.Addr, "native", u, newWire(), "0,0")
		if err != nil {
			continue
		}
		s.repeat()
		s.follow()
		w.disconnect(s, r)
	}
}

// repeat sends all that is not answered. Nobody reads yet, so that the map
// is ours.
func (s *session) repeat() {
	for _, m := range s.again(s.user) {
		if s.post(m) != nil {
			return
		}
	}
	for _, m := range s.unanswered(s.user) {
		if s.asked[m.msgID] != nil {
			continue // one at a time of those that share a msgID
		}
		s.asked[m.msgID] = m
		if s.postConfirmation(m) != nil {
			return
		}
	}
}

// collect wants an init to bring exactly what is pending, in order of id, and
// the next one nothing, when all of it was confirmed.
func (w *world) collect(u *user, r *rand.Rand, want map[*letter]bool) {
	ctx, cancel := context.WithTimeout(context.Background(), 2*patience)
	defer cancel()
	s := w.guest(ctx, u, r, newWire(), "0,0")
	if s == nil {
		w.violated("%s cannot connect to collect", u.name)
		return
	}
	defer s.join()
	defer s.cut(false)
	got := map[*letter]bool{}
	s.confirm = func(m *letter) bool { // the reader's, which the token in inits ends
		got[m] = true
		return false
	}
	s.follow()
	if s.startInit(false) != nil || s.subscribe(u.name) != nil || !s.initDone(ctx) {
		w.violated("%s over %s gets no answer to its init", u.name, s.transport)
		return
	}
	for m := range want {
		if !got[m] {
			w.violated("LOST: %s does not get %s of %s, which was accepted and never confirmed", u.name, m.msgID, m.from.name)
		}
	}
	for m := range got {
		if !want[m] {
			w.violated("%s gets %s of %s, which is not pending: %+v", u.name, m.msgID, m.from.name, m)
		}
	}
	w.mu.Lock()
	w.collected += len(got)
	w.mu.Unlock()
}

// initDone waits for the receipt of an init.
func (s *session) initDone(ctx context.Context) bool {
	select {
	case <-s.inits:
		return true
	case err := <-s.failed:
		s.failed <- err
		return false
	case <-ctx.Done():
		return false
	}
}
