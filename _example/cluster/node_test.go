package cluster

import (
	"bufio"
	"bytes"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"os/exec"
	"regexp"
	"strings"
	"syscall"
	"testing"
	"time"
)

// node is an example server, running.
type node struct {
	addr    string
	metrics string
	args    []string
	cmd     *exec.Cmd
	output  *bytes.Buffer // complete once exited is closed
	exited  chan struct{}
}

// startNodes runs a node for each NATS URL, on one database, until the test
// ends or somebody kills it.
func startNodes(t *testing.T, dsn string, natsURLs ...string) (nodes []*node) {
	t.Helper()
	for _, url := range natsURLs {
		n := &node{
			addr:    fmt.Sprintf("127.0.0.1:%d", freePort(t)),
			metrics: fmt.Sprintf("127.0.0.1:%d", freePort(t)),
		}
		n.args = []string{"-addr", n.addr, "-metrics", n.metrics, "-db", dsn, "-nats", url, "-rate", "0"}
		n.launch(t)
		nodes = append(nodes, n)
	}
	t.Cleanup(func() {
		for _, n := range nodes {
			n.kill(t)
		}
	})
	for _, n := range nodes { // all of them migrate at once
		n.ready(t)
	}
	return nodes
}

func (n *node) launch(t *testing.T) {
	t.Helper()
	binary, err := buildExample()
	if err != nil {
		t.Fatal(err)
	}
	n.cmd, n.output, n.exited = exec.Command(binary, n.args...), &bytes.Buffer{}, make(chan struct{})
	n.cmd.Dir = t.TempDir()
	n.cmd.Stderr = n.output
	stdout, err := n.cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := n.cmd.Start(); err != nil {
		t.Fatal(err)
	}
	// Ends with the process, whose end kill waits for.
	go func() {
		defer close(n.exited)
		_, _ = bufio.NewReader(stdout).WriteTo(io.Discard)
		_ = n.cmd.Wait()
	}()
}

// ready waits until the node answers.
func (n *node) ready(t *testing.T) {
	t.Helper()
	until(t, "a node is ready", func() bool {
		select {
		case <-n.exited:
			t.Fatalf("the node is gone:\n%s", n.output)
		default:
		}
		resp, err := http.Get("http://" + n.addr + "/readyz")
		if err != nil {
			return false
		}
		resp.Body.Close()
		return resp.StatusCode == http.StatusOK
	})
}

// kill ends the node as a power cut would, as far as a process can.
func (n *node) kill(t *testing.T) {
	t.Helper()
	n.cmd.Process.Kill()
	<-n.exited
	if bytes.Contains(n.output.Bytes(), []byte("DATA RACE")) || bytes.Contains(n.output.Bytes(), []byte("panic")) {
		t.Errorf("a node said:\n%s", n.output)
		n.output.Reset()
	}
}

// stop asks the node to end, and waits until it has drained.
func (n *node) stop(t *testing.T) {
	t.Helper()
	if err := n.cmd.Process.Signal(syscall.SIGTERM); err != nil {
		t.Fatal(err)
	}
	select {
	case <-n.exited:
	case <-time.After(patience):
		t.Fatal("a node does not end")
	}
	if !n.cmd.ProcessState.Success() {
		t.Errorf("a node ended with %v:\n%s", n.cmd.ProcessState, n.output)
	}
}

var busUpLine = regexp.MustCompile(`(?m)^fiberchat_bus_up (\d)$`)

// busUp is the node's gauge.
func (n *node) busUp(t *testing.T) bool {
	t.Helper()
	resp, err := http.Get("http://" + n.metrics + "/metrics")
	if err != nil {
		t.Fatal(err)
	}
	defer resp.Body.Close()
	text, err := io.ReadAll(resp.Body)
	if err != nil {
		t.Fatal(err)
	}
	match := busUpLine.FindSubmatch(text)
	if match == nil {
		t.Fatal("there is no metric fiberchat_bus_up")
	}
	return string(match[1]) == "1"
}

// account is a user who signed up.
type account struct {
	id          int64
	name, token string
}

const password = "correct horse battery"

// signUp makes an account and signs it in.
func (n *node) signUp(t *testing.T, name string) account {
	t.Helper()
	var created struct{ UID int64 }
	n.post(t, "", "/api/user/create", map[string]string{"uname": name, "nname": name, "passwd": password, "rpasswd": password}, &created)
	return account{created.UID, name, n.signIn(t, name)}
}

func (n *node) signIn(t *testing.T, name string) (token string) {
	t.Helper()
	var in struct{ Secret string }
	n.post(t, "", "/api/user/login", map[string]string{"uname": name, "passwd": password}, &in)
	return in.Secret
}

// signOut ends a token, and its sessions.
func (n *node) signOut(t *testing.T, token string) {
	t.Helper()
	var none any
	n.post(t, token, "/api/user/logout", map[string]string{}, &none)
}

func (n *node) post(t *testing.T, token, path string, body, content any) {
	t.Helper()
	in, err := json.Marshal(body)
	if err != nil {
		t.Fatal(err)
	}
	r, err := http.NewRequest(http.MethodPost, "http://"+n.addr+path, bytes.NewReader(in))
	if err != nil {
		t.Fatal(err)
	}
	r.Header.Set("Content-Type", "application/json")
	if token != "" {
		r.Header.Set("Authorization", "Bearer "+token)
	}
	answer, err := (&http.Client{Timeout: patience}).Do(r)
	if err != nil {
		t.Fatal(err)
	}
	defer answer.Body.Close()
	var out struct {
		Code    int
		Message string
		Content json.RawMessage
	}
	if err := json.NewDecoder(answer.Body).Decode(&out); err != nil {
		t.Fatalf("POST %s: %v", path, err)
	}
	if out.Code != 200 {
		t.Fatalf("POST %s: %d %s", path, out.Code, out.Message)
	}
	if err := json.Unmarshal(out.Content, content); err != nil {
		t.Fatalf("POST %s: %v", path, err)
	}
}

func repeat(url string, n int) []string { return strings.Fields(strings.Repeat(url+" ", n)) }

// within wants it to have taken no longer than limit since then; slow builds
// and machines get more.
func within(t *testing.T, what string, since time.Time, limit time.Duration) {
	t.Helper()
	if took := time.Since(since); took > limit {
		t.Errorf("%s took %v, want at most %v", what, took.Round(time.Millisecond), limit)
	}
}
