package fiberchat_test

import (
	"bufio"
	"context"
	"fmt"
	"net"
	"os"
	"os/exec"
	"strings"
	"testing"
	"time"

	"fiberchat.example/fiberchat"
	"fiberchat.example/fiberchat/storetest"
)

// mountEnv names the mount of which a process of this test binary is the server.
const mountEnv = "FIBERCHAT_TEST_MOUNT"

// TestShutdownProcess is the server of TestShutdownOfAProcess: its end is the
// process's, as soon as Shutdown has returned. By itself it does nothing.
func TestShutdownProcess(t *testing.T) {
	name, ok := os.LookupEnv(mountEnv)
	if !ok {
		return
	}
	for _, m := range mounts {
		if m.name != name {
			continue
		}
		app := newApp()
		p := newPeople("alice", "bob", "carol")
		if _, err := fiberchat.New(m.router(app), fiberchat.Config{Store: storetest.NewMemory(), Authenticator: p, Directory: p}); err != nil {
			t.Fatal(err)
		}
		ln, err := net.Listen("tcp", "127.0.0.1:0")
		if err != nil {
			t.Fatal(err)
		}
		go func() { _ = app.Listener(ln) }() // ends with the process
		fmt.Println("READY", ln.Addr())
		_, _ = os.Stdin.Read(make([]byte, 1)) // until the test closes it
		if err := app.Shutdown(); err != nil {
			fmt.Println(err)
			os.Exit(1)
		}
		os.Exit(0)
	}
	t.Fatal("no mount ", name)
}

// TestShutdownOfAProcess: a main that waits for app.Shutdown, and for nothing
// else, has said goodbye to everybody, wherever chat is mounted.
func TestShutdownOfAProcess(t *testing.T) {
	t.Parallel()
	for _, m := range mounts {
		t.Run(m.name, func(t *testing.T) {
			t.Parallel()
			ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
			defer cancel()
			cmd := exec.CommandContext(ctx, os.Args[0], "-test.run=^TestShutdownProcess$")
			cmd.Env = append(os.Environ(), mountEnv+"="+m.name)
			stdin, err := cmd.StdinPipe()
			if err != nil {
				t.Fatal(err)
			}
			stdout, err := cmd.StdoutPipe()
			if err != nil {
				t.Fatal(err)
			}
			if err := cmd.Start(); err != nil {
				t.Fatal(err)
			}
			defer func() {
				if err := cmd.Wait(); err != nil {
					t.Error("the server:", err)
				}
			}()
			defer stdin.Close() // ends it, however the test does
			addr := ""
			for lines := bufio.NewScanner(stdout); addr == "" && lines.Scan(); {
				addr, _ = strings.CutPrefix(lines.Text(), "READY ")
			}
			var clients []*client
			for i := range 12 {
				l, err := []door{native, sockws}[i%2].open(addr, m.prefix, "t-"+[]string{"alice", "bob", "carol"}[i%3])
				if err != nil {
					t.Fatal(err)
				}
				c := newClient(t, l)
				c.hello()
				clients = append(clients, c)
			}
			if err := stdin.Close(); err != nil {
				t.Error(err)
			}
			for _, c := range clients {
				c.closes(1001)
			}
		})
	}
}
