package cluster

import (
	"fmt"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"sync"
	"testing"
	"time"
)

// patience bounds every wait for something that must happen.
const patience = 60 * time.Second

// need skips what this machine cannot run. In CI nothing may be skipped.
func need(t *testing.T, have bool, what string) {
	t.Helper()
	switch {
	case have:
	case os.Getenv("CI") == "true":
		t.Fatalf("NOT RUN: needs %s", what)
	default:
		t.Skipf("NOT RUN: needs %s", what)
	}
}

// until asks again and again, until it is so.
func until(t *testing.T, what string, so func() bool) {
	t.Helper()
	const every = 20 * time.Millisecond
	for range patience / every {
		if so() {
			return
		}
		<-time.After(every)
	}
	t.Fatalf("within %v it did not come about that %s", patience, what)
}

// freePort returns a port that nobody listened on a moment ago.
func freePort(t *testing.T) int {
	t.Helper()
	ln, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer ln.Close()
	return ln.Addr().(*net.TCPAddr).Port
}

// binDir is where the server is built, for TestMain to remove.
var binDir string

// buildExample builds the server once for all tests.
var buildExample = sync.OnceValues(func() (string, error) {
	binary := filepath.Join(binDir, "example")
	args := []string{"build", "-o", binary}
	if raceEnabled {
		args = append(args, "-race")
	}
	cmd := exec.Command("go", append(args, "./_example")...)
	cmd.Dir = filepath.Join("..", "..")
	if out, err := cmd.CombinedOutput(); err != nil {
		return "", fmt.Errorf("go build ./_example: %w\n%s", err, out)
	}
	return binary, nil
})

func TestMain(m *testing.M) {
	var err error
	if binDir, err = os.MkdirTemp("", "fiberchat-cluster-"); err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
	code := m.Run()
	os.RemoveAll(binDir)
	os.Exit(code)
}
