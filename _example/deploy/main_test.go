// Package deploy runs what is in this folder: the balancer, the units' command
// lines, the brokers' access control, and the backups of OPERATING.md.
package deploy

import (
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"fiberchat.example/_example/rig"
)

func TestMain(m *testing.M) { rig.Main(m) }

// patience bounds every wait for something that must happen.
const patience = 60 * time.Second

// program finds a program that may be where only root looks, or skips the test.
func program(t *testing.T, name string) string {
	t.Helper()
	path, err := exec.LookPath(name)
	if err != nil {
		path, err = exec.LookPath("/usr/sbin/" + name)
	}
	rig.Need(t, err == nil, name)
	return path
}

// freeAddr is where nobody listened a moment ago.
func freeAddr(t *testing.T) string {
	t.Helper()
	ln, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer ln.Close()
	return ln.Addr().String()
}

func read(t *testing.T, file string) string {
	t.Helper()
	text, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	return string(text)
}

// write makes a file of the test's own.
func write(t *testing.T, name, text string) (path string) {
	t.Helper()
	path = filepath.Join(t.TempDir(), name)
	if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	return path
}

// serve runs a server of somebody else's until the test ends, and waits until
// it listens.
func serve(t *testing.T, addr string, env []string, name string, args ...string) {
	t.Helper()
	output := &rig.Output{Changed: make(chan struct{}, 1)}
	cmd := exec.Command(name, args...)
	cmd.Stdout, cmd.Stderr, cmd.Env, cmd.Dir = output, output, append(os.Environ(), env...), t.TempDir()
	cmd.WaitDelay = time.Second // what it left running does not hold the test up
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		_ = cmd.Process.Kill()
		_ = cmd.Wait()
		if t.Failed() {
			t.Logf("%s said:\n%s", strings.Join(cmd.Args, " "), output)
		}
	})
	rig.Until(t, name+" listens", func() bool {
		c, err := net.Dial("tcp", addr)
		if err == nil {
			c.Close()
		}
		return err == nil
	})
}
