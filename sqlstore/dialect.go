package sqlstore

import (
	"context"
	"errors"
	"fmt"

	"github.com/jmoiron/sqlx"

	"fiberchat.example/fiberchat/chat"
)

// dialect is what differs between the databases.
type dialect struct {
	name         string   // of the folder of its migrations
	bind         int      // sqlx's name for its placeholders
	lock         []string // what starts a migration and keeps other processes out
	check        check    // what must hold then; empty: nothing
	unlock, undo string   // what ends it well, or takes it back where the database can
	apply        func(*Store, context.Context, []chat.Op) ([]chat.Result, error)
	call         func(*Store, context.Context, []chat.Op) (*batch, error) // of a server: tried once, before batch.finish
	reads        reads
	presence     presenceSQL
	notices      noticeReads
	notify       func(*Store, context.Context, chat.Notice) (id int64, err error) // tried once
	// server tells that there is a network between: see retry.
	server bool
}

// check is a query that gives true, or else the problem.
type check struct{ query, problem string }

var sqliteDialect = dialect{
	presence: sqlitePresence,
	name:     "sqlite",
	bind:     sqlx.QUESTION,
	lock:     []string{"BEGIN IMMEDIATE"},
	unlock:   "COMMIT",
	undo:     "ROLLBACK",
	apply:    (*Store).applySQLite,
	reads:    commonReads,

	notices: noticeReadsBy("INDEXED BY {p}notices_pending", ""),
	notify:  (*Store).notifySQLite,
}

var postgresDialect = dialect{
	presence: postgresPresence,
	name:     "postgres",
	bind:     sqlx.DOLLAR,
	lock:     []string{"BEGIN", "SELECT pg_advisory_xact_lock(hashtext('fiberchat migration'), hashtext(current_schema() || ' {p}'))"},
	check:    check{"SELECT current_setting('server_encoding') = 'UTF8'", "the database's encoding is not UTF8, so it cannot keep every message"},
	unlock:   "COMMIT",
	undo:     "ROLLBACK",
	apply:    (*Store).applyServer,
	call:     (*Store).callPostgres,
	reads:    postgresReads,

	notices: postgresNoticeReads,
	notify:  (*Store).notifyPostgres,

	server: true,
}

// MySQL cannot take back a table, so its migrations can be repeated. Its lock
// waits longer than startTimeout, whose end is an error and not a row.
var mysqlDialect = dialect{
	presence: mysqlPresence,
	name:     "mysql",
	bind:     sqlx.QUESTION,
	lock:     []string{"DO GET_LOCK(MD5(CONCAT(DATABASE(), ' {p}')), 600)"},
	check:    check{"SELECT COALESCE(IS_USED_LOCK(MD5(CONCAT(DATABASE(), ' {p}'))) = CONNECTION_ID(), 0)", "GET_LOCK gave no lock"},
	unlock:   "DO RELEASE_LOCK(MD5(CONCAT(DATABASE(), ' {p}')))",
	undo:     "DO RELEASE_LOCK(MD5(CONCAT(DATABASE(), ' {p}')))",
	apply:    (*Store).applyServer,
	call:     (*Store).callMySQL,
	reads:    commonReads,

	notices: noticeReadsBy("FORCE INDEX ({p}notices_pending)", "FORCE INDEX ({p}notices_user)"),
	notify:  (*Store).notifyMySQL,

	server: true,
}

func dialectOf(driverName string) (dialect, error) {
	switch driverName {
	case "sqlite3":
		return sqliteDialect, checkCgo()
	case "pgx", "pgx/v5":
		return postgresDialect, nil
	case "mysql":
		return mysqlDialect, nil
	case "postgres":
		return dialect{}, errors.New("sqlstore: database driver \"postgres\" is lib/pq: use sqlstore.Open beside it, or open the database with pgx (import _ \"github.com/jackc/pgx/v5/stdlib\", driver \"pgx\")")
	}
	return dialect{}, fmt.Errorf("sqlstore: database driver %q: want sqlite3, pgx or mysql", driverName)
}
