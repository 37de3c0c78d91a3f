package soak

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"sync"
	"time"

	"fiberchat.example/fiberchat/chattest"
)

// world is a run: its server, its users, and what they were promised.
type world struct {
	*ledger
	server *server
	db     string // the server's database file
	users  []*user
	hot    chan *user      // who gets much at the moment; holds one at most
	late   context.Context // ended when it is too late for what the server takes a minute to notice

	frozen sync.WaitGroup // waits for the server to end sessions

	mu        sync.Mutex
	wires     map[*wire]*user // of sessions that live
	dead      []*session      // half-open
	collected int
}

// pause waits; false when ctx ended before.
func pause(ctx context.Context, d time.Duration) bool {
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-ctx.Done():
		return false
	case <-timer.C:
		return true
	}
}

func between(r *rand.Rand, from, to time.Duration) time.Duration {
	return from + time.Duration(r.Int64N(int64(to-from)))
}

// live is one user's coming and going, until ctx ends.
func (w *world) live(ctx context.Context, u *user, r *rand.Rand) {
	for pause(ctx, between(r, 0, 4*time.Second)) {
		transport := transports[r.IntN(len(transports))]
		var beside sync.WaitGroup
		if r.IntN(5) == 0 {
			other := rand.New(rand.NewPCG(r.Uint64(), 0))
			beside.Go(func() { // a second device, which only receives; waited for below
				w.visit(ctx, u, transports[other.IntN(len(transports))], other, false)
			})
		}
		w.visit(ctx, u, transport, r, true)
		beside.Wait()
	}
}

// The ways in which a session goes, some more often than others.
var departures = []func(*world, *session, *rand.Rand){
	(*world).disconnect, (*world).disconnect, (*world).disconnect,
	(*world).leave, (*world).leave, (*world).leave,
	(*world).cutOff, (*world).cutOff, (*world).cutInTheMiddle, (*world).cutInTheMiddle,
}

// visit is one session, from the dial to the end.
func (w *world) visit(ctx context.Context, u *user, transport string, r *rand.Rand, talks bool) {
	heartBeat, beats := "0,0", false
	switch r.IntN(3) {
	case 0:
		heartBeat, beats = "10000,10000", true
	case 1:
		heartBeat = "0,10000"
	}
	wire := newWire()
	wire.slow = r.IntN(20) == 0
	s, err := w.dial(ctx, w.server.Addr, transport, u, wire, heartBeat)
	if err != nil {
		w.noteDial(ctx, u, err)
		return
	}
	if wire.slow {
		w.count("fault: a writer that trickles")
	}
	w.count("session: " + transport)
	other := rand.New(rand.NewPCG(r.Uint64(), 0)) // r goes on being used here
	s.confirm = func(*letter) bool { return other.IntN(8) > 0 }
	w.enter(s)
	defer w.exit(s)
	s.follow()
	stay := between(r, 2*time.Second, 15*time.Second)
	if err := w.talk(ctx, s, r, stay, talks, beats); err != nil {
		s.cut(false)
		w.noteEnd(ctx, s, s.join())
		return
	}
	departures[r.IntN(len(departures))](w, s, r)
}

func (w *world) enter(s *session) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.wires[s.wire] = s.user
}

func (w *world) exit(s *session) {
	w.mu.Lock()
	defer w.mu.Unlock()
	delete(w.wires, s.wire)
}

var errEnded = errors.New("the session ended")

