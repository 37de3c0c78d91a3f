package sqlstore

import (
	"context"
	"database/sql/driver"
	"errors"
	"fmt"
	"io"
	"net/url"
	"path"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"fiberchat.example/fiberchat/chat"
)

func TestServerConcurrentFirstOpen(t *testing.T) {
	t.Parallel()
	eachServer(t, func(t *testing.T, kind string) {
		dsn := scratch(t, kind)
		var all sync.WaitGroup
		for range 4 {
			all.Go(func() { // ends with its one call; awaited below
				s, err := Open(dsn)
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
		s := openAt(t, dsn)
		if _, err := s.write.Exec(s.sql("INSERT INTO {p}migrations (version) VALUES (99)")); err != nil {
			t.Fatal(err)
		}
		if _, err := Open(dsn); !errors.Is(err, ErrNewerDatabase) {
			t.Errorf("Open: %v, want ErrNewerDatabase", err)
		}
		mustApply(t, s, saveOp("1")) // the lock of the migration is free
	})
}

// killAll ends every connection to the test's own place on the server.
func killAll(t *testing.T, s *Store, kind, dsn string) {
	list, kill := "SELECT pid FROM pg_stat_activity WHERE application_name = '%s' AND pid <> pg_backend_pid()", "SELECT pg_terminate_backend(%d)"
	place := ""
	if u, err := url.Parse(dsn); err != nil {
		t.Fatal(err)
	} else if kind == "mysql" {
		list, kill = "SELECT id FROM information_schema.processlist WHERE db = '%s' AND id <> CONNECTION_ID()", "KILL %d"
		place = path.Base(u.Path)
	} else {
		place = u.Query().Get("application_name")
	}
	var ids []int64
	var err error
	for range 10 { // its own connection may be among those killed before
		if err = s.write.Select(&ids, fmt.Sprintf(list, place)); err == nil {
			break
		}
	}
	if err != nil {
		t.Errorf("list connections: %v", err)
	}
	for _, id := range ids {
		_, _ = s.write.Exec(fmt.Sprintf(kill, id)) // it may be gone already
	}
}

// Connections are killed under load, as a failover does. Who gets an error
// sends again, as clients do; then everything is there, once and in order.
func TestServerConnectionsLost(t *testing.T) {
	t.Parallel()
	eachServer(t, func(t *testing.T, kind string) {
		const writers, batches, size, kills = 4, 30, 4, 6
		dsn := scratch(t, kind)
		killerDSN := dsn
		if kind == "postgres" {
			u, err := url.Parse(dsn)
			if err != nil {
				t.Fatal(err)
			}
			query := u.Query()
			query.Set("application_name", query.Get("search_path"))
			u.RawQuery = query.Encode()
			dsn = u.String()
		}
		s, killer := openAt(t, dsn), openAt(t, killerDSN)
		var applied, failed, killed atomic.Int64
		var all sync.WaitGroup
		for w := range writers {
			all.Go(func() { // ends with its loop; awaited below
				for b := range batches {
					var ops []chat.Op
					for i := range size {
						op := saveOp(fmt.Sprintf("%d-%d", b, i))
						op.Save.SenderID = int64(w + 10)
						ops = append(ops, op)
					}
					var results []chat.Result
					var err error
					for range 100 {
						if results, err = s.Apply(t.Context(), ops); err == nil {
							break
						}
						failed.Add(1)
						if !errors.Is(err, errUnknownOutcome) {
							t.Errorf("Apply: %v, want it tried again", err)
						}
					}
					for _, r := range results {
						if r.Err != nil {
							t.Errorf("result: %v", r.Err)
						}
					}
					if applied.Add(1)%(writers*batches/kills) == 0 {
						killAll(t, killer, kind, dsn)
						killed.Add(1)
					}
				}
			})
		}
		all.Wait()
		t.Logf("%d times all connections were killed, %d calls failed", killed.Load(), failed.Load())
		if killed.Load() != kills {
			t.Errorf("killed %d times, want %d", killed.Load(), kills)
		}
		messages, err := s.Pending(t.Context(), 2, 0, 10_000)
		if err != nil || len(messages) != writers*batches*size {
			t.Fatalf("%d messages, %v, want %d", len(messages), err, writers*batches*size)
		}
		next := make(map[int64]int)
		for _, m := range messages {
			n := next[m.SenderID]
			if want := fmt.Sprintf("%d-%d", n/size, n%size); m.ChatID != want {
				t.Fatalf("sender %d: %s came where %s was due", m.SenderID, m.ChatID, want)
			}
			next[m.SenderID]++
		}
	})
}

// A thousand callers at once wait for their turn; none fails for the pool.
func TestServerManyCallers(t *testing.T) {
	t.Parallel()
	eachServer(t, func(t *testing.T, kind string) {
		s := openAt(t, scratch(t, kind))
		var all sync.WaitGroup
		for i := range 1000 {
			all.Go(func() { // ends with its one call; awaited below
				if _, err := s.Pending(t.Context(), int64(i), 0, 1); err != nil {
					t.Errorf("Pending: %v", err)
				}
			})
		}
		all.Wait()
		if open := s.write.Stats().MaxOpenConnections; open != maxServerConns {
			t.Errorf("pool of %d, want %d", open, maxServerConns)
		}
	})
}

type pgError string

func (e pgError) Error() string    { return "failed" }
func (e pgError) SQLState() string { return string(e) }

func TestPasses(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		err  error
		want bool
	}{
		{pgError("40001"), true}, {pgError("40P01"), true}, {pgError("57P01"), true}, {pgError("08006"), true}, {pgError("53300"), true},
		{pgError("25006"), true}, {pgError("57P03"), true}, {pgError("25P03"), true}, {pgError("53200"), true},
		{pgError("23505"), false}, {pgError("42P01"), false}, {pgError("53100"), false}, {pgError("28P01"), false},
		{errors.New("Error 1213 (40001): Deadlock found"), true}, {errors.New("Error 1205 (HY000): Lock wait timeout"), true},
		{errors.New("Error 1290 (HY000): read-only"), true}, {errors.New("Error 4031 (HY000): disconnected because of inactivity"), true},
		{errors.New("Error 1062 (23000): Duplicate entry"), false}, {errors.New("Error 1114 (HY000): The table is full"), false},
		{driver.ErrBadConn, true}, {io.ErrUnexpectedEOF, true}, {errors.New("invalid connection"), true},
		{context.Canceled, false}, {context.DeadlineExceeded, false}, {errors.New("sql: database is closed"), false},
		{fmt.Errorf("%w: %w", errUnknownOutcome, io.EOF), false},
	} {
		if got := passes(fmt.Errorf("do it: %w", c.err)); got != c.want {
			t.Errorf("passes(%v) is %v", c.err, got)
		}
	}
	for _, err := range []error{pgError("23505"), errors.New("Error 1062 (23000): Duplicate entry")} {
		if !isDuplicate(fmt.Errorf("do it: %w", err)) {
			t.Errorf("isDuplicate(%v) is false", err)
		}
	}
}

func TestRetryEndsWithItsContext(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		s := &Store{dialect: postgresDialect, timeout: opTimeout}
		ctx, cancel := context.WithTimeout(t.Context(), 30*time.Millisecond)
		defer cancel()
		tries := 0
		err := s.retry(ctx, func(context.Context) error { tries++; return pgError("57P03") })
		if !errors.Is(err, context.DeadlineExceeded) || !errors.Is(err, pgError("57P03")) || tries < 2 {
			t.Errorf("after %d tries: %v", tries, err)
		}
	})
}

