//go:build !cgo

package sqlstore

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/jmoiron/sqlx"
)

func TestSQLiteNeedsCgo(t *testing.T) {
	t.Parallel()
	path := filepath.Join(t.TempDir(), "chat.db")
	if _, err := Open(path); err == nil || !strings.Contains(err.Error(), "SQLite needs cgo") {
		t.Errorf("Open: got %v, want an error that names cgo", err)
	}
	if _, err := os.Stat(path); !os.IsNotExist(err) {
		t.Errorf("Open left a file behind: %v", err)
	}
	db, err := sqlx.Open("sqlite3", path)
	if err != nil {
		t.Fatal(err)
	}
	defer db.Close()
	if _, err := New(db); err == nil || !strings.Contains(err.Error(), "SQLite needs cgo") {
		t.Errorf("New: got %v, want an error that names cgo", err)
	}
}
