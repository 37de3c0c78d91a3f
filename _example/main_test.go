package main

import (
	"bufio"
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"
)

// The test binary is the server too: with this variable set it runs main.
const asServer = "FIBERCHAT_EXAMPLE_SERVER"

func TestMain(m *testing.M) {
	if os.Getenv(asServer) != "" {
		main()
		return
	}
	os.Exit(m.Run())
}

// server is one running example.
type server struct {
	url     string // with the prefix, without a slash at the end
	addr    string
	db      string
	process *os.Process
	exited  chan struct{} // closed when it has ended
	err     error         // of Wait, once exited is closed
	stderr  bytes.Buffer
	lines   []string // of stdout, until the URL
}

func command(ctx context.Context, args ...string) *exec.Cmd {
	cmd := exec.CommandContext(ctx, os.Args[0], args...)
	cmd.Env = append(os.Environ(), asServer+"=1")
	return cmd
}

// start runs the server with args on a free port and a database of its own,
// and kills it at the end of the test if it still runs.
func start(t *testing.T, args ...string) *server {
	t.Helper()
	s := &server{db: filepath.Join(t.TempDir(), "chat.db"), exited: make(chan struct{})}
	cmd := command(context.Background(), append([]string{"-addr", "127.0.0.1:0", "-db", s.db}, args...)...)
	cmd.Stderr = &s.stderr
	stdout, err := cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	s.process = cmd.Process
	out := bufio.NewReader(stdout)
	for s.url == "" && err == nil {
		var line string
		line, err = out.ReadString('\n')
		s.lines = append(s.lines, strings.TrimSpace(line))
		if _, url, ok := strings.Cut(strings.TrimSpace(line), "open http://"); ok {
			s.url = "http://" + strings.TrimSuffix(url, "/")
			s.addr, _, _ = strings.Cut(url, "/")
		}
	}
	// Ends with the process, which the cleanup sees to.
	go func() {
		io.Copy(io.Discard, out)
		s.err = cmd.Wait()
		close(s.exited)
	}()
	t.Cleanup(func() {
		s.process.Kill()
		<-s.exited
		if t.Failed() {
			t.Logf("stderr: %s", &s.stderr)
		}
	})
	if s.url == "" {
		t.Fatalf("the server did not start: %v, %q", err, s.lines)
	}
	return s
}

// bySignal is the exit code of what a signal has ended.
const bySignal = -1

// wait returns the exit code; it gives up after the server's own time to drain.
func (s *server) wait(t *testing.T) int {
	t.Helper()
	select {
	case <-s.exited:
	case <-time.After(drainTime + 10*time.Second):
		t.Fatal("the server does not end")
	}
	var exit *exec.ExitError
	if s.err != nil && !errors.As(s.err, &exit) {
		t.Fatal(s.err)
	}
	if exit != nil {
		return exit.ExitCode()
	}
	return 0
}

func (s *server) signal(t *testing.T, sig os.Signal) {
	t.Helper()
	if err := s.process.Signal(sig); err != nil {
		t.Fatal(err)
	}
}

func get(t *testing.T, url string) (int, string) {
	t.Helper()
	res, err := http.Get(url)
	if err != nil {
		t.Fatal(err)
	}
	defer res.Body.Close()
	body, err := io.ReadAll(res.Body)
	if err != nil {
		t.Fatal(err)
	}
	return res.StatusCode, string(body)
}

func TestStartsAndStops(t *testing.T) {
	t.Parallel()
	for _, sig := range []os.Signal{os.Interrupt, syscall.SIGTERM} {
		t.Run(sig.String(), func(t *testing.T) {
			t.Parallel()
			s := start(t)
			if len(s.lines) != 1 {
				t.Errorf("printed %q, want one line", s.lines)
			}
			for _, path := range []string{"/", "/livez", "/readyz"} {
				if status, _ := get(t, s.url+path); status != 200 {
					t.Errorf("%s: status %d", path, status)
				}
			}
			s.signal(t, sig)
			if code := s.wait(t); code != 0 || s.stderr.Len() > 0 {
				t.Errorf("exit code %d, stderr %q; want 0 and nothing", code, &s.stderr)
			}
		})
	}
}

