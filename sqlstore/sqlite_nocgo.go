//go:build !cgo

package sqlstore

import "errors"

// checkCgo reports why SQLite cannot be used in this build. The driver says so
// too, but only at the first statement, when the file has been made.
func checkCgo() error {
	return errors.New("sqlstore: SQLite needs cgo: build with CGO_ENABLED=1 and a C compiler, or use postgres:// or mysql://")
}

// isSQLiteDuplicate is about errors that there cannot be in this build.
func isSQLiteDuplicate(error) bool { return false }

// isSQLiteBusy is likewise.
func isSQLiteBusy(error) bool { return false }
