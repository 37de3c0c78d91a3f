package crash

import (
	"path/filepath"
	"testing"
	"time"
)

// TestKill: SIGKILL at random moments under full load loses nothing that was
// answered 200, and repeats nothing whose confirmation was answered.
func TestKill(t *testing.T) {
	t.Parallel()
	rng := random(t)
	db := filepath.Join(t.TempDir(), "chat.db")
	server := start(t, db)
	pairs := signUpPairs(t, server, 10)

	rounds := size(10, 3, 3)
	for round := range rounds {
		l := newLoad(server.Addr, 100+rng.Int64N(3000))
		l.leave = true
		l.start(pairs)
		select {
		case <-l.reached:
		case err := <-l.errs:
			t.Fatalf("round %d, before the kill: %v", round, err)
		case <-time.After(patience):
			t.Fatalf("round %d: %d messages were accepted within %v, not %d", round, l.accepted.Load(), patience, l.mark)
		}
		server.Kill()
		// Its clients' connections break: that is no news.
		if l.join() == nil {
			t.Fatalf("round %d: no client noticed that the server was killed", round)
		}
		t.Logf("round %d: killed after %d messages", round, l.accepted.Load())

		server = start(t, db)
		for _, p := range pairs {
			p.verify(t, server.Addr)
			if len(p.failures) > 0 {
				t.Errorf("round %d: messages of %s were refused: %v", round, p.from.Name, p.failures)
			}
		}
		// The tokens still hold, as verify has shown; so do the passwords.
		server.MustSignIn(t, pairs[round%len(pairs)].from.Name)
		if t.Failed() {
			t.FailNow()
		}
	}
	finish(t, server.Addr, pairs)
}
