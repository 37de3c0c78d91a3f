package sqlstore

import (
	"database/sql"
	"strings"
	"testing"

	"github.com/jackc/pgx/v5/pgxpool"
	"github.com/jackc/pgx/v5/stdlib"
	"github.com/jmoiron/sqlx"
	"github.com/mattn/go-sqlite3"
)

// An app's pool of another driver is refused with the way out.
func TestOtherDrivers(t *testing.T) {
	t.Parallel()
	db := sql.OpenDB(sqliteConnector{driver: new(sqlite3.SQLiteDriver)}) // never connected
	t.Cleanup(func() { db.Close() })
	for name, want := range map[string]string{"postgres": "sqlstore.Open", "oracle": "want sqlite3, pgx or mysql"} {
		if _, err := New(sqlx.NewDb(db, name)); err == nil || !strings.Contains(err.Error(), want) || !strings.Contains(err.Error(), name) {
			t.Errorf("New over driver %q: %v, want %q in it", name, err, want)
		}
	}
}

func TestNewOverPgxpool(t *testing.T) {
	t.Parallel()
	pool, err := pgxpool.New(t.Context(), scratch(t, "postgres"))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(pool.Close)
	db := sqlx.NewDb(stdlib.OpenDBFromPool(pool), "pgx")
	t.Cleanup(func() { db.Close() })
	s, err := New(db)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { s.Close() })
	mustApply(t, s, saveOp("1"))
	wantPending(t, s, "1")
}
