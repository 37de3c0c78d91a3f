package natsbus_test

import (
	"context"
	"net"
	"net/url"
	"os"
	"testing"
	"time"

	"github.com/nats-io/nats.go"
	"go.uber.org/goleak"

	"fiberchat.example/fiberchat/bustest"
	"fiberchat.example/fiberchat/natsbus"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// server returns the URL of a NATS server that answers: NATS_URL, by default
// on this machine.
func server(t *testing.T) *url.URL {
	t.Helper()
	name := os.Getenv("NATS_URL")
	if name == "" {
		name = nats.DefaultURL
	}
	u, err := url.Parse(name)
	if err != nil {
		t.Fatal("NATS_URL is no URL")
	}
	nc, err := nats.Connect(name)
	if err != nil {
		if os.Getenv("CI") == "true" {
			t.Fatal("no NATS server at ", u.Redacted(), ": ", err)
		}
		t.Skip("SKIPPED: no NATS server at ", u.Redacted(), ": ", err)
	}
	nc.Close()
	if u.Port() == "" {
		u.Host = net.JoinHostPort(u.Hostname(), "4222")
	}
	return u
}

func connect(t *testing.T, u *url.URL) *nats.Conn {
	t.Helper()
	nc, err := nats.Connect(u.String(), nats.RetryOnFailedConnect(true), nats.MaxReconnects(-1),
		nats.ReconnectWait(20*time.Millisecond), nats.ReconnectJitter(0, 0),
		nats.IgnoreDiscoveredServers())
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(nc.Close)
	return nc
}

func TestBus(t *testing.T) {
	t.Parallel()
	u := server(t)
	bustest.Run(t, u.Host, func(t *testing.T, addr, name string) bustest.Bus {
		at := *u
		at.Host = addr
		b := natsbus.New(connect(t, &at), natsbus.Config{Subject: name})
		t.Cleanup(b.Close)
		return b
	})
}

func TestClosedConnectionIsAnError(t *testing.T) {
	t.Parallel()
	nc := connect(t, server(t))
	b := natsbus.New(nc)
	t.Cleanup(b.Close)
	nc.Close()
	if _, err := b.Subscribe(t.Context(), func([]byte) {}); err == nil {
		t.Error("want an error on a closed connection")
	}
	if err := b.Publish(t.Context(), nil); err == nil {
		t.Error("want an error on a closed connection")
	}
	if b.Up() {
		t.Error("Up is true on a closed connection")
	}
}

// TestNobodyAnswers: a server that does not answer has the subscription once
// it does, and that is reported.
func TestNobodyAnswers(t *testing.T) {
	t.Parallel()
	ln, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer ln.Close()
	answer := make(chan struct{})
	served := make(chan error, 1)
	go func() { served <- serve(ln, answer) }() // waited for below
	nc := connect(t, &url.URL{Scheme: "nats", Host: ln.Addr().String()})
	b := natsbus.New(nc)
	t.Cleanup(b.Close)
	gap := make(chan struct{}, 10)
	b.OnGap(func() { gap <- struct{}{} })
	ctx, end := context.WithDeadline(t.Context(), time.Now())
	defer end()
	cancel, err := b.Subscribe(ctx, func([]byte) {})
	if err != nil {
		t.Fatal(err)
	}
	defer cancel()
	if len(gap) != 0 {
		t.Error("a gap was reported before the server had the subscription")
	}
	close(answer)
	select {
	case <-gap:
	case <-time.After(20 * time.Second):
		t.Error("no gap was reported")
	}
	nc.Close()
	if err := <-served; err != nil {
		t.Error(err)
	}
}
