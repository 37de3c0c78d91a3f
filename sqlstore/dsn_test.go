package sqlstore

import (
	"errors"
	"strings"
	"testing"
)

func TestDSN(t *testing.T) {
	t.Parallel()
	for dsn, want := range map[string][2]string{
		"":                          {"sqlite", ""},
		"chat.db":                   {"sqlite", "chat.db"},
		"sqlite:chat.db":            {"sqlite", "chat.db"},
		"SQLite:/var/chat.db":       {"sqlite", "/var/chat.db"},
		"sqlite:odd:name.db":        {"sqlite", "odd:name.db"},
		`C:\chat.db`:                {"sqlite", `C:\chat.db`},
		"./a b?c%20#.db":            {"sqlite", "./a b?c%20#.db"},
		"data/user=1/chat.db":       {"sqlite", "data/user=1/chat.db"},
		"postgres://ann:pw@h/db":    {"postgres", "postgres://ann:pw@h/db"},
		"PostgreSQL://Ann:Pw@h/Db":  {"postgres", "postgresql://Ann:Pw@h/Db"},
		"POSTGRES://h/db?sslmode=a": {"postgres", "postgres://h/db?sslmode=a"},
	} {
		if kind, place, err := parseDSN(dsn); err != nil || kind != want[0] || place != want[1] {
			t.Errorf("parseDSN(%q): %q, %q, %v, want %q", dsn, kind, place, err, want)
		}
	}
	if kind, place, err := parseDSN("MYSQL://Ann:Pw@h/Db"); err != nil || kind != "mysql" || !strings.HasPrefix(place, "Ann:Pw@tcp(h:3306)/Db?") {
		t.Errorf("mysql in capitals: %q, %q, %v", kind, place, err)
	}
}

// An address of another kind is not made a file of that name, and is not shown.
func TestForeignDSNIsRefused(t *testing.T) {
	t.Parallel()
	for _, dsn := range []string{
		"mariadb://ann:hidden@h/db", "postgre://ann:hidden@h/db", "mysql+tcp://ann:hidden@h/db", " postgres://ann:hidden@h/db", "\tmysql://ann:hidden@h/db",
		"host=h password=hidden", "user = ann password = hidden", "DBNAME=hidden", "ann:hidden@tcp(h:3306)/db", "hidden@unix(/run/db)/db",
		"postgres:ann:hidden@h/db", "mysql:ann:hidden@h/db", "file:hidden.db?mode=rw", "sqlite://hidden.db", "sqlite:///hidden.db", "sqlite:postgres://ann:hidden@h/db",
	} {
		s, err := Open(dsn)
		if !errors.Is(err, errDSN) || strings.Contains(err.Error(), "hidden") {
			t.Errorf("Open(%q): %v, want %v", dsn, err, errDSN)
		}
		if s != nil {
			s.Close()
		}
	}
}
