package sqlstore

import (
	"context"
	"database/sql"
	"database/sql/driver"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/jmoiron/sqlx"
	"github.com/mattn/go-sqlite3"

	"fiberchat.example/fiberchat/chat"
	"fiberchat.example/fiberchat/storetest"
)

func openAt(t testing.TB, dsn string, config ...Config) *Store {
	t.Helper()
	s, err := Open(dsn, config...)
	if err != nil {
		t.Fatalf("Open: %v", err)
	}
	t.Cleanup(func() {
		// A connection that a test has killed may not be told goodbye.
		if err := s.Close(); err != nil && !(s.dialect.server && isConnectionError(err)) {
			t.Errorf("Close: %v", err)
		}
	})
	return s
}

func openSQLiteStore(t testing.TB) *Store {
	return openAt(t, filepath.Join(t.TempDir(), "chat.db"))
}

func TestSQLiteContract(t *testing.T) {
	t.Parallel()
	storetest.Run(t, func(t *testing.T) chat.Store { return openSQLiteStore(t) })
}

func TestSQLiteSharedContract(t *testing.T) {
	t.Parallel()
	storetest.RunShared(t, func(t *testing.T) (a, b chat.Store) {
		path := filepath.Join(t.TempDir(), "chat.db")
		return openAt(t, path), openAt(t, path)
	})
}

func TestSQLiteOptional(t *testing.T) {
	t.Parallel()
	storetest.RunUnconfirmed(t, func(t *testing.T) chat.Store { return openSQLiteStore(t) })
	storetest.RunCounter(t, func(t *testing.T) chat.Store { return openSQLiteStore(t) })
	storetest.RunPresence(t, func(t *testing.T) chat.Store { return openSQLiteStore(t) })
	storetest.RunNotices(t, func(t *testing.T) (a, b chat.Store) {
		path := filepath.Join(t.TempDir(), "chat.db")
		return openAt(t, path), openAt(t, path)
	})
	storetest.RunConversations(t, func(t *testing.T) chat.Store { return openSQLiteStore(t) })
	storetest.RunFinder(t, func(t *testing.T) chat.Store { return openSQLiteStore(t) })
	storetest.RunOverdue(t, func(t *testing.T) (a, b chat.Store) {
		path := filepath.Join(t.TempDir(), "chat.db")
		return openAt(t, path), openAt(t, path)
	})
}

// The app's own database, with the driver's defaults except for the time-out.
func TestSQLiteOfTheApp(t *testing.T) {
	t.Parallel()
	open := func(t *testing.T) chat.Store {
		db, err := sqlx.Open("sqlite3", filepath.Join(t.TempDir(), "app.db")+"?_busy_timeout=10000&_journal_mode=WAL")
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(func() { db.Close() })
		s, err := New(db, Config{TablePrefix: "Chat_"})
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(func() {
			if err := errors.Join(s.Close(), db.Ping()); err != nil {
				t.Errorf("Close, then Ping of the app's database: %v", err)
			}
		})
		return s
	}
	storetest.Run(t, open)
	storetest.RunPresence(t, open)
	storetest.RunOverdue(t, func(t *testing.T) (a, b chat.Store) {
		s := open(t)
		return s, s
	})
}

func saveOp(chatID string) chat.Op {
	return chat.Op{Save: &chat.Message{ChatID: chatID, SenderID: 1, ReceiverID: 2, SenderName: "ann", ReceiverName: "bob", Content: "hello", Time: time.UnixMilli(1504712402000)}}
}

func confirmOp(chatID string) chat.Op {
	return chat.Op{Confirm: &chat.Confirmation{ReceiverID: 2, ChatID: chatID, Sent: []chat.Range{{UpTo: 1 << 60}}, Time: time.UnixMilli(1504712402000)}}
}

// wantPending compares the ChatIDs of what user 2 has not confirmed.
func wantPending(t *testing.T, s *Store, chatIDs ...string) {
	t.Helper()
	messages, err := s.Pending(t.Context(), 2, 0, 1000)
	if err != nil {
		t.Fatalf("Pending: %v", err)
	}
	var got []string
	for _, m := range messages {
		got = append(got, m.ChatID)
	}
	if strings.Join(got, " ") != strings.Join(chatIDs, " ") {
		t.Errorf("pending %v, want %v", got, chatIDs)
	}
}

func mustApply(t testing.TB, s *Store, ops ...chat.Op) []chat.Result {
	t.Helper()
	results, err := s.Apply(t.Context(), ops)
	if err != nil {
		t.Fatalf("Apply: %v", err)
	}
	return results
}

