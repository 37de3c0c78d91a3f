package fiberchat_test

import (
	"bufio"
	"context"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"testing"
	"time"

	"fiberchat.example/fiberchat"
	"fiberchat.example/fiberchat/chat"
)

// killedFile tells TestOverdueKilledNode that it is the node to be killed.
const killedFile = "FIBERCHAT_TEST_KILLED_NODE"

// TestOverdueKilledNode is not a test, but the node that the next one kills: it
// prints a line when it is up, and one when Overdue is called, which never ends.
func TestOverdueKilledNode(t *testing.T) {
	path := os.Getenv(killedFile)
	if path == "" {
		return
	}
	serve(t, fiberchat.Config{
		Store: openStoreAt(t, path), OverdueAfter: soon, Timeouts: fiberchat.Timeouts{Store: 2 * time.Second},
		Overdue: func(_ context.Context, to chat.User, _ []chat.Message) error {
			fmt.Println("called", to.Name)
			select {}
		},
	})
	fmt.Println("up")
	_, _ = io.Copy(io.Discard, os.Stdin) // until the test is gone
	os.Exit(1)
}

// TestOverdueOfAKilledNode: the call that a node dies in is made by another one.
func TestOverdueOfAKilledNode(t *testing.T) {
	t.Parallel()
	path := filepath.Join(t.TempDir(), "chat.db")
	node := exec.Command(os.Args[0], "-test.run=^TestOverdueKilledNode$")
	node.Env = append(os.Environ(), killedFile+"="+path)
	if _, err := node.StdinPipe(); err != nil {
		t.Fatal(err)
	}
	out, err := node.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := node.Start(); err != nil {
		t.Fatal(err)
	}
	killed := false
	kill := func() {
		if !killed {
			killed = true
			_ = node.Process.Kill()
			_ = node.Wait() // says that it was killed
		}
	}
	t.Cleanup(kill)
	lines := make(chan string, 10)
	go func() { // ends with the node
		defer close(lines)
		for s := bufio.NewScanner(out); s.Scan(); {
			lines <- s.Text()
		}
	}()
	if got := hookTold(t, lines); got != "up" {
		t.Fatal(got)
	}
	calls := make(chan overdueCall, 10)
	s := serve(t, fiberchat.Config{Store: openStoreAt(t, path)}) // has no Overdue: the node is the one
	if _, err := s.chat.SendAs(t.Context(), 1, 2, "m1", "x"); err != nil {
		t.Fatal(err)
	}
	if got := hookTold(t, lines); got != "called bob" {
		t.Fatal(got)
	}
	kill()
	s = serve(t, fiberchat.Config{Store: openStoreAt(t, path), OverdueAfter: soon, Overdue: overdueTo(calls)})
	if _, err := s.chat.SendAs(t.Context(), 1, 3, "m2", "x"); err != nil {
		t.Fatal(err)
	}
	got := []string{hookTold(t, calls).String(), hookTold(t, calls).String()}
	if slices.Sort(got); !slices.Equal(got, []string{"bob m1", "carol m2"}) {
		t.Errorf("told of %v", got)
	}
}
