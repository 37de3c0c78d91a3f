package crash

import (
	"context"
	"database/sql"
	"path/filepath"
	"testing"
	"time"

	_ "github.com/mattn/go-sqlite3"

	"fiberchat.example/_example/rig"
)

// TestLocked: while another process holds the database, messages are refused
// with -300; when it lets go, the same server goes on.
func TestLocked(t *testing.T) {
	t.Parallel()
	db := filepath.Join(t.TempDir(), "chat.db")
	server := start(t, db)
	other, err := sql.Open("sqlite3", "file:"+db+"?_busy_timeout=60000")
	if err != nil {
		t.Fatal(err)
	}
	defer other.Close()
	conn, err := other.Conn(context.Background())
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close()
	run := func(statement string) {
		t.Helper()
		if _, err := conn.ExecContext(context.Background(), statement); err != nil {
			t.Fatalf("%s: %v", statement, err)
		}
	}
	outage(t, server, func() { run("BEGIN IMMEDIATE") }, func() { run("ROLLBACK") })
}

// outage runs 10 pairs under full load, takes the database away and gives it
// back: everything refused is refused with -300, nothing accepted is lost,
// and the same process serves on.
func outage(t *testing.T, server *rig.Process, takeAway, giveBack func()) {
	t.Helper()
	pairs := signUpPairs(t, server, 10)
	working := newLoad(server.Addr, 1000)
	working.start(pairs)
	awaitMark(t, working)
	working.cut()
	working.join() // errors of the connections cut

	takeAway()
	failing := newLoad(server.Addr, 20)
	failing.failures = true
	failing.start(pairs)
	awaitMark(t, failing)
	failing.cut()
	failing.join()
	server.Running(t)
	for _, p := range pairs {
		for code := range p.failures {
			if code != -300 {
				t.Errorf("%s was refused with %d, not -300", p.from.Name, code)
			}
		}
		p.verify(t, server.Addr)
	}
	t.Logf("%d operations were refused", failing.failed.Load())

	giveBack()
	finish(t, server.Addr, pairs)
}

func awaitMark(t *testing.T, l *load) {
	t.Helper()
	select {
	case <-l.reached:
	case err := <-l.errs:
		t.Fatal(err)
	case <-time.After(patience):
		t.Fatalf("within %v %d messages were accepted and %d operations refused", patience, l.accepted.Load(), l.failed.Load())
	}
}
