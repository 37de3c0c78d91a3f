package sqlstore

import (
	"bufio"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"fiberchat.example/fiberchat/chat"
)

// crashFile names the database to the process that TestKilled kills.
const crashFile = "SQLSTORE_TEST_CRASH_FILE"

// TestKilled kills a process that writes, again and again. What Apply had
// returned is there at the next start: saved messages are pending, confirmed
// ones are not.
func TestKilled(t *testing.T) {
	if path := os.Getenv(crashFile); path != "" {
		writeUntilKilled(t, path)
	}
	t.Parallel()
	path := filepath.Join(t.TempDir(), "chat.db")
	for round := range 5 {
		child := exec.Command(os.Args[0], "-test.run=^TestKilled$")
		child.Env = append(os.Environ(), crashFile+"="+path)
		out, err := child.StdoutPipe()
		if err != nil {
			t.Fatal(err)
		}
		if err := child.Start(); err != nil {
			t.Fatal(err)
		}
		var last string
		lines := bufio.NewScanner(out)
		for n := 0; lines.Scan(); n++ {
			if id, ok := strings.CutPrefix(lines.Text(), "stored "); ok {
				last = id
			}
			if n == 20+7*round {
				child.Process.Kill()
			}
		}
		if err := child.Wait(); err == nil || last == "" {
			t.Fatalf("the child ended by itself: %v, last stored %q", err, last)
		}

		s := openAt(t, path)
		pending, err := s.Pending(t.Context(), 2, 0, 1<<20)
		if err != nil {
			t.Fatal(err)
		}
		// The child confirms every second message in the next call; one call
		// more than it told may have been committed.
		var highest int64
		for _, m := range pending {
			if m.ID%2 == 0 && m.ID <= atoi(t, last)-batchSize {
				t.Errorf("round %d: %d came back after it was confirmed", round, m.ID)
			}
			highest = max(highest, m.ID)
		}
		if highest < atoi(t, last) {
			t.Errorf("round %d: %s was stored, the highest left is %d", round, last, highest)
		}
		open := 0
		for _, m := range pending {
			if m.ID%2 == 1 && m.ID <= atoi(t, last) {
				open++
			}
		}
		if want := int(atoi(t, last)+1) / 2; open != want {
			t.Errorf("round %d: %d unconfirmed messages are left, want %d", round, open, want)
		}
		if err := s.Close(); err != nil {
			t.Fatal(err)
		}
	}
}

const batchSize = 8

// writeUntilKilled prints the highest id each time that Apply has returned.
func writeUntilKilled(t *testing.T, path string) {
	s := openAt(t, path)
	id, err := s.Last(t.Context(), 0)
	if err != nil {
		t.Fatal(err)
	}
	for {
		var ops []chat.Op
		for _, old := range []int64{id, id - 2, id - 4, id - 6} { // the even ones of the call before
			if old > 0 {
				ops = append(ops, chat.Op{Confirm: &chat.Confirmation{ReceiverID: 2, ID: old}})
			}
		}
		for i := range int64(batchSize) {
			ops = append(ops, saveOp(fmt.Sprint(id+i+1)))
		}
		for _, r := range mustApply(t, s, ops...) {
			if r.Err != nil || !r.Changed {
				t.Fatalf("%+v", r)
			}
			id = max(id, r.Message.ID)
		}
		fmt.Println("stored", id)
	}
}

func atoi(t *testing.T, s string) (n int64) {
	t.Helper()
	if _, err := fmt.Sscan(s, &n); err != nil {
		t.Fatal(err)
	}
	return n
}
