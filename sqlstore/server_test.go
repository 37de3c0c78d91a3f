package sqlstore

import (
	"cmp"
	"fmt"
	"net/url"
	"os"
	"strings"
	"sync/atomic"
	"testing"

	_ "github.com/go-sql-driver/mysql"
	_ "github.com/jackc/pgx/v5/stdlib"
	"github.com/jmoiron/sqlx"

	"fiberchat.example/fiberchat/chat"
	"fiberchat.example/fiberchat/storetest"
)

// The servers that the tests use; each test makes a schema or database of its own there.
var servers = map[string]string{
	"postgres": cmp.Or(os.Getenv("SQLSTORE_TEST_POSTGRES"), "postgres://postgres@127.0.0.1:5432/postgres"),
	"mysql":    cmp.Or(os.Getenv("SQLSTORE_TEST_MYSQL"), "mysql://root@127.0.0.1:3306/test"),
}

// eachServer runs a test against every kind of server.
func eachServer(t *testing.T, test func(t *testing.T, kind string)) {
	for kind := range servers {
		t.Run(kind, func(t *testing.T) {
			t.Parallel()
			test(t, kind)
		})
	}
}

var scratches atomic.Int64

// scratch makes an empty place on a server and returns the dsn to it. Without
// a server the test is skipped, in CI it fails.
func scratch(t testing.TB, kind string) string {
	t.Helper()
	u, err := url.Parse(servers[kind])
	if err != nil {
		t.Fatal(err)
	}
	driver, dsn := "pgx", u.String()
	make, drop := "CREATE SCHEMA %s", "DROP SCHEMA %s CASCADE"
	if kind == "mysql" {
		driver, make, drop = "mysql", "CREATE DATABASE %s", "DROP DATABASE %s"
		if dsn, err = mysqlDSN(dsn); err != nil {
			t.Fatal(err)
		}
	}
	db, err := sqlx.Connect(driver, dsn)
	if err != nil {
		if os.Getenv("CI") == "true" {
			t.Fatalf("no %s server: %v", kind, err)
		}
		t.Skipf("SKIPPED: no %s server at %s (set SQLSTORE_TEST_%s): %v", kind, u.Redacted(), strings.ToUpper(kind), err)
	}
	t.Cleanup(func() { db.Close() })
	name := fmt.Sprintf("sqlstore_test_%d_%d", os.Getpid(), scratches.Add(1))
	db.MustExec(fmt.Sprintf(make, name))
	t.Cleanup(func() { db.MustExec(fmt.Sprintf(drop, name)) })
	if kind == "mysql" {
		u.Path = "/" + name
	} else {
		query := u.Query()
		query.Set("search_path", name)
		u.RawQuery = query.Encode()
	}
	return u.String()
}

func TestServerContract(t *testing.T) {
	t.Parallel()
	eachServer(t, func(t *testing.T, kind string) {
		storetest.Run(t, func(t *testing.T) chat.Store { return openAt(t, scratch(t, kind)) })
	})
}

func TestServerSharedContract(t *testing.T) {
	t.Parallel()
	eachServer(t, func(t *testing.T, kind string) {
		storetest.RunShared(t, func(t *testing.T) (a, b chat.Store) {
			dsn := scratch(t, kind)
			return openAt(t, dsn), openAt(t, dsn)
		})
	})
}

func TestServerOptional(t *testing.T) {
	t.Parallel()
	eachServer(t, func(t *testing.T, kind string) {
		open := func(t *testing.T) chat.Store { return openAt(t, scratch(t, kind)) }
		storetest.RunUnconfirmed(t, open)
		storetest.RunCounter(t, open)
		storetest.RunPresence(t, open)
		storetest.RunNotices(t, func(t *testing.T) (a, b chat.Store) {
			dsn := scratch(t, kind)
			return openAt(t, dsn), openAt(t, dsn)
		})
		storetest.RunConversations(t, open)
		storetest.RunFinder(t, open)
		storetest.RunOverdue(t, func(t *testing.T) (a, b chat.Store) {
			dsn := scratch(t, kind)
			return openAt(t, dsn), openAt(t, dsn)
		})
	})
}

func TestServerAccounts(t *testing.T) {
	t.Parallel()
	eachServer(t, func(t *testing.T, kind string) {
		dsn := scratch(t, kind)
		testAccounts(t, openAt(t, dsn))
		beside := openAt(t, dsn, Config{TablePrefix: "beside_"})
		testSignIn(t, beside)
		testTokensAreBounded(t, beside)
		testPurge(t, beside)
	})
}
