package sqlstore

import (
	"context"
	"errors"
	"fmt"
	"net/url"
	"os"
	"strings"
	"testing"

	"github.com/jmoiron/sqlx"

	"fiberchat.example/fiberchat/chat"
	"fiberchat.example/fiberchat/storetest"
)

// behindPooler makes an empty database and returns the address of it at a
// PgBouncer in transaction mode, with such options.
func behindPooler(t *testing.T, options string) string {
	t.Helper()
	pooler := os.Getenv("SQLSTORE_TEST_PGBOUNCER")
	if pooler == "" {
		if os.Getenv("CI") == "true" {
			t.Fatal("no PgBouncer: SQLSTORE_TEST_PGBOUNCER is not set")
		}
		t.Skip("SKIPPED: no PgBouncer (set SQLSTORE_TEST_PGBOUNCER, or start one by .ci/run)")
	}
	u, err := url.Parse(pooler)
	if err != nil {
		t.Fatal(err)
	}
	server := sqlx.MustConnect("pgx", servers["postgres"])
	t.Cleanup(func() { server.Close() })
	u.Path = fmt.Sprintf("/sqlstore_test_%d_%d", os.Getpid(), scratches.Add(1))
	server.MustExec("CREATE DATABASE " + u.Path[1:] + " ENCODING 'UTF8' TEMPLATE template0")
	// The pooler's connections to it are still there.
	t.Cleanup(func() { server.MustExec("DROP DATABASE " + u.Path[1:] + " WITH (FORCE)") })
	u.RawQuery = options
	return u.String()
}

func TestPoolerContract(t *testing.T) {
	t.Parallel()
	for _, mode := range []string{"exec", "simple_protocol"} {
		t.Run(mode, func(t *testing.T) {
			t.Parallel()
			dsn := behindPooler(t, "default_query_exec_mode="+mode)
			open := func(t *testing.T) chat.Store { // a place of its own, which costs less than a database
				return openAt(t, dsn, Config{TablePrefix: fmt.Sprintf("place%d_", scratches.Add(1))})
			}
			testSignIn(t, open(t).(*Store))
			storetest.RunCounter(t, open)
			storetest.RunPresence(t, open)
			storetest.RunFinder(t, open)
			openTwo := func(t *testing.T) (a, b chat.Store) {
				place := Config{TablePrefix: fmt.Sprintf("place%d_", scratches.Add(1))}
				return openAt(t, dsn, place), openAt(t, dsn, place)
			}
			storetest.RunOverdue(t, openTwo)
			if mode != "exec" {
				return
			}
			// What the documentation names has all cases.
			storetest.Run(t, open)
			storetest.RunUnconfirmed(t, open)
			storetest.RunShared(t, openTwo)
			testAccounts(t, open(t).(*Store))
			testPurge(t, open(t).(*Store))
		})
	}
}

// Without the option Open says what to do, also where another program has been
// there before.
func TestPoolerIsNoticed(t *testing.T) {
	t.Parallel()
	dsn := behindPooler(t, "")
	for range 3 {
		s, err := Open(dsn)
		if err == nil {
			s.Close()
		}
		if !errors.Is(err, errPooled) || !strings.Contains(err.Error(), "default_query_exec_mode=exec") {
			t.Errorf("Open: %v, want an error that names the option", err)
		}
	}
}

// Where it was not noticed the error of the first use says the same.
func TestPooledStatementsAreExplained(t *testing.T) {
	t.Parallel()
	s := &Store{dialect: postgresDialect, timeout: opTimeout}
	for code, want := range map[string]bool{"26000": true, "42P05": true, "42P01": false} {
		err := s.retry(t.Context(), func(context.Context) error { return pgError(code) })
		if errors.Is(err, errPooled) != want || !errors.Is(err, pgError(code)) {
			t.Errorf("%s: %v", code, err)
		}
	}
}
