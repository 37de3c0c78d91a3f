// Package sqlstore keeps fiberchat's messages, notices, users and tokens in SQLite,
// PostgreSQL, MySQL or MariaDB.
//
// A Store is a chat.Store, a chat.Authenticator and a chat.Directory, and
// signs users up, in and out; it exports and deletes what there is about one. All its methods are safe for concurrent use.
//
//	store, err := sqlstore.Open("chat.db")
//	if err != nil {
//		return err
//	}
//	defer store.Close()
//	account, err := store.CreateUser(ctx, "wususu", "Wu Susu", "correct horse")
//
// Only the SQLite driver is linked, and that needs cgo: in a build without it
// Open and New refuse SQLite with an error that says so. For another database
// import its driver:
//
//	import _ "github.com/jackc/pgx/v5/stdlib"    // postgres://user:pw@host/db
//	import _ "github.com/go-sql-driver/mysql"    // mysql://user:pw@host:3306/db
//
// # Backup
//
// A SQLite database in use is three files: chat.db, chat.db-wal and
// chat.db-shm, and most of what is new is in the second. So cp of the first is
// no copy, and a container needs their folder mounted, not the file. Backup makes
// one, and so does, from outside the program,
//
//	(umask 077; sqlite3 chat.db "VACUUM INTO 'copy.db'")
//
// both under load (sqlite3's .backup waits for a quiet moment).
//
// To put it back stop the program, remove chat.db-wal and chat.db-shm, and copy
// it to chat.db: a log that is left of another database damages this one, and
// nothing notices. The other databases have their own tools.
//
// # Deleting by SQL
//
// Rows of messages, notices, users and tokens may be deleted by SQL of your own: no id is
// given again. Use DELETE: TRUNCATE lets MySQL, and with RESTART IDENTITY
// PostgreSQL, begin at 1 again, and clients take known ids for repetitions. On
// SQLite the message with the highest id leaves an empty row.
//
// # PostgreSQL: pools and poolers
//
// Behind a pooler in transaction mode, such as PgBouncer's, add
// default_query_exec_mode=exec to the address: a prepared statement would stay
// behind on another connection. It costs up to a quarter more of a call. Open
// notices such a pooler and says so.
//
// An app on pgxpool hands it to New with
//
//	sqlx.NewDb(stdlib.OpenDBFromPool(pool), "pgx")
//
// One on lib/pq (driver "postgres") lets Open make a pool beside its own.
//
// # Files
//
//	sqlstore.go         Open, New and Store
//	config.go           Config
//	dsn.go              which database a DSN means
//	dialect.go          what differs between databases
//	sqlite.go           opening SQLite; sqlite_cgo.go, sqlite_nocgo.go
//	server.go           opening PostgreSQL and MySQL; pooler.go: what a pooler does not keep
//	migrate.go          the tables
//	apply.go            Apply; batch.go, match.go and previous.go are for all databases
//	apply_sqlite.go     Apply on SQLite
//	apply_postgres.go   on PostgreSQL
//	apply_mysql.go      on MySQL; insert_mysql.go, query_mysql.go
//	read.go             the statements that read
//	inbox.go            Pending, Inbox and Last; inbox_mysql.go: pages that others go on from
//	conversation.go     Conversation
//	unconfirmed.go      chat.Unconfirmed
//	conversations.go    chat.Conversations; since.go, mark_read.go
//	pairs.go            who has a conversation with whom
//	purge.go            Purge and PurgeUnconfirmed
//	personal.go         Export and Forget: all there is about a user
//	backup.go           Backup
//	presence.go         chat.PresenceStore
//	notices.go          chat.Notices; notify.go: storing one
//	counter.go          chat.Counter and chat.Finder
//	overdue.go          chat.OverdueQueue
//	retry.go            what is tried again
//	accounts.go         users; name.go and password.go
//	tokens.go           signing in and out, and Authenticate
package sqlstore
