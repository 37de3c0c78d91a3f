package fiberchat_test

import (
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"
)

// block returns a document's first code block in that language that begins so.
func block(t *testing.T, document, language, begins string) string {
	t.Helper()
	text, err := os.ReadFile(document)
	if err != nil {
		t.Fatal(err)
	}
	_, rest, ok := strings.Cut(string(text), "```"+language+"\n"+begins)
	code, _, closed := strings.Cut(rest, "```")
	if !ok || !closed {
		t.Fatalf("%s has no block in %s that begins with %q", document, language, begins)
	}
	return begins + code
}

// TestReadmeProgram: the README's program is built by the README's commands,
// outside this repository, and does what the README says, but for its port.
func TestReadmeProgram(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	repository, err := filepath.Abs("..")
	if err != nil {
		t.Fatal(err)
	}
	program := block(t, "../README.md", "go", "package main")
	ln := localListener(t)
	addr := ln.Addr().String()
	program = strings.Replace(program, `":8080"`, `"`+addr+`"`, 1)
	if err := os.WriteFile(filepath.Join(dir, "main.go"), []byte(program), 0o600); err != nil {
		t.Fatal(err)
	}
	commands := strings.Replace(block(t, "../README.md", "sh", "go mod init"), "=../fiberchat", "="+repository, 1)
	build := exec.CommandContext(t.Context(), "sh", "-ec", commands)
	build.Dir = dir
	if out, err := build.CombinedOutput(); err != nil {
		// `go mod tidy` may need modules that only tests of others use.
		if strings.Contains(string(out), "dial tcp") && os.Getenv("CI") != "true" {
			t.Skipf("SKIPPED: needs a Go module proxy: %s", out)
		}
		t.Fatalf("%v\n%s", err, out)
	}

	ln.Close()
	output := new(syncBuffer)
	run := exec.Command(filepath.Join(dir, "mychat"))
	run.Dir, run.Stdout, run.Stderr = dir, output, output
	if err := run.Start(); err != nil {
		t.Fatal(err)
	}
	exited := make(chan error, 1)
	go func() { exited <- run.Wait() }() // ends with the process
	t.Cleanup(func() { _ = run.Process.Kill() })
	untilListening(t, addr, output)

	if resp, body := get(t, addr, "/socketServer/info?srect=nobody", ""); resp.StatusCode != http.StatusUnauthorized {
		t.Errorf("a token of nobody: %d %s", resp.StatusCode, body)
	}
	// Its users are made in its database, as the app would.
	store := openStoreAt(t, filepath.Join(dir, "fiberchat.db"))
	if _, err := store.CreateUser(t.Context(), "wususu", "Wu Susu", "correct horse"); err != nil {
		t.Fatal(err)
	}
	token, err := store.SignIn(t.Context(), "wususu", "correct horse")
	if err != nil {
		t.Fatal(err)
	}
	c := connect(t, addr, token.Token)
	if err := run.Process.Signal(syscall.SIGTERM); err != nil {
		t.Fatal(err)
	}
	c.closes(1001)
	select {
	case err := <-exited:
		if err != nil {
			t.Errorf("ended with %v\n%s", err, output)
		}
	case <-time.After(patience):
		t.Fatal("does not end on SIGTERM")
	}
}
