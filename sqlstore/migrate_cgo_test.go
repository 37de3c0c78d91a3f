//go:build cgo

package sqlstore

import (
	"context"
	"database/sql"
	"path/filepath"
	"testing"

	"github.com/jmoiron/sqlx"
	"github.com/mattn/go-sqlite3"
)

// A migration that has begun takes the time it takes: at the next start it would
// take as long.
func TestMigrationIsNotBrokenOff(t *testing.T) {
	t.Parallel()
	ctx, cancel := context.WithCancel(t.Context())
	driver := &sqlite3.SQLiteDriver{ConnectHook: func(c *sqlite3.SQLiteConn) error {
		c.RegisterAuthorizer(func(op int, _, _, _ string) int {
			if op == sqlite3.SQLITE_CREATE_TABLE {
				cancel()
			}
			return sqlite3.SQLITE_OK
		})
		return nil
	}}
	db := sqlx.NewDb(sql.OpenDB(sqliteConnector{driver: driver, dsn: filepath.Join(t.TempDir(), "chat.db")}), "sqlite3")
	t.Cleanup(func() { db.Close() })
	s := &Store{cfg: Config{TablePrefix: "fiberchat_"}, dialect: sqliteDialect, write: db, read: db}
	if err := s.migrate(ctx); err != nil || ctx.Err() == nil {
		t.Errorf("migrate: %v, and the context of the start %v", err, ctx.Err())
	}
}
