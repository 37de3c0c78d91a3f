package sqlstore

import (
	"errors"
	"fmt"
	"net/url"
	"os"
	"path/filepath"
	"slices"
	"strings"
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

// Those who meet at a file without a log yet all get in.
func TestConcurrentFirstConnect(t *testing.T) {
	t.Parallel()
	for i := range 50 {
		path := filepath.Join(t.TempDir(), fmt.Sprint(i, ".db"))
		start := make(chan struct{})
		var all sync.WaitGroup
		for range 8 {
			write, read, err := openSQLite(path)
			if err != nil {
				t.Fatal(err)
			}
			t.Cleanup(func() { read.Close() })
			all.Go(func() { // ends with its one call; awaited below
				defer write.Close()
				<-start
				if _, err := write.ExecContext(t.Context(), "CREATE TABLE IF NOT EXISTS t (i INTEGER)"); err != nil {
					t.Errorf("file %d: %v", i, err)
				}
			})
		}
		close(start)
		all.Wait()
	}
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

// Without its lock a migration does not begin.
func TestMigrationNeedsItsLock(t *testing.T) {
	t.Parallel()
	s := openAt(t, scratch(t, "mysql"))
	unlocked := &Store{cfg: s.cfg, dialect: s.dialect, write: s.write, read: s.read}
	for _, lock := range []string{"DO 0", "DO GET_LOCK(MD5(CONCAT(DATABASE(), ' {p}')), NULL)"} {
		unlocked.dialect.lock = []string{lock}
		if err := unlocked.migrate(t.Context()); err == nil || !strings.Contains(err.Error(), "lock") {
			t.Errorf("migrate after %q: %v, want an error", lock, err)
		}
	}
	if err := s.migrate(t.Context()); err != nil {
		t.Errorf("migrate with its lock: %v", err)
	}
}

// A database in another encoding would refuse messages one by one, later.
func TestPostgresMustBeUTF8(t *testing.T) {
	t.Parallel()
	dsn := scratch(t, "postgres")
	s := openAt(t, dsn)
	name := fmt.Sprintf("sqlstore_test_%d_ascii", os.Getpid())
	s.write.MustExec("CREATE DATABASE " + name + " ENCODING 'SQL_ASCII' LC_COLLATE 'C' LC_CTYPE 'C' TEMPLATE template0")
	t.Cleanup(func() { s.write.MustExec("DROP DATABASE " + name) })
	u, err := url.Parse(dsn)
	if err != nil {
		t.Fatal(err)
	}
	u.Path, u.RawQuery = "/"+name, ""
	if _, err := Open(u.String()); err == nil || !strings.Contains(err.Error(), "UTF8") {
		t.Errorf("Open: %v, want an error that names UTF8", err)
	}
}

// A database of the version before this one goes on with its messages, users
// and tokens.
func TestSQLiteMigratesFromVersion1(t *testing.T) {
	t.Parallel()
	path := filepath.Join(t.TempDir(), "chat.db")
	old, _, err := openSQLite(path)
	if err != nil {
		t.Fatal(err)
	}
	tables, err := migrations.ReadFile("migration/sqlite/0001_tables.sql")
	if err != nil {
		t.Fatal(err)
	}
	old.MustExec(strings.ReplaceAll(string(tables), "{p}", "fiberchat_"))
	old.MustExec("CREATE TABLE fiberchat_migrations (version INTEGER PRIMARY KEY); INSERT INTO fiberchat_migrations VALUES (1)")
	// The app's own table beside it must come to no harm.
	old.MustExec("CREATE TABLE profiles (user_id INTEGER NOT NULL REFERENCES fiberchat_users (id) ON DELETE CASCADE)")
	old.MustExec("INSERT INTO fiberchat_users VALUES (7, 'ann', 'ann', 'Ann', 'none', 1); INSERT INTO profiles VALUES (7)")
	old.MustExec("INSERT INTO fiberchat_messages VALUES (41, ?, '1', 1, 2, 'ann', 'bob', 'hello', 1, NULL)", chatKey("1"))
	if err := old.Close(); err != nil {
		t.Fatal(err)
	}
	s := openAt(t, path)
	wantPending(t, s, "1")
	if u, err := s.UserByID(t.Context(), 7); err != nil || u.Name != "ann" {
		t.Errorf("user 7: %+v, %v", u, err)
	}
	var profiles int
	if err := s.read.Get(&profiles, "SELECT COUNT(*) FROM profiles"); err != nil || profiles != 1 {
		t.Errorf("%d profiles, %v, want 1", profiles, err)
	}
	s.write.MustExec("DELETE FROM fiberchat_messages; DELETE FROM fiberchat_users")
	if r := mustApply(t, s, saveOp("2"))[0]; r.Message.ID != 42 || r.Previous > 41 {
		t.Errorf("%+v, want id 42", r)
	}
	if a, err := s.insertUser(t.Context(), "bob", "Bob", "none"); err != nil || a.ID != 8 {
		t.Errorf("%+v, %v, want id 8", a, err)
	}
}

// A database of the version before this one has no function yet.
func TestPostgresMigratesFromVersion1(t *testing.T) {
	t.Parallel()
	dsn := scratch(t, "postgres")
	s := openAt(t, dsn)
	mustApply(t, s, saveOp("1"))
	s.write.MustExec(s.sql("DELETE FROM {p}migrations WHERE version > 1"))
	s.write.MustExec("DROP FUNCTION fiberchat_apply")
	s.write.MustExec(s.sql("DROP INDEX {p}tokens_user"))
	s.write.MustExec(s.sql("DROP TABLE {p}notices"))
	s.write.MustExec(s.sql("DROP FUNCTION {p}notify"))
	s.write.MustExec(s.sql("DROP TABLE {p}pairs, {p}reads, {p}overdue, {p}overdue_marks"))
	s = openAt(t, dsn)
	mustApply(t, s, saveOp("2"))
	wantPending(t, s, "1", "2")
}

// MySQL commits each statement by itself: one that was carried out may come again.
func TestMySQLMigratesAgain(t *testing.T) {
	t.Parallel()
	dsn := scratch(t, "mysql")
	s := openAt(t, dsn)
	s.write.MustExec(s.sql("DELETE FROM {p}migrations WHERE version > 1"))
	s = openAt(t, dsn)
	mustCreate(t, s, "ann")
	if _, err := s.SignIn(t.Context(), "ann", "secret of ann"); err != nil {
		t.Error(err)
	}
}

func TestStatements(t *testing.T) {
	t.Parallel()
	got := statements("a;\nb $$ c;\nd;\n$$;\ne;f\n")
	if want := []string{"a;\n", "b $$ c;\nd;\n$$;\n", "e;f\n", ""}; !slices.Equal(got, want) {
		t.Errorf("%q, want %q", got, want)
	}
}
