// Package e2e runs the tests with the real clients, which are npm packages,
// from go test: one command for everything.
package e2e

import (
	"cmp"
	"fmt"
	"os"
	"os/exec"
	"strings"
	"sync"
	"testing"
)

// installed brings the development dependencies of package-lock.json, once.
var installed = sync.OnceValues(func() ([]byte, error) {
	if _, err := os.Stat("node_modules/ws/package.json"); err == nil {
		return nil, nil
	}
	return exec.Command("npm", "ci", "--no-audit", "--no-fund").CombinedOutput()
})

// missing skips the test on a user's machine, loudly, and fails it in CI.
func missing(t *testing.T, what string) {
	t.Helper()
	if os.Getenv("CI") == "true" {
		t.Fatal(what)
	}
	t.Skip("SKIPPED: ", what)
}

func run(t *testing.T, script string, need ...string) {
	for _, tool := range append(need, "node", "npm") {
		if _, err := exec.LookPath(tool); err != nil {
			missing(t, tool+" is not installed")
		}
	}
	if out, err := installed(); err != nil {
		missing(t, "npm ci failed: "+string(out))
	}
	out, err := exec.CommandContext(t.Context(), "npm", "run", "--silent", script).CombinedOutput()
	t.Log(strings.TrimSpace(string(out)))
	if err != nil {
		t.Fatal(script, ": ", err)
	}
}

// The STOMP and SockJS libraries in node, over every door and transport.
func TestClients(t *testing.T) { run(t, "test") }

// stomp.py, which Debian packages; a python3 before it in the PATH may not have it.
func TestPython(t *testing.T) {
	python := cmp.Or(os.Getenv("PYTHON"), "/usr/bin/python3")
	if out, err := exec.Command(python, "-c", "import stomp, websocket").CombinedOutput(); err != nil {
		missing(t, fmt.Sprintf("%s has no stomp.py (Debian: python3-stomp python3-websocket): %v %s", python, err, out))
	}
	t.Setenv("PYTHON", python)
	run(t, "test:python")
}

// The page in headless Chromium.
func TestBrowser(t *testing.T) {
	t.Parallel()
	run(t, "test:browser", "chromium")
}

// A page in a background tab, which waits most of the time.
func TestHidden(t *testing.T) {
	t.Parallel()
	run(t, "test:hidden", "chromium")
}
