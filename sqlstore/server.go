package sqlstore

import (
	"database/sql"
	"fmt"
	"net"
	"net/url"
	"slices"
	"strings"
	"time"

	"github.com/jmoiron/sqlx"
)

// A node needs few: one transaction carries many operations, and the others
// wait for their turn in the pool.
const maxServerConns = 16

const (
	// MySQL ends a session that is silent for so many seconds, and with it the
	// locks of a node whose machine vanished; a pool's own connections leave
	// before that. On PostgreSQL no lock outlives a statement.
	mysqlSilence = "20"
	mysqlMaxIdle = 10 * time.Second
	// A failover may leave a connection at a server that only reads now.
	maxConnAge = time.Minute
)

func openServer(driver, imports, dsn string) (*sqlx.DB, error) {
	if !slices.Contains(sql.Drivers(), driver) {
		return nil, fmt.Errorf("sqlstore: the program lacks the database driver: import _ %q", imports)
	}
	db, err := sqlx.Open(driver, dsn)
	if err != nil {
		// The driver's own error may show the password.
		return nil, fmt.Errorf("sqlstore: %s driver does not take the dsn", driver)
	}
	db.SetMaxOpenConns(maxServerConns)
	db.SetMaxIdleConns(maxServerConns)
	db.SetConnMaxLifetime(maxConnAge)
	if driver == "mysql" {
		db.SetConnMaxIdleTime(mysqlMaxIdle)
	}
	return db, nil
}

// mysqlDSN makes the driver's form, user:pw@tcp(host:port)/db?options, of a
// mysql:// address. Options are the driver's; ours hold where it names none.
func mysqlDSN(dsn string) (string, error) {
	u, err := url.Parse(dsn)
	// The driver's form has no way to write a colon in a user's name.
	if err != nil || u.Host == "" || strings.ContainsAny(u.Host, "()") || len(u.Path) < 2 || strings.Contains(u.User.Username(), ":") {
		return "", fmt.Errorf("sqlstore: dsn: want mysql://user:pw@host:port/db?options")
	}
	host := u.Host
	if u.Port() == "" {
		host = net.JoinHostPort(u.Hostname(), "3306")
	}
	options := u.Query()
	for name, value := range map[string]string{
		"interpolateParams": "true", // one way there and back for a statement instead of three
		"timeout":           "10s",  // of connecting
		// Too long a text is an error, not a shorter text.
		"sql_mode":                 "'STRICT_ALL_TABLES'",
		"innodb_lock_wait_timeout": "5",
		"wait_timeout":             mysqlSilence,
	} {
		if !options.Has(name) {
			options.Set(name, value)
		}
	}
	password, _ := u.User.Password()
	return fmt.Sprintf("%s:%s@tcp(%s)/%s?%s", u.User.Username(), password, host, url.PathEscape(u.Path[1:]), options.Encode()), nil
}
