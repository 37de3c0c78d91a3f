// Package rig runs the example program in processes of its own, for the tests
// of what happens when they are killed, stopped and starved: it builds the
// program once for a test binary, with the race detector where the tests have
// it, starts it, signs people up and reads its metrics.
package rig

import (
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"sync"
	"testing"
	"time"
)

// patience bounds every wait for something that must happen. The server's own
// patience with silent clients is 60 s.
const patience = 90 * time.Second

// folder is where the program is built, for Main to remove.
var folder string

// Main is for TestMain: it runs the tests, removes what was built, and exits.
func Main(m *testing.M) {
	var err error
	if folder, err = os.MkdirTemp("", "fiberchat-rig-"); err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
	code := m.Run()
	os.RemoveAll(folder)
	os.Exit(code)
}

// build builds the program once for all tests.
var build = sync.OnceValues(func() (string, error) {
	binary := filepath.Join(folder, "example")
	args := []string{"build", "-o", binary}
	if Race {
		args = append(args, "-race")
	}
	if out, err := exec.Command("go", append(args, "fiberchat.example/_example")...).CombinedOutput(); err != nil {
		return "", fmt.Errorf("go build: %w\n%s", err, out)
	}
	return binary, nil
})

// Need skips what this machine cannot run. In CI nothing may be skipped.
func Need(t testing.TB, have bool, what string) {
	t.Helper()
	switch {
	case have:
	case os.Getenv("CI") == "true":
		t.Fatalf("NOT RUN: needs %s", what)
	default:
		t.Skipf("NOT RUN: needs %s", what)
	}
}