// A request that never ends holds the drain up; a second signal does not wait.
func TestSecondSignalEndsAtOnce(t *testing.T) {
	t.Parallel()
	s := start(t)
	conn, err := net.Dial("tcp", s.addr)
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close()
	if _, err := io.WriteString(conn, "POST /api/user/login HTTP/1.1\r\nHost: h\r\nContent-Type: application/json\r\nContent-Length: 9\r\nExpect: 100-continue\r\n\r\n"); err != nil {
		t.Fatal(err)
	}
	// The answer to Expect tells that the server is reading the body.
	if line, err := bufio.NewReader(conn).ReadString('\n'); err != nil || !strings.Contains(line, "100") {
		t.Fatalf("got %q, %v", line, err)
	}
	s.signal(t, syscall.SIGTERM) // an Interrupt is ignored by what a shell has in its background
	for {                        // until it has begun to drain, which closes the listener
		probe, err := net.Dial("tcp", s.addr)
		if err != nil {
			break
		}
		probe.Close()
	}
	select {
	case <-s.exited:
		t.Fatal("the server did not wait for the request")
	default:
	}
	s.signal(t, syscall.SIGTERM)
	if code := s.wait(t); code != bySignal { // after drainTime it would be 1
		t.Errorf("exit code %d of a server that was interrupted while it drained", code)
	}
}

// A database that says nothing holds the start up, and not its end.
func TestSignalWhileStarting(t *testing.T) {
	t.Parallel()
	ln, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer ln.Close()
	cmd := command(t.Context(), "-addr", "127.0.0.1:0", "-db", "postgres://me@"+ln.Addr().String()+"/chat")
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	conn, err := ln.Accept() // it waits for an answer now
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close()
	if err := cmd.Process.Signal(syscall.SIGTERM); err != nil {
		t.Fatal(err)
	}
	// By itself it would give up at last, with exit code 1.
	if err := cmd.Wait(); cmd.ProcessState.ExitCode() != bySignal {
		t.Error("a server that did not start yet:", err)
	}
}

