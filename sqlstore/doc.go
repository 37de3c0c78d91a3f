// Package sqlstore keeps fiberchat's messages, users and tokens in SQLite,
// PostgreSQL, MySQL or MariaDB.
//
// A Store is a chat.Store, a chat.Authenticator and a chat.Directory, and
// signs users up, in and out. All its methods are safe for concurrent use.
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
package sqlstore
