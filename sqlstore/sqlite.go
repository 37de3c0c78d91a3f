package sqlstore

import (
	"context"
	"database/sql"
	"database/sql/driver"
	"errors"
	"fmt"
	"math/rand/v2"
	"net/url"
	"os"
	"path/filepath"
	"strings"
	"time"

	"github.com/jmoiron/sqlx"
	"github.com/mattn/go-sqlite3"
)

const (
	defaultFile = "fiberchat.db"
	// Readers work beside the writer; more of them than this only share the same cores.
	maxReaders = 8
	// busyTimeout is how long one waits for a lock of another process.
	busyTimeout = 5 * time.Second
)

// openSQLite opens two pools on one file: SQLite has one writer at a time, and
// a queue in front of one connection is fairer than the busy handler's polling.
func openSQLite(path string) (write, read *sqlx.DB, err error) {
	if err := checkCgo(); err != nil {
		return nil, nil, err // before a file is made
	}
	if path == "" {
		path = defaultFile
	}
	if strings.Contains(path, ":memory:") {
		return nil, nil, errors.New("sqlstore: SQLite in memory is not supported: use a file in a temporary folder")
	}
	path, err = filepath.Abs(path)
	if err != nil {
		return nil, nil, fmt.Errorf("find database file: %w", err)
	}
	// SQLite would make the file readable for everybody; its -wal and -shm
	// files take over the mode of this one.
	f, err := os.OpenFile(path, os.O_CREATE|os.O_RDWR, 0o600)
	if err != nil {
		return nil, nil, fmt.Errorf("open database file: %w", err)
	}
	if err := f.Close(); err != nil {
		return nil, nil, fmt.Errorf("close database file: %w", err)
	}
	uri := url.URL{Scheme: "file", Path: filepath.ToSlash(path)}
	dsn := uri.String() + fmt.Sprintf("?_txlock=immediate&_busy_timeout=%d&_synchronous=FULL&_foreign_keys=1", busyTimeout.Milliseconds())
	// Measured. The log is checkpointed at 8 MiB, that is 4096 pages: while the
	// file grows, every fsync is a commit of the file system's journal too, so a
	// lone pair took 0.25 ms a message with 8 MiB and 0.41 with 64 for the half
	// minute until it had its size; with a million messages stored and 64
	// operations a commit the checkpoints make an exchange of 28 µs CPU one of 40.
	// Pages of 2 KiB instead of 4 halve what each touched leaf adds to the log
	// (10 %). A larger cache is slower: SQLite walks its whole hash table at
	// commits that split a page (64 MiB: twice the time); 8 MiB holds what is
	// hot. mmap gained nothing. While a reader holds an old snapshot the log grows;
	// the limit cuts it when it begins anew.
	write = openPool(dsn, 1, "PRAGMA page_size=2048", "PRAGMA journal_mode=WAL", "PRAGMA wal_autocheckpoint=4096",
		"PRAGMA journal_size_limit=8388608", "PRAGMA cache_size=-8192")
	read = openPool(dsn+"&_query_only=1", maxReaders)
	return write, read, nil
}

func openPool(dsn string, conns int, pragmas ...string) *sqlx.DB {
	db := sql.OpenDB(sqliteConnector{new(sqlite3.SQLiteDriver), dsn, pragmas})
	db.SetMaxOpenConns(conns)
	db.SetMaxIdleConns(conns)
	return sqlx.NewDb(db, "sqlite3")
}

type sqliteConnector struct {
	driver  *sqlite3.SQLiteDriver
	dsn     string
	pragmas []string
}

func (c sqliteConnector) Driver() driver.Driver { return c.driver }

func (c sqliteConnector) Connect(ctx context.Context) (driver.Conn, error) {
	conn, err := c.driver.Open(c.dsn)
	if err != nil {
		return nil, err
	}
	for _, p := range c.pragmas {
		if err := setPragma(ctx, conn.(driver.ExecerContext), p); err != nil {
			return nil, errors.Join(fmt.Errorf("%s: %w", p, err), conn.Close())
		}
	}
	return conn, nil
}

// setPragma tries again where others open the file at once: two that make its
// log would wait for each other's lock, so SQLite lets neither wait.
func setPragma(ctx context.Context, conn driver.ExecerContext, pragma string) error {
	ctx, cancel := context.WithTimeout(ctx, busyTimeout)
	defer cancel()
	for {
		_, err := conn.ExecContext(ctx, pragma, nil)
		if !isSQLiteBusy(err) {
			return err
		}
		select {
		case <-time.After(firstPause/2 + rand.N(firstPause)):
		case <-ctx.Done():
			return err
		}
	}
}