func TestRefusesToStart(t *testing.T) {
	t.Parallel()
	ln, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { ln.Close() }) // the parallel subtests run after this function
	dir := t.TempDir()
	notADatabase := filepath.Join(dir, "text")
	if err := os.WriteFile(notADatabase, bytes.Repeat([]byte("not a database "), 100), 0o600); err != nil {
		t.Fatal(err)
	}
	db := filepath.Join(dir, "chat.db")

	for name, test := range map[string]struct {
		args []string
		code int
		want string
	}{
		"port taken":         {[]string{"-addr", ln.Addr().String(), "-db", db}, 1, "address already in use"},
		"no such address":    {[]string{"-addr", "nonsense", "-db", db}, 1, "address nonsense"},
		"metrics port taken": {[]string{"-addr", "127.0.0.1:0", "-db", db, "-metrics", ln.Addr().String()}, 1, "address already in use"},
		"no such folder":     {[]string{"-addr", "127.0.0.1:0", "-db", filepath.Join(dir, "none", "chat.db")}, 1, "none"},
		"not a database":     {[]string{"-addr", "127.0.0.1:0", "-db", notADatabase}, 1, "not a database"},
		"no such server":     {[]string{"-addr", "127.0.0.1:0", "-db", "postgres://me:s3cret@127.0.0.1:1/chat"}, 1, "refused"},
		"no such MySQL":      {[]string{"-addr", "127.0.0.1:0", "-db", "mysql://me:s3cret@127.0.0.1:1/chat"}, 1, "refused"},
		"bad prefix":         {[]string{"-addr", "127.0.0.1:0", "-db", db, "-prefix", "Mimi/"}, 1, "-prefix"},
		"prefix as a route":  {[]string{"-addr", "127.0.0.1:0", "-db", db, "-prefix", "/:room"}, 1, "-prefix"},
		"bad NATS URL":       {[]string{"-addr", "127.0.0.1:0", "-db", db, "-nats", "nats://me:s3cret@127.0.0.1:port"}, 1, "connect to NATS"},
		"bad Redis URL":      {[]string{"-addr", "127.0.0.1:0", "-db", db, "-redis", "redis://me:s3cret@127.0.0.1:port"}, 1, "connect to Redis"},
		"two buses":          {[]string{"-addr", "127.0.0.1:0", "-db", db, "-nats", "nats://127.0.0.1", "-redis", "redis://127.0.0.1"}, 1, "-nats and -redis"},
		"bad rate":           {[]string{"-addr", "127.0.0.1:0", "-db", db, "-rate", "-1"}, 1, "-rate"},
		"bad sign-ups":       {[]string{"-addr", "127.0.0.1:0", "-db", db, "-signups", "-1"}, 1, "-signups"},
		"bad proxies":        {[]string{"-addr", "127.0.0.1:0", "-db", db, "-trusted-proxies", "10.0.0.0/8,nginx"}, 1, "nginx"},
		"unknown flag":       {[]string{"-port", "80"}, 2, "-port"},
		"stray argument":     {[]string{"8080"}, 2, "8080"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			var stderr, stdout bytes.Buffer
			ctx, cancel := context.WithTimeout(t.Context(), 30*time.Second)
			defer cancel()
			cmd := command(ctx, test.args...)
			cmd.Dir, cmd.Stderr, cmd.Stdout = t.TempDir(), &stderr, &stdout
			err := cmd.Run()
			var exit *exec.ExitError
			if !errors.As(err, &exit) || exit.ExitCode() != test.code {
				t.Errorf("ended with %v, want exit code %d", err, test.code)
			}
			if !strings.Contains(stderr.String(), test.want) || stdout.Len() > 0 {
				t.Errorf("stderr %q, want it to have %q; stdout %q, want nothing", &stderr, test.want, &stdout)
			}
			if strings.Contains(stderr.String(), "s3cret") {
				t.Errorf("stderr shows the password: %s", &stderr)
			}
			if lines := strings.Count(stderr.String(), "\n"); test.code == 1 && lines != 1 {
				t.Errorf("%d lines on stderr, want one: %s", lines, &stderr)
			}
		})
	}
}

func TestMetrics(t *testing.T) {
	t.Parallel()
	s := start(t, "-metrics", "127.0.0.1:0")
	_, url, ok := strings.Cut(s.lines[0], "metrics at ")
	if !ok {
		t.Fatalf("printed %q", s.lines)
	}
	if status, body := get(t, url); status != 200 || !strings.Contains(body, "\ngo_goroutines ") {
		t.Errorf("status %d, body %.200s", status, body)
	}
	if status, _ := get(t, s.url+"/metrics"); status != 404 {
		t.Errorf("/metrics beside the chat: status %d, want 404", status)
	}
}

func TestPrefix(t *testing.T) {
	t.Parallel()
	s := start(t, "-prefix", "/Mimi")
	if want := fmt.Sprintf("http://%s/Mimi", s.addr); s.url != want {
		t.Errorf("url %q, want %q", s.url, want)
	}
	signUp(t, s, "ada")
	for url, want := range map[string]int{
		s.url + "/":                            200,
		s.url + "/client":                      401,
		"http://" + s.addr + "/client":         404,
		"http://" + s.addr + "/api/user/me":    404,
		"http://" + s.addr + "/livez":          200,
		s.url + "/api/user/me":                 401,
		s.url + "/api/nothing/here?srect=abcd": 404,
	} {
		if status, body := get(t, url); status != want {
			t.Errorf("%s: status %d, want %d: %s", url, status, want, body)
		}
	}
}
