package soak

import (
	"context"
	"errors"
	"math/rand/v2"
	"sync"
	"syscall"
	"testing"
	"time"

	"fiberchat.example/fiberchat/chattest"
)

// One session over each transport, several times over, sends as fast as it is
// answered, and the server is told to end.
func TestShutdownUnderLoad(t *testing.T) {
	t.Parallel()
	w := newWorld(t, 3*len(transports), 0, "-rate", "0")
	ctx, cancel := context.WithTimeout(context.Background(), 2*patience)
	defer cancel()
	var sessions []*session
	for i, u := range w.users {
		s, err := w.dial(ctx, w.server.Addr, transports[i%len(transports)], u, newWire(), "0,0")
		if err != nil {
			t.Fatal(err)
		}
		defer s.cut(false)
		s.confirm = func(m *letter) bool { return m.serial%5 > 0 }
		if err := errors.Join(s.startInit(false), s.subscribe(u.name)); err != nil {
			t.Fatal(err)
		}
		s.follow()
		sessions = append(sessions, s)
	}
	// What a session is written fails when it ends: how it ended the reader says.
	var talking sync.WaitGroup
	busy := make(chan struct{}, len(sessions))
	for i, s := range sessions {
		talking.Go(func() {
			to := w.users[(i+1)%len(w.users)]
			for n := 0; ; n++ {
				// On a busy machine a receiver may not keep up, which is not
				// what this is about.
				for w.opened(s.user) < 8 && w.underway(s.user) < 500 {
					if s.post(w.write(s.user, to, 60)) != nil {
						return
					}
				}
				if n == 30 {
					busy <- struct{}{}
				}
				select {
				case <-s.answers:
				case <-time.After(20 * time.Millisecond): // to look again
				case err := <-s.failed:
					s.failed <- err
					return
				}
			}
		})
	}
	for range sessions {
		select {
		case <-busy:
		case <-ctx.Done():
			t.Fatal("the sessions did not get busy")
		}
	}
	begun := time.Now()
	if err := w.server.Signal(syscall.SIGTERM); err != nil {
		t.Fatal(err)
	}
	untold := 0
	for _, s := range sessions {
		err := s.join()
		s.failed <- err
		var how chattest.Closed
		isClosed := errors.As(err, &how)
		switch socket := s.transport == "native" || s.transport == "raw-websocket" || s.transport == "websocket"; {
		case isClosed && how.Code == 1001:
		case isClosed && how.Code == 3000 && s.transport != "native" && s.transport != "raw-websocket":
			// What sockjs-client makes of an end that the server chose.
		case !isClosed && !socket:
			// Its last poll was answered with messages, or its stream had
			// reached its limit, and for another the listener is closed.
			untold++
		default:
			t.Errorf("%s: ended by %v, want close code 1001", s.transport, err)
		}
	}
	talking.Wait()
	w.server.Ends(t, drainTime+5*time.Second)
	ended := time.Since(begun)
	accepted := 0
	for _, u := range w.users {
		for _, m := range u.sent {
			if m.accepted {
				accepted++
			}
		}
	}
	t.Logf("%d messages accepted by %d sessions, %d of them between two requests and not told why it ended; the server ended %v after the signal",
		accepted, len(sessions), untold, ended)
	noTokens(t, "what the server printed", w.server.Output.String(), w.users)

	w.server = start(t, w.db, 0, "-rate", "0")
	w.finish(t)
}

// finish settles all that is open and wants everybody to get what is pending.
func (w *world) finish(t *testing.T) {
	t.Helper()
	w.each(w.settle)
	w.checkOrder()
	want := w.pending()
	w.each(func(u *user, r *rand.Rand) { w.collect(u, r, want[u]) })
	for _, v := range w.violations {
		t.Error(v)
	}
}