func TestReopen(t *testing.T) {
	t.Parallel()
	path := filepath.Join(t.TempDir(), "chat.db")
	s := openAt(t, "sqlite:"+path)
	first := mustApply(t, s, saveOp("1"), saveOp("2"), confirmOp("1"))
	if err := s.Close(); err != nil {
		t.Fatal(err)
	}
	if _, err := os.Stat(path + "-wal"); !errors.Is(err, os.ErrNotExist) {
		t.Errorf("Close left the log behind: %v", err)
	}
	if _, err := s.Apply(t.Context(), []chat.Op{saveOp("3")}); err == nil {
		t.Error("Apply after Close worked")
	}
	s = openAt(t, path)
	wantPending(t, s, "2")
	if r := mustApply(t, s, saveOp("2"))[0]; r.Changed || r.Err != nil || r.Message != first[1].Message {
		t.Errorf("saved again after a restart: %+v, want %+v", r, first[1].Message)
	}
}

func TestFileMode(t *testing.T) {
	t.Parallel()
	path := filepath.Join(t.TempDir(), "a b?c%20#.db")
	s := openAt(t, path)
	mustApply(t, s, saveOp("1"))
	for _, name := range []string{path, path + "-wal", path + "-shm"} {
		info, err := os.Stat(name)
		if err != nil {
			t.Fatal(err)
		}
		if mode := info.Mode().Perm(); mode != 0o600 {
			t.Errorf("mode of %s is %o, want 600", filepath.Base(name), mode)
		}
	}
}

func TestOpenFails(t *testing.T) {
	t.Parallel()
	notADatabase := filepath.Join(t.TempDir(), "text.db")
	if err := os.WriteFile(notADatabase, []byte(strings.Repeat("not a database\n", 1000)), 0o600); err != nil {
		t.Fatal(err)
	}
	for _, dsn := range []string{filepath.Join(t.TempDir(), "no", "such", "folder.db"), t.TempDir(), notADatabase, ":memory:"} {
		if s, err := Open(dsn); err == nil {
			t.Errorf("Open(%q) worked", dsn)
			s.Close()
		}
	}
	for _, cfg := range []Config{{TablePrefix: "x; DROP"}, {TablePrefix: strings.Repeat("x", 33)}, {TokenLifetime: -1}} {
		if s, err := Open(filepath.Join(t.TempDir(), "chat.db"), cfg); err == nil {
			t.Errorf("Open with %+v worked", cfg)
			s.Close()
		}
	}
}

func TestBadOpFailsAlone(t *testing.T) {
	t.Parallel()
	s := openSQLiteStore(t)
	bad := []chat.Op{{}, {Save: saveOp("x").Save, Confirm: confirmOp("x").Confirm}}
	for _, change := range []func(m *chat.Message){
		func(m *chat.Message) { m.ChatID = "" },
		func(m *chat.Message) { m.SenderID = 0 },
		func(m *chat.Message) { m.ReceiverID = -1 },
		func(m *chat.Message) { m.SenderID = chat.MaxUserID + 1 },
		func(m *chat.Message) { m.ReceiverID = chat.MaxUserID + 1 },
		func(m *chat.Message) { m.ChatID = strings.Repeat("x", 65) },
		func(m *chat.Message) { m.Content = "a\x00b" },
		func(m *chat.Message) { m.Content = "\xff" },
		func(m *chat.Message) { m.SenderName = "\xff" },
	} {
		op := saveOp("x")
		change(op.Save)
		bad = append(bad, op)
	}
	for i, op := range bad {
		r := mustApply(t, s, saveOp(fmt.Sprint("before-", i)), op, saveOp(fmt.Sprint("after-", i)))
		if r[0].Err != nil || !errors.Is(r[1].Err, errBadOp) || r[1].Changed || r[2].Err != nil {
			t.Errorf("bad op %d: %+v", i, r)
		}
	}
}

// limitedDB is an app's SQLite whose connections take their time-out and size
// from variables, so that a test can make it fail and heal.
type limitedDB struct {
	pages, timeout atomic.Int64
}

func (l *limitedDB) open(t *testing.T, path string) *sqlx.DB {
	name := "sqlite3-" + t.Name()
	sql.Register(name, &sqlite3.SQLiteDriver{ConnectHook: func(c *sqlite3.SQLiteConn) error {
		// Asserted, because without cgo, where this must compile, the driver's type is empty.
		conn := any(c).(driver.ExecerContext)
		_, err := conn.ExecContext(context.Background(), fmt.Sprintf("PRAGMA busy_timeout=%d; PRAGMA journal_mode=WAL; PRAGMA max_page_count=%d", l.timeout.Load(), l.pages.Load()), nil)
		return err
	}})
	db, err := sql.Open(name, path)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { db.Close() })
	return sqlx.NewDb(db, "sqlite3")
}

