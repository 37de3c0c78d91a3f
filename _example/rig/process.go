package rig

import (
	"bytes"
	"fmt"
	"io"
	"net/http"
	"os"
	"os/exec"
	"regexp"
	"strconv"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"
)

// Process is the example program, running.
type Process struct {
	Addr   string // host and port; known once it is ready
	Output *Output
	Exited chan struct{} // closed when it has ended

	cmd     *exec.Cmd
	metrics string // URL
}

// Start runs the program with these arguments until the test ends or somebody
// kills it, and waits until it is ready. It listens on ports of its choice,
// unless -addr and -metrics are among the arguments, and anybody may sign up.
func Start(t testing.TB, args ...string) *Process {
	t.Helper()
	p := Launch(t, 0, args...)
	p.Ready(t)
	return p
}

// Launch is Start without the wait. files is how many file descriptors the
// program may have, 0 for as many as the tests have.
func Launch(t testing.TB, files int, args ...string) *Process {
	t.Helper()
	binary, err := build()
	if err != nil {
		t.Fatal(err)
	}
	command := append([]string{binary, "-addr", "127.0.0.1:0", "-metrics", "127.0.0.1:0", "-signups", "0"}, args...)
	if files > 0 {
		command = append([]string{"sh", "-c", fmt.Sprintf(`ulimit -n %d && exec "$0" "$@"`, files)}, command...)
	}
	p := &Process{
		Output: &Output{Changed: make(chan struct{}, 1)}, Exited: make(chan struct{}),
		cmd: exec.Command(command[0], command[1:]...),
	}
	p.cmd.Stdout, p.cmd.Stderr, p.cmd.Dir = p.Output, p.Output, t.TempDir()
	if err := p.cmd.Start(); err != nil {
		t.Fatal(err)
	}
	go func() { // ends with the process, whose end Kill waits for
		_ = p.cmd.Wait() // the state says how it ended
		close(p.Exited)
	}()
	t.Cleanup(func() {
		p.Kill()
		said := p.Output.String()
		switch {
		case strings.Contains(said, "DATA RACE") || strings.Contains(said, "panic"):
			t.Errorf("the server said:\n%.20000s", said)
		case t.Failed():
			t.Logf("the server said:\n%.20000s", said)
		}
	})
	return p
}

var addresses = regexp.MustCompile(`metrics at (http://\S+)\n(?s:.*)open http://([^/]+)/`)

// Ready waits until the process has said its addresses and answers.
func (p *Process) Ready(t testing.TB) {
	t.Helper()
	for timeout := time.After(patience); ; {
		if found := addresses.FindStringSubmatch(p.Output.String()); found != nil {
			p.metrics, p.Addr = found[1], found[2]
			break
		}
		select {
		case <-p.Output.Changed:
		case <-p.Exited:
			t.Fatalf("the server has ended:\n%s", p.Output)
		case <-timeout:
			t.Fatalf("the server did not say its address:\n%s", p.Output)
		}
	}
	Until(t, "the server is ready", func() bool {
		p.Running(t)
		answer, err := client.Get("http://" + p.Addr + "/readyz")
		if err != nil {
			return false
		}
		_ = answer.Body.Close()
		return answer.StatusCode == http.StatusOK
	})
}

// Until asks again and again, until it is so.
func Until(t testing.TB, what string, so func() bool) {
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

// Running fails the test when the process has ended.
func (p *Process) Running(t testing.TB) {
	t.Helper()
	select {
	case <-p.Exited:
		t.Fatalf("the server is gone:\n%s", p.Output)
	default:
	}
}

// Kill ends the process as a power cut would, as far as a process can; it may
// have ended before.
func (p *Process) Kill() {
	_ = p.cmd.Process.Kill() // an error when it has ended
	<-p.Exited
}

// Stop asks the process to end, and wants it to succeed within that time.
func (p *Process) Stop(t testing.TB, within time.Duration) {
	t.Helper()
	if err := p.Signal(syscall.SIGTERM); err != nil {
		t.Fatal(err)
	}
	p.Ends(t, within)
}

// Ends waits for the end of a process that was told to end, and wants it to
// have succeeded.
func (p *Process) Ends(t testing.TB, within time.Duration) {
	t.Helper()
	select {
	case <-p.Exited:
	case <-time.After(within):
		t.Fatalf("the server does not end within %v", within)
	}
	if !p.cmd.ProcessState.Success() {
		t.Errorf("the server ended with %v:\n%s", p.cmd.ProcessState, p.Output)
	}
}

// Signal sends the process a signal.
func (p *Process) Signal(signal os.Signal) error { return p.cmd.Process.Signal(signal) }

// Pid is its process id.
func (p *Process) Pid() int { return p.cmd.Process.Pid }

// Output keeps all that a process prints, and tells of more.
type Output struct {
	Changed chan struct{} // one token: look again

	mu   sync.Mutex
	text bytes.Buffer
}

func (o *Output) Write(p []byte) (int, error) {
	o.mu.Lock()
	defer o.mu.Unlock()
	select {
	case o.Changed <- struct{}{}:
	default:
	}
	return o.text.Write(p)
}

func (o *Output) String() string {
	o.mu.Lock()
	defer o.mu.Unlock()
	return o.text.String()
}

// Scrape returns the body of /metrics.
func (p *Process) Scrape() (string, error) {
	answer, err := client.Get(p.metrics)
	if err != nil {
		return "", err
	}
	defer answer.Body.Close()
	body, err := io.ReadAll(answer.Body)
	if err == nil && answer.StatusCode != http.StatusOK {
		err = fmt.Errorf("metrics: status %d", answer.StatusCode)
	}
	return string(body), err
}

// Sum adds up the values of one metric in what Scrape returned, over all
// labels.
func Sum(body, name string) (total float64, err error) {
	found := false
	for line := range strings.Lines(body) {
		rest, ok := strings.CutPrefix(line, name)
		if !ok || rest[0] != ' ' && rest[0] != '{' {
			continue
		}
		value, err := strconv.ParseFloat(strings.TrimSpace(rest[strings.LastIndexByte(rest, ' '):]), 64)
		if err != nil {
			return 0, fmt.Errorf("metric %q: %w", line, err)
		}
		total, found = total+value, true
	}
	if !found {
		return 0, fmt.Errorf("there is no metric %s", name)
	}
	return total, nil
}
