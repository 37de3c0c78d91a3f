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

	"github.com/gofiber/fiber/v2"

	"fiberchat.example/fiberchat"
)

// OPERATING.md's nginx configuration is run as it is, except for its ports
// and folders.
func TestBehindNginx(t *testing.T) {
	t.Parallel()
	nginx := nginxBinary(t)
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

// TestNginxAnswersForTheAddress: the app hears nginx's word of who asks, and
// not the client's.
func TestNginxAnswersForTheAddress(t *testing.T) {
	t.Parallel()
	app := newApp()
	app.Get("/", func(c *fiber.Ctx) error {
		return c.SendString(c.Get("X-Real-IP") + " " + c.Get("X-Forwarded-For") + " " + c.Get("X-Forwarded-Host"))
	})
	addr, _ := startNginx(t, nginxBinary(t), listen(t, app))
	r, err := http.NewRequest(http.MethodGet, "http://"+addr+"/", nil)
	if err != nil {
		t.Fatal(err)
	}
	for _, header := range []string{"X-Real-IP", "X-Forwarded-For", "X-Forwarded-Host"} {
		r.Header.Set(header, "6.6.6.6")
	}
	if _, got := answer(t, r); got != "127.0.0.1 127.0.0.1 "+addr {
		t.Errorf("the app hears %q", got)
	}
}

// TestNginxPassesLongBodies: what SockJS takes in one request, a form too, is
// not refused by nginx's own limit.
func TestNginxPassesLongBodies(t *testing.T) {
	t.Parallel()
	s := serve(t, fiberchat.Config{})
	addr, _ := startNginx(t, nginxBinary(t), s.addr)
	for transport, length := range map[string]int{"xhr_send": 1150 << 10, "jsonp_send": 3450 << 10} {
		r, err := http.NewRequest(http.MethodPost, "http://"+addr+"/socketServer/000/nobody/"+transport+"?srect=t-alice", strings.NewReader(strings.Repeat("x", length)))
		if err != nil {
			t.Fatal(err)
		}
		r.Header.Set("Content-Type", "application/x-www-form-urlencoded")
		if res, _ := answer(t, r); res.StatusCode != http.StatusNotFound { // the session is
			t.Errorf("%s with %d octets: status %d", transport, length, res.StatusCode)
		}
	}
}

func nginxBinary(t *testing.T) string {
	t.Helper()
	for _, name := range []string{"nginx", "/usr/sbin/nginx"} {
		if path, err := exec.LookPath(name); err == nil {
			return path
		}
	}
	if os.Getenv("CI") == "true" {
		t.Fatal("nginx is not installed")
	}
	t.Skip("SKIPPED: nginx is not installed")
	return ""
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
	conf := block(t, "OPERATING.md", "nginx", "")
	dir := t.TempDir()
	logs = filepath.Join(dir, "logs")
	if err := os.Mkdir(logs, 0o700); err != nil {
		t.Fatal(err)
	}
	ln := localListener(t)
	addr = ln.Addr().String()
	ln.Close()
	conf = strings.NewReplacer("listen 80;", "listen "+addr+";", "127.0.0.1:8080", backend, "/var/log/nginx", logs).Replace(conf)
	file := filepath.Join(dir, "nginx.conf")
	text := fmt.Sprintf("daemon off; master_process off; pid %[1]s/pid;\nevents {}\nhttp {\nclient_body_temp_path %[1]s/b; proxy_temp_path %[1]s/p; fastcgi_temp_path %[1]s/f; uwsgi_temp_path %[1]s/u; scgi_temp_path %[1]s/s;\n%[2]s}\n", dir, conf)
	if err := os.WriteFile(file, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	output := new(syncBuffer)
	cmd := exec.Command(nginx, "-c", file, "-e", filepath.Join(logs, "start.log"))
	cmd.Stdout, cmd.Stderr = output, output
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		_ = cmd.Process.Kill()
		_ = cmd.Wait()
	})
	untilListening(t, addr, output)
	return addr, logs
}

func localListener(t testing.TB) net.Listener {
	t.Helper()
	ln, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	return ln
}

// untilListening waits for a process that prints to output.
func untilListening(t *testing.T, addr string, output *syncBuffer) {
	t.Helper()
	for deadline := time.Now().Add(patience); ; {
		c, err := net.Dial("tcp", addr)
		if err == nil {
			c.Close()
			return
		}
		if time.Now().After(deadline) {
			t.Fatal("does not listen: ", err, output)
		}
		select { // the kernel has no event for another process's listen
		case <-time.After(20 * time.Millisecond):
		case <-t.Context().Done():
		}
	}
}
