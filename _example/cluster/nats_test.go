package cluster

import (
	"fmt"
	"net"
	"os/exec"
	"testing"

	"github.com/nats-io/nats.go"

	"fiberchat.example/_example/rig"
)

// natsServer is a server of the test's own: it may stop it, and topics name
// users by their ids alone, which are the same in every database.
type natsServer struct {
	addr, binary string
	cmd          *exec.Cmd
}

func startNATS(t *testing.T) *natsServer {
	t.Helper()
	binary, err := exec.LookPath("nats-server")
	if err != nil {
		binary, err = exec.LookPath("/usr/sbin/nats-server")
	}
	rig.Need(t, err == nil, "nats-server")
	s := &natsServer{addr: fmt.Sprintf("127.0.0.1:%d", freePort(t)), binary: binary}
	s.start(t)
	t.Cleanup(func() { s.stop() })
	return s
}

func (s *natsServer) start(t *testing.T) {
	t.Helper()
	_, port, _ := net.SplitHostPort(s.addr)
	s.cmd = exec.Command(s.binary, "-a", "127.0.0.1", "-p", port)
	if err := s.cmd.Start(); err != nil {
		t.Fatal(err)
	}
	rig.Until(t, "NATS answers", func() bool {
		nc, err := nats.Connect(s.url())
		if err == nil {
			nc.Close()
		}
		return err == nil
	})
}

// stop kills the server; it may be stopped already.
func (s *natsServer) stop() {
	s.cmd.Process.Kill()
	s.cmd.Wait()
}

func (s *natsServer) url() string { return "nats://" + s.addr }
