package fiberchat_test

import (
	"bufio"
	"fmt"
	"net"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"fiberchat.example/fiberchat"
)

// OPERATING.md's nginx configuration is run as it is, except for its ports
// and folders.
func TestBehindNginx(t *testing.T) {
	t.Parallel()
	nginx, err := exec.LookPath("nginx")
	if err != nil {
		if nginx, err = exec.LookPath("/usr/sbin/nginx"); err != nil {
			if os.Getenv("CI") == "true" {
				t.Fatal("nginx is not installed")
			}
			t.Skip("SKIPPED: nginx is not installed")
		}
	}
	s := serve(t, fiberchat.Config{})
	addr, logs := startNginx(t, nginx, s.addr)

	for _, d := range []door{native, sockws, xhr} {
		a, b := d.online(t, addr, "alice"), d.online(t, addr, "bob")
		a.send("/socket/chat/send", `{"msgID":"`+string(d)+`","reciverId":2,"content":"起来聊天"}`)
		a.message(sendStatus).wantBody(t, success(string(d)))
		if got := b.message("/user/bob/recive").message(t).Content; got != "起来聊天" {
			t.Errorf("%s: got %q", d, got)
		}
		b.send("/socket/chat/recive", `{"msgID":"`+string(d)+`"}`)
		b.message(receiveStatus).wantBody(t, success(string(d)))
	}

	// A stream's first frame comes while the response is open.
	resp, err := http.Post("http://"+addr+"/socketServer/000/some-session/xhr_streaming?srect=t-carol", "text/plain", nil)
	if err != nil {
		t.Fatal(err)
	}
	defer resp.Body.Close()
	lines := make(chan string, 10)
	go func() { // ends when the body is closed
		defer close(lines)
		for in := bufio.NewScanner(resp.Body); in.Scan(); {
			lines <- in.Text()
		}
	}()
	for want := ""; want != "o"; {
		select {
		case want = <-lines:
			if want != "o" && strings.Trim(want, "h") != "" {
				t.Fatalf("got %.20q, want the prelude and o", want)
			}
		case <-time.After(patience):
			t.Fatal("the stream's first frame does not come")
		}
	}

	if resp, err := http.Get("http://" + addr + "/socketServer/info?srect=t-wrong"); err != nil || resp.StatusCode != http.StatusUnauthorized {
		t.Error("wrong token:", resp, err)
	} else {
		resp.Body.Close()
	}
	// nginx writes an entry after it has sent the response, so in its own time.
	entries := readLogs(logs)
	for deadline := time.Now().Add(patience); !strings.Contains(entries, "/socketServer/info"); entries = readLogs(logs) {
		if time.Now().After(deadline) {
			t.Fatal("the access log has no entry:", entries)
		}
		select { // the kernel has no event for another process's write that every system knows
		case <-time.After(5 * time.Millisecond):
		case <-t.Context().Done():
		}
	}
	for _, token := range []string{"t-alice", "t-bob", "t-carol", "t-wrong"} {
		if strings.Contains(entries, token) {
			t.Error("a log shows a token:", entries)
		}
	}
}

func readLogs(dir string) (entries string) {
	filepath.WalkDir(dir, func(path string, _ os.DirEntry, _ error) error {
		text, _ := os.ReadFile(path)
		entries += string(text)
		return nil
	})
	return entries
}

// startNginx runs nginx in front of backend until the test ends.
func startNginx(t *testing.T, nginx, backend string) (addr, logs string) {
	t.Helper()
	operating, err := os.ReadFile("OPERATING.md")
	if err != nil {
		t.Fatal(err)
	}
	_, block, ok := strings.Cut(string(operating), "```nginx\n")
	block, _, _ = strings.Cut(block, "```")
	if !ok {
		t.Fatal("OPERATING.md has no nginx configuration")
	}
	dir := t.TempDir()
	logs = filepath.Join(dir, "logs")
	if err := os.Mkdir(logs, 0o700); err != nil {
		t.Fatal(err)
	}
	ln, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	addr = ln.Addr().String()
	ln.Close()
	block = strings.NewReplacer("listen 80;", "listen "+addr+";", "127.0.0.1:8080", backend, "/var/log/nginx", logs).Replace(block)
	conf := filepath.Join(dir, "nginx.conf")
	text := fmt.Sprintf("daemon off; master_process off; pid %[1]s/pid;\nevents {}\nhttp {\nclient_body_temp_path %[1]s/b; proxy_temp_path %[1]s/p; fastcgi_temp_path %[1]s/f; uwsgi_temp_path %[1]s/u; scgi_temp_path %[1]s/s;\n%[2]s}\n", dir, block)
	if err := os.WriteFile(conf, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	output := new(syncBuffer)
	cmd := exec.Command(nginx, "-c", conf, "-e", filepath.Join(logs, "start.log"))
	cmd.Stdout, cmd.Stderr = output, output
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		_ = cmd.Process.Kill()
		_ = cmd.Wait()
	})
	deadline := time.Now().Add(patience)
	for {
		c, err := net.Dial("tcp", addr)
		if err == nil {
			c.Close()
			return addr, logs
		}
		if time.Now().After(deadline) {
			t.Fatal("nginx does not listen: ", err, output)
		}
		select { // the kernel has no event for another process's listen
		case <-time.After(20 * time.Millisecond):
		case <-t.Context().Done():
		}
	}
}
