package sqlstore

import (
	"net/url"
	"strings"
	"testing"

	"github.com/go-sql-driver/mysql"
)

// What an address says must reach the driver unchanged, or be refused: never
// another user, host or database, and never a password in an error.
func FuzzDSN(f *testing.F) {
	f.Add("ann", "p@ss/w:rd", "db.example:3307", "chat")
	f.Add("", "", "[::1]", "a?b")
	f.Add("a:b", "x)", "h", "c/d")
	f.Fuzz(func(t *testing.T, user, password, host, database string) {
		address := (&url.URL{Scheme: "mysql", User: url.UserPassword(user, password), Host: host, Path: "/" + database}).String()
		dsn, err := mysqlDSN(address)
		if err != nil {
			if len(password) > 8 && strings.Contains(err.Error(), password) {
				t.Fatalf("%q: the error shows the password: %v", address, err)
			}
			return
		}
		got, err := mysql.ParseDSN(dsn)
		if err != nil {
			return // the driver refuses it
		}
		u, err := url.Parse(address)
		if err != nil {
			t.Fatal(err) // mysqlDSN has parsed it
		}
		wantPassword, _ := u.User.Password()
		if got.User != u.User.Username() || got.Passwd != wantPassword || "/"+got.DBName != u.Path || !strings.HasPrefix(got.Addr, u.Host) && !strings.Contains(got.Addr, u.Hostname()) {
			t.Fatalf("%q became %q: user %q, password %q, database %q at %q", address, dsn, got.User, got.Passwd, got.DBName, got.Addr)
		}
	})
}
