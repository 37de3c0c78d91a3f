package redisbus_test

import (
	"context"
	"net"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"fiberchat.example/fiberchat/redisbus"
)

// network makes connections that can be stalled: they stand, and nothing
// comes through any more, as where a machine vanished.
type network struct {
	mu    sync.Mutex
	conns []*conn
}

type conn struct {
	net.Conn
	stalled atomic.Bool
}

func (c *conn) Read(p []byte) (int, error) {
	for {
		n, err := c.Conn.Read(p)
		if err != nil || !c.stalled.Load() {
			return n, err
		}
	}
}

func (n *network) dial(ctx context.Context, kind, addr string) (net.Conn, error) {
	under, err := new(net.Dialer).DialContext(ctx, kind, addr)
	if err != nil {
		return nil, err
	}
	c := &conn{Conn: under}
	n.mu.Lock()
	defer n.mu.Unlock()
	n.conns = append(n.conns, c)
	return c, nil
}

func (n *network) stall() {
	n.mu.Lock()
	defer n.mu.Unlock()
	for _, c := range n.conns {
		c.stalled.Store(true)
	}
}

func TestSilentConnectionIsMadeAnew(t *testing.T) {
	t.Parallel()
	o := server(t)
	var between network
	o.Dialer = between.dial
	b := redisbus.New(connect(t, *o, o.Addr), redisbus.Config{Channel: t.Name()})
	t.Cleanup(b.Close)
	b.PingEvery(30 * time.Millisecond)
	gap, got := make(chan string, 100), make(chan string, 1)
	b.OnGap(func() { gap <- "a gap" })
	next := func(from chan string) string {
		select {
		case s := <-from:
			return s
		case <-time.After(30 * time.Second):
			t.Fatal("nothing came")
			return ""
		}
	}
	cancel, err := b.Subscribe(t.Context(), func(data []byte) { got <- string(data) })
	if err != nil {
		t.Fatal(err)
	}
	defer cancel()
	next(gap) // of the first subscription
	between.stall()
	next(gap)

	o.Dialer = nil
	other := redisbus.New(connect(t, *o, o.Addr), redisbus.Config{Channel: t.Name()})
	t.Cleanup(other.Close)
	if err := other.Publish(t.Context(), []byte("after")); err != nil {
		t.Fatal(err)
	}
	if s := next(got); s != "after" {
		t.Error("got", s)
	}
}
