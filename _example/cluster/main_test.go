package cluster

import (
	"net"
	"testing"
	"time"

	"fiberchat.example/_example/rig"
)

func TestMain(m *testing.M) { rig.Main(m) }

// patience bounds every wait for something that must happen.
const patience = 60 * time.Second

// freePort returns a port that nobody listened on a moment ago.
func freePort(t *testing.T) int {
	t.Helper()
	ln, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer ln.Close()
	return ln.Addr().(*net.TCPAddr).Port
}