func TestDiskFull(t *testing.T) {
	t.Parallel()
	var limit limitedDB
	limit.pages.Store(1 << 20)
	s, err := New(limit.open(t, filepath.Join(t.TempDir(), "chat.db")))
	if err != nil {
		t.Fatal(err)
	}
	defer s.Close()
	s.owned = true // keeps the connection and its statements, as Open does
	mustApply(t, s, saveOp("1"))
	s.write.SetMaxOpenConns(1)
	setPages := func(n int64) { // on the connection there is, and on those to come
		limit.pages.Store(n)
		if _, err := s.write.Exec(fmt.Sprintf("PRAGMA max_page_count=%d", n)); err != nil {
			t.Fatal(err)
		}
	}
	setPages(1) // SQLite makes it as many as there are
	big := saveOp("big")
	big.Save.Content = strings.Repeat("x", 1<<20)
	for range 3 {
		if _, err := s.Apply(t.Context(), []chat.Op{saveOp("2"), confirmOp("1"), big}); err == nil {
			t.Fatal("Apply worked on a full disk")
		}
		if _, err := s.Apply(t.Context(), []chat.Op{big}); err == nil {
			t.Fatal("Apply of one worked on a full disk")
		}
		wantPending(t, s, "1")
	}
	setPages(1 << 20)
	for _, r := range mustApply(t, s, saveOp("2"), confirmOp("1"), big) {
		if r.Err != nil || !r.Changed {
			t.Errorf("after there was room again: %v, changed %v", r.Err, r.Changed)
		}
	}
	wantPending(t, s, "2", "big")
}

func TestLockedByAnotherProcess(t *testing.T) {
	t.Parallel()
	path := filepath.Join(t.TempDir(), "chat.db")
	var limit limitedDB
	limit.pages.Store(1 << 20)
	limit.timeout.Store(20)
	s, err := New(limit.open(t, path))
	if err != nil {
		t.Fatal(err)
	}
	defer s.Close()
	s.owned = true // keeps the connection and its statements, as Open does
	mustApply(t, s, saveOp("1"))

	other, err := sql.Open("sqlite3", path)
	if err != nil {
		t.Fatal(err)
	}
	defer other.Close()
	conn, err := other.Conn(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	for range 3 {
		if _, err := conn.ExecContext(t.Context(), "BEGIN IMMEDIATE"); err != nil {
			t.Fatal(err)
		}
		for _, ops := range [][]chat.Op{{saveOp("2"), confirmOp("1")}, {saveOp("2")}, {confirmOp("1")}} {
			if _, err := s.Apply(t.Context(), ops); err == nil || !strings.Contains(err.Error(), "database is locked") {
				t.Fatalf("Apply while locked: %v, want SQLITE_BUSY", err)
			}
		}
		wantPending(t, s, "1") // readers work meanwhile
		if _, err := conn.ExecContext(t.Context(), "ROLLBACK"); err != nil {
			t.Fatal(err)
		}
	}
	mustApply(t, s, saveOp("2"), confirmOp("1"))
	wantPending(t, s, "2")
}

// A context that ends while Apply waits for its turn leaves nothing behind.
func TestApplyGivesUpWaiting(t *testing.T) {
	t.Parallel()
	s := openSQLiteStore(t)
	held, err := s.write.Conn(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(t.Context())
	result := make(chan error)
	go func() { // awaited through result
		_, err := s.Apply(ctx, []chat.Op{saveOp("1")})
		result <- err
	}()
	cancel()
	if err := <-result; !errors.Is(err, context.Canceled) {
		t.Errorf("Apply: %v, want context.Canceled", err)
	}
	if err := held.Close(); err != nil {
		t.Fatal(err)
	}
	mustApply(t, s, saveOp("2"))
	wantPending(t, s, "2")
}

// What Apply returned is on the disk: SQLite syncs the log at every commit.
func TestSQLiteSyncs(t *testing.T) {
	t.Parallel()
	s := openSQLiteStore(t)
	for pragma, want := range map[string]string{"journal_mode": "wal", "synchronous": "2"} {
		var got string
		if err := s.write.Get(&got, "PRAGMA "+pragma); err != nil || got != want {
			t.Errorf("%s is %q, %v, want %q", pragma, got, err, want)
		}
	}
}
