package sqlstore

import (
	"errors"
	"regexp"
	"strings"
)

// errDSN does not repeat the dsn, which may hold a password.
var errDSN = errors.New("sqlstore: dsn: want a SQLite file as chat.db or sqlite:chat.db, postgres://user:pw@host/db, or mysql://user:pw@host:3306/db")

// foreignDSN is what other programs' addresses look like: scheme:, host=... of
// libpq, user@tcp(host). One that is not known is not taken for a file, or its
// password would become a file's name. A letter and a colon is a disk.
var foreignDSN = regexp.MustCompile(`(?i)://|^\s*[a-z][a-z0-9+.-]+:|(^|\s)(host|hostaddr|port|user|password|dbname|service|sslmode)\s*=|@\w*\(`)

// parseDSN returns the kind of database, and the file or the URL in the form
// that its driver takes.
func parseDSN(dsn string) (kind, place string, err error) {
	scheme, rest, _ := strings.Cut(dsn, ":")
	isURL := strings.HasPrefix(rest, "//")
	switch kind := strings.ToLower(scheme); {
	case kind == "sqlite" && !strings.Contains(dsn, "://"): // some read sqlite:///chat.db as a file in the root, some not
		return "sqlite", rest, nil
	case (kind == "postgres" || kind == "postgresql") && isURL:
		return "postgres", kind + ":" + rest, nil
	case kind == "mysql" && isURL:
		place, err := mysqlDSN(kind + ":" + rest)
		return kind, place, err
	case foreignDSN.MatchString(dsn):
		return "", "", errDSN
	}
	return "sqlite", dsn, nil
}