// talk takes what comes and sends letters until it is time to go.
func (w *world) talk(ctx context.Context, s *session, r *rand.Rand, stay time.Duration, talks, beats bool) error {
	if err := s.startInit(false); err != nil {
		return err
	}
	names := []string{s.user.name, fmt.Sprint(s.user.id)}
	r.Shuffle(2, func(i, j int) { names[i], names[j] = names[j], names[i] })
	for _, name := range names[:1+r.IntN(8)/7] {
		if err := s.subscribe(name); err != nil {
			return err
		}
	}
	if talks {
		for _, m := range w.again(s.user) {
			if err := s.post(m); err != nil {
				return err
			}
		}
	}
	over := time.NewTimer(stay)
	defer over.Stop()
	beat := time.NewTicker(4 * time.Second)
	defer beat.Stop()
	word := time.NewTicker(between(r, 300*time.Millisecond, 1500*time.Millisecond))
	defer word.Stop()
	initDone := false
	for {
		var err error
		select {
		case <-ctx.Done():
			return nil
		case <-over.C:
			return nil
		case err = <-s.failed:
			s.failed <- err
			return errEnded
		case <-s.inits:
			initDone = true
		case <-beat.C:
			if beats {
				err = s.beat()
			}
			if initDone && r.IntN(4) == 0 && err == nil {
				initDone, err = false, s.startInit(true)
			}
		case <-word.C:
			if talks && w.opened(s.user) < 4 {
				err = w.say(s, r)
			}
		}
		if err != nil {
			return err
		}
	}
}

// say sends a letter to somebody; a hasty user sends many, and too many.
func (w *world) say(s *session, r *rand.Rand) error {
	n := 1
	if s.user.hasty && r.IntN(40) == 0 {
		n = 300
		w.count("fault: a sender over the limit")
	}
	for range n {
		to, size := w.users[r.IntN(len(w.users))], 60
		switch p := r.IntN(100); {
		case n == 1 && p < 20:
			select {
			case hot := <-w.hot:
				w.hot <- hot
				to, size = hot, 40_000
			default:
			}
		case n == 1 && p < 30:
			size = r.IntN(4000)
		case n == 1 && p < 31:
			size = 40_000
		}
		if to == s.user {
			continue
		}
		if err := s.post(w.write(s.user, to, size)); err != nil {
			return err
		}
	}
	return nil
}

// noteDial judges a session that could not begin.
func (w *world) noteDial(ctx context.Context, u *user, err error) {
	if ctx.Err() != nil {
		return
	}
	w.count("dial: " + kind(err))
}

// noteEnd judges the end of a session that did nothing wrong itself.
func (w *world) noteEnd(ctx context.Context, s *session, err error) {
	var token chattest.ServerError
	if errors.As(err, &token) && token.Token != "replaced" && token.Token != "token-expired" {
		w.violated("%s over %s, who did nothing wrong, is sent ERROR %s", s.user.name, s.transport, token.Token)
	}
	w.count("end: " + kind(err))
}

// kind is an error without what differs from one to the next.
func kind(err error) string {
	var how chattest.Closed
	var refused chattest.Refused
	var token chattest.ServerError
	switch {
	case errors.As(err, &how):
		return how.Error()
	case errors.As(err, &refused):
		return refused.Error()
	case errors.As(err, &token):
		return "ERROR " + token.Token
	}
	return "connection lost"
}

// disconnect leaves by the book: the receipt says that all before was done.
func (w *world) disconnect(s *session, r *rand.Rand) {
	defer s.cut(false)
	if err := s.send("DISCONNECT\nreceipt:bye\n\n"); err != nil {
		s.cut(false)
		w.noteEnd(context.Background(), s, s.join())
		return
	}
	select {
	case <-s.receipts:
		w.count("end: DISCONNECT")
	case err := <-s.failed:
		s.failed <- err
	case <-time.After(patience):
		w.violated("%s over %s gets no receipt for its DISCONNECT", s.user.name, s.transport)
	}
	s.cut(false)
	s.join()
}

// leave closes the connection as a browser does.
func (w *world) leave(s *session, r *rand.Rand) {
	w.count("end: the client closes")
	s.conn.Leave()
	s.wire.cut(false)
	s.join()
}

// cutOff loses the connection, with what is on its way or without.
func (w *world) cutOff(s *session, r *rand.Rand) {
	w.count("fault: a connection cut")
	s.cut(r.IntN(2) == 0)
	s.join()
}

// cutInTheMiddle loses it within a frame.
func (w *world) cutInTheMiddle(s *session, r *rand.Rand) {
	w.count("fault: a connection cut within a frame")
	s.wire.half.Store(true)
	if to := w.users[r.IntN(len(w.users))]; to != s.user && w.opened(s.user) < 4 {
		s.post(w.write(s.user, to, 500)) //nolint:errcheck // it is cut
	}
	s.cut(true)
	s.join()
}
