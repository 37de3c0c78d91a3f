package sqlstore

import (
	"errors"
	"path/filepath"
	"sync"
	"testing"
)

func TestConcurrentFirstOpen(t *testing.T) {
	t.Parallel()
	path := filepath.Join(t.TempDir(), "chat.db")
	var all sync.WaitGroup
	for range 8 {
		all.Go(func() { // ends with its one call; awaited below
			s, err := Open(path)
			if err != nil {
				t.Errorf("Open: %v", err)
				return
			}
			if err := s.Close(); err != nil {
				t.Errorf("Close: %v", err)
			}
		})
	}
	all.Wait()
}

func TestNewerDatabaseIsRefused(t *testing.T) {
	t.Parallel()
	path := filepath.Join(t.TempDir(), "chat.db")
	s := openAt(t, path)
	mustApply(t, s, saveOp("1"))
	if _, err := s.write.Exec(s.sql("INSERT INTO {p}migrations (version) VALUES (99)")); err != nil {
		t.Fatal(err)
	}
	if _, err := Open(path); !errors.Is(err, ErrNewerDatabase) {
		t.Errorf("Open: %v, want ErrNewerDatabase", err)
	}
	wantPending(t, s, "1") // it was left as it is
}

// A migration that fails half-way leaves nothing, so that the next start can
// do all of it.
func TestFailedMigrationIsTakenBack(t *testing.T) {
	t.Parallel()
	path := filepath.Join(t.TempDir(), "chat.db")
	write, read, err := openSQLite(path)
	if err != nil {
		t.Fatal(err)
	}
	defer write.Close()
	defer read.Close()
	if _, err := write.Exec("CREATE TABLE fiberchat_messages (in_the_way INTEGER)"); err != nil {
		t.Fatal(err)
	}
	if _, err := Open(path); err == nil {
		t.Fatal("Open worked")
	}
	var tables int
	if err := write.Get(&tables, "SELECT COUNT(*) FROM sqlite_master WHERE type = 'table'"); err != nil || tables != 1 {
		t.Errorf("%d tables, %v; want the one that was there", tables, err)
	}
	if _, err := write.Exec("DROP TABLE fiberchat_messages"); err != nil {
		t.Fatal(err)
	}
	openAt(t, path)
}
