package sqlstore

import (
	"database/sql"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"fiberchat.example/fiberchat/chat"
)

// A reader that takes long, such as a backup, keeps the log from being used
// again, so it grows; after that reader has gone it has its usual size again.
func TestLogShrinks(t *testing.T) {
	t.Parallel()
	path := filepath.Join(t.TempDir(), "chat.db")
	s := openAt(t, path)
	n := 0
	save := func(mib int) {
		for range mib * 4 {
			var ops []chat.Op
			for range 8 {
				n++
				op := saveOp(strings.Repeat("x", n%60+1))
				op.Save.SenderID, op.Save.Content = int64(n), strings.Repeat("x", 32<<10)
				ops = append(ops, op)
			}
			mustApply(t, s, ops...)
		}
	}
	size := func() int64 {
		info, err := os.Stat(path + "-wal")
		if err != nil {
			t.Fatal(err)
		}
		return info.Size()
	}
	const bound = 16 << 20 // what a checkpoint waits for, and the transaction that brings it about
	save(20)
	if got := size(); got > bound {
		t.Fatalf("the log has %d bytes without a reader", got)
	}
	other, err := sql.Open("sqlite3", path)
	if err != nil {
		t.Fatal(err)
	}
	defer other.Close()
	reader, err := other.BeginTx(t.Context(), nil)
	if err != nil {
		t.Fatal(err)
	}
	var rows int
	if err := reader.QueryRow("SELECT COUNT(*) FROM fiberchat_users").Scan(&rows); err != nil { // its snapshot begins
		t.Fatal(err)
	}
	save(30)
	if got := size(); got < 30<<20 {
		t.Fatalf("the log has %d bytes while a reader holds it, so this test shows nothing", got)
	}
	if err := reader.Rollback(); err != nil {
		t.Fatal(err)
	}
	save(10)
	if got := size(); got > bound {
		t.Errorf("the log has %d bytes after the reader has gone, want %d at most", got, bound)
	}
}
