//go:build cgo

package sqlstore

import (
	"errors"

	"github.com/mattn/go-sqlite3"
)

// checkCgo reports why SQLite cannot be used in this build.
func checkCgo() error { return nil }

// isSQLiteDuplicate reports whether a unique index of SQLite refused the statement.
func isSQLiteDuplicate(err error) bool {
	var e sqlite3.Error
	return errors.As(err, &e) && e.ExtendedCode == sqlite3.ErrConstraintUnique
}

// isSQLiteBusy reports whether another connection's lock was in the way.
func isSQLiteBusy(err error) bool {
	var e sqlite3.Error
	return errors.As(err, &e) && e.Code == sqlite3.ErrBusy
}