func TestServerDSN(t *testing.T) {
	t.Parallel()
	for dsn, want := range map[string]string{
		"mysql://ann:p%40ss%2Fw:rd@db.example:3307/chat?tls=true": "ann:p@ss/w:rd@tcp(db.example:3307)/chat?",
		"mysql://ann@db.example/chat":                             "ann:@tcp(db.example:3306)/chat?",
		"mysql://ann@[::1]/chat":                                  "ann:@tcp([::1]:3306)/chat?",
	} {
		if got, err := mysqlDSN(dsn); err != nil || !strings.HasPrefix(got, want) || !strings.Contains(got, "interpolateParams=true") || strings.Contains(dsn, "tls") != strings.Contains(got, "tls=true") {
			t.Errorf("mysqlDSN(%q): %q, %v", dsn, got, err)
		}
	}
	for _, dsn := range []string{"mysql://", "mysql://host", "mysql:///db", "mysql:ann@tcp(host)/db"} {
		if s, err := Open(dsn); err == nil {
			s.Close()
			t.Errorf("Open(%q) worked", dsn)
		}
	}
	if _, err := openServer("no such driver", "example.com/driver", ""); err == nil || !strings.Contains(err.Error(), `import _ "example.com/driver"`) {
		t.Errorf("missing driver: %v, want its import named", err)
	}
	for _, dsn := range []string{"postgres://ann:hidden@127.0.0.1:1/chat", "mysql://ann:hidden@127.0.0.1:1/chat", "postgres://ann:hidden@127.0.0.1:bad/chat",
		"POSTGRES://ann:hidden@127.0.0.1:1/chat", "MySQL://ann:hidden@127.0.0.1:1/chat", "postgres://ann:hid:hidden@ho st/db", "postgres://ann:hi%zzhidden@host/db",
		"mysql://ann:hidden@127.0.0.1:1/db?tls=nosuch", "mysql://ann:hidden@127.0.0.1:1/db?timeout=bad", "mysql://ann:hi%zzhidden@h/db"} {
		if _, err := Open(dsn); err == nil || strings.Contains(err.Error(), "hidden") {
			t.Errorf("Open without a server: %v, want an error without the password", err)
		}
	}
}
