package soak

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"
)

// patience is how long a test waits for what must come. The server's own
// patience with silent clients is 60 s.
const patience = 90 * time.Second

// server is the example, running.
type server struct {
	cmd     *exec.Cmd
	addr    string // of the chat
	metrics string // URL
	output  output
	exited  chan struct{}
}

// output keeps all that the server prints, and tells of new lines.
type output struct {
	mu      sync.Mutex
	text    bytes.Buffer
	changed chan struct{} // one token: look again
}

func (o *output) Write(p []byte) (int, error) {
	o.mu.Lock()
	defer o.mu.Unlock()
	select {
	case o.changed <- struct{}{}:
	default:
	}
	return o.text.Write(p)
}

func (o *output) String() string {
	o.mu.Lock()
	defer o.mu.Unlock()
	return o.text.String()
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
	if binDir, err = os.MkdirTemp("", "fiberchat-soak-"); err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
	code := m.Run()
	os.RemoveAll(binDir)
	os.Exit(code)
}

var addresses = regexp.MustCompile(`metrics at (http://\S+)\n(?s:.*)open http://([^/]+)/`)

// start runs the server until the test ends or it is stopped. files is how
// many file descriptors it may have, 0 for as many as we have.
func start(t *testing.T, db string, files int, args ...string) *server {
	t.Helper()
	binary, err := buildExample()
	if err != nil {
		t.Fatal(err)
	}
	command := append([]string{binary, "-addr", "127.0.0.1:0", "-metrics", "127.0.0.1:0", "-db", db}, args...)
	if files > 0 {
		command = append([]string{"sh", "-c", fmt.Sprintf(`ulimit -n %d && exec "$0" "$@"`, files)}, command...)
	}
	s := &server{
		cmd:    exec.Command(command[0], command[1:]...),
		output: output{changed: make(chan struct{}, 1)},
		exited: make(chan struct{}),
	}
	s.cmd.Stdout, s.cmd.Stderr = &s.output, &s.output
	s.cmd.Dir = filepath.Dir(db)
	if err := s.cmd.Start(); err != nil {
		t.Fatal(err)
	}
	// Ends with the process, which the clean-up kills and waits for.
	go func() {
		s.cmd.Wait() //nolint:errcheck // the state says how it ended
		close(s.exited)
	}()
	t.Cleanup(func() {
		s.cmd.Process.Kill()
		<-s.exited
		for _, bad := range []string{"DATA RACE", "panic"} {
			if strings.Contains(s.output.String(), bad) {
				t.Errorf("the server said:\n%.20000s", s.output.String())
				return
			}
		}
		if t.Failed() {
			t.Logf("the server said:\n%.20000s", s.output.String())
		}
	})
	for timeout := time.After(patience); ; {
		if found := addresses.FindStringSubmatch(s.output.String()); found != nil {
			s.metrics, s.addr = found[1], found[2]
			return s
		}
		select {
		case <-s.output.changed:
		case <-s.exited:
			t.Fatalf("the server ended:\n%s", s.output.String())
		case <-timeout:
			t.Fatalf("the server did not say its address:\n%s", s.output.String())
		}
	}
}

// wait returns the exit code of a server that was told to end.
func (s *server) wait(t *testing.T, within time.Duration) int {
	t.Helper()
	select {
	case <-s.exited:
		return s.cmd.ProcessState.ExitCode()
	case <-time.After(within):
		t.Fatalf("the server does not end within %v", within)
	}
	return 0
}

func (s *server) signal(t *testing.T, sig os.Signal) {
	t.Helper()
	if err := s.cmd.Process.Signal(sig); err != nil {
		t.Fatal(err)
	}
}

// scrape returns the body of /metrics.
func (s *server) scrape() (string, error) {
	client := http.Client{Timeout: patience, Transport: &http.Transport{DisableKeepAlives: true}}
	answer, err := client.Get(s.metrics)
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

// sum adds up the values of one metric, over all labels.
func sum(body, name string) (total float64, err error) {
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
		return 0, errors.New("no metric " + name)
	}
	return total, nil
}
