package soak

import (
	"testing"
	"time"

	"fiberchat.example/_example/rig"
)

func TestMain(m *testing.M) { rig.Main(m) }

// patience is how long a test waits for what must come. The server's own
// patience with silent clients is 60 s.
const patience = 90 * time.Second

// server is the example, running.
type server struct{ *rig.Process }

// start runs the server until the test ends or it is stopped. files is how
// many file descriptors it may have, 0 for as many as we have.
func start(t *testing.T, db string, files int, args ...string) *server {
	t.Helper()
	s := &server{rig.Launch(t, files, append([]string{"-db", db}, args...)...)}
	s.Ready(t)
	return s
}
