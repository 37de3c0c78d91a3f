package crash

import (
	"bufio"
	"bytes"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"
)

// account is a user who signed up.
type account struct {
	id    int64
	name  string
	token string
}

// process is the example server, running.
type process struct {
	addr   string
	cmd    *exec.Cmd
	output *bytes.Buffer // complete once exited is closed
	exited chan struct{}
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
	if binDir, err = os.MkdirTemp("", "fiberchat-crash-"); err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
	code := m.Run()
	os.RemoveAll(binDir)
	os.Exit(code)
}

// start runs the server on the database file db until the test ends or
// somebody kills it.
func start(t *testing.T, db string) *process {
	t.Helper()
	binary, err := buildExample()
	if err != nil {
		t.Fatal(err)
	}
	p := &process{
		cmd:    exec.Command(binary, "-addr", "127.0.0.1:0", "-db", db, "-rate", "0"),
		output: &bytes.Buffer{}, exited: make(chan struct{}),
	}
	p.cmd.Dir = filepath.Dir(db)
	stdout, err := p.cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	p.cmd.Stderr = p.output
	if err := p.cmd.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { p.kill(t) })
	lines := make(chan string, 1)
	// Ends with the process, whose end p.kill waits for.
	go func() {
		defer close(p.exited)
		line, _ := bufio.NewReader(stdout).ReadString('\n')
		lines <- line
		io.Copy(io.Discard, stdout)
		p.cmd.Wait()
	}()
	select {
	case line := <-lines:
		_, rest, found := strings.Cut(line, "http://")
		if !found {
			p.kill(t)
			t.Fatalf("the server said %q instead of its address\n%s", line, p.output)
		}
		p.addr, _, _ = strings.Cut(strings.TrimSpace(rest), "/")
	case <-time.After(patience):
		t.Fatal("the server did not say its address")
	}
	return p
}

// kill ends the server as a power cut would, as far as a process can.
func (p *process) kill(t *testing.T) {
	t.Helper()
	p.cmd.Process.Kill()
	<-p.exited
	if bytes.Contains(p.output.Bytes(), []byte("DATA RACE")) || bytes.Contains(p.output.Bytes(), []byte("panic:")) {
		t.Errorf("the server said:\n%s", p.output)
		p.output.Reset()
	}
}

// running fails the test when the server has died by itself.
func (p *process) running(t *testing.T) {
	t.Helper()
	select {
	case <-p.exited:
		t.Fatalf("the server is gone:\n%s", p.output)
	default:
	}
}

const password = "correct horse battery"

// signUp makes an account and signs it in.
func (p *process) signUp(t *testing.T, name string) account {
	t.Helper()
	var created struct{ UID int64 }
	p.post(t, "/api/user/create", map[string]string{"uname": name, "nname": name, "passwd": password, "rpasswd": password}, &created)
	return account{id: created.UID, name: name, token: p.signIn(t, name)}
}

func (p *process) signIn(t *testing.T, name string) (token string) {
	t.Helper()
	var in struct{ Secret string }
	p.post(t, "/api/user/login", map[string]string{"uname": name, "passwd": password}, &in)
	return in.Secret
}

func (p *process) post(t *testing.T, path string, body, content any) {
	t.Helper()
	in, err := json.Marshal(body)
	if err != nil {
		t.Fatal(err)
	}
	answer, err := (&http.Client{Timeout: patience}).Post("http://"+p.addr+path, "application/json", bytes.NewReader(in))
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

// signUpPairs makes the two accounts of each of n pairs.
func (p *process) signUpPairs(t *testing.T, n int) []*pair {
	t.Helper()
	pairs := make([]*pair, n)
	for i := range pairs {
		pairs[i] = newPair(p.signUp(t, fmt.Sprintf("sender%d", i)), p.signUp(t, fmt.Sprintf("receiver%d", i)))
	}
	return pairs
}
