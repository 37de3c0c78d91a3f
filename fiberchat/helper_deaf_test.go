package fiberchat_test

import (
	"net"
	"testing"
	"time"

	"github.com/prometheus/client_golang/prometheus"

	"fiberchat.example/fiberchat"
	"fiberchat.example/fiberchat/chattest"
)

// smallBuffers makes the kernel hold little of what a client does not read.
type smallBuffers struct{ net.Listener }

func (l smallBuffers) Accept() (net.Conn, error) {
	c, err := l.Listener.Accept()
	if err == nil {
		err = c.(*net.TCPConn).SetWriteBuffer(16 << 10)
	}
	return c, err
}

// serveDeaf serves chat over small buffers to bob, who subscribes to messages
// and reads nothing.
func serveDeaf(t *testing.T, d door, cfg fiberchat.Config) (chats *fiberchat.Chat, addr string) {
	t.Helper()
	app := newApp()
	chats, err := fiberchat.New(app, cfg)
	if err != nil {
		t.Fatal(err)
	}
	ln, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	addr = chattest.ServeOn(t, app, smallBuffers{ln}).Addr
	bob, err := d.open(addr, "", "t-bob")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(bob.Cut)
	if err := bob.Raw("CONNECT\naccept-version:1.2\n\n\x00SUBSCRIBE\nid:1\ndestination:/user/bob/recive\n\n\x00"); err != nil {
		t.Fatal(err)
	}
	return chats, addr
}

// awaitSessions waits until no more than n are up.
func awaitSessions(t *testing.T, metrics *prometheus.Registry, n int) {
	t.Helper()
	deadline := time.After(patience)
	for sessionsUp(t, metrics) > n {
		select {
		case <-time.After(10 * time.Millisecond):
		case <-deadline:
			t.Fatal("the client stays")
		}
	}
}

func sessionsUp(t *testing.T, metrics *prometheus.Registry) (n int) {
	t.Helper()
	families, err := metrics.Gather()
	if err != nil {
		t.Fatal(err)
	}
	for _, f := range families {
		if f.GetName() != "fiberchat_sessions" {
			continue
		}
		for _, m := range f.GetMetric() {
			n += int(m.GetGauge().GetValue())
		}
	}
	return n
}
