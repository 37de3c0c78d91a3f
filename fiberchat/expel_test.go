package fiberchat_test

import (
	"fmt"
	"net"
	"strings"
	"testing"
	"time"

	"github.com/prometheus/client_golang/prometheus"

	"fiberchat.example/fiberchat"
	"fiberchat.example/fiberchat/chattest"
)

// TestExpelledThoughItDoesNotRead: who may not stay is gone soon, however much
// is on the way to it. The write time-out has no part in it.
func TestExpelledThoughItDoesNotRead(t *testing.T) {
	t.Parallel()
	for _, d := range []door{native, sockws, "xhr-streaming", "eventsource"} {
		t.Run(string(d), func(t *testing.T) {
			t.Parallel()
			metrics := prometheus.NewRegistry()
			cfg, _ := configFor(t, fiberchat.Config{Limits: fiberchat.Limits{SendRate: -1, SendBytes: -1, Queued: 16 << 20}, Registerer: metrics, Timeouts: fiberchat.Timeouts{Write: time.Hour}})
			app := newApp()
			chats, err := fiberchat.New(app, cfg)
			if err != nil {
				t.Fatal(err)
			}
			ln, err := net.Listen("tcp", "127.0.0.1:0")
			if err != nil {
				t.Fatal(err)
			}
			addr := chattest.ServeOn(t, app, smallBuffers{ln}).Addr
			a := online(t, addr, "alice")
			l, err := d.open(addr, "", "t-bob")
			if err != nil {
				t.Fatal(err)
			}
			defer l.Cut()
			if err := l.Raw("CONNECT\naccept-version:1.2\n\n\x00SUBSCRIBE\nid:1\ndestination:/user/bob/recive\n\n\x00"); err != nil {
				t.Fatal(err)
			}
			for i := range 150 { // 6 MB: more than the sockets hold
				a.tell(fmt.Sprint("m", i), 2, strings.Repeat("x", 40<<10))
			}
			if n := sessionsUp(t, metrics); n != 2 {
				t.Fatal(n, "sessions are up")
			}
			chats.Disconnect(2)
			deadline := time.After(patience)
			for sessionsUp(t, metrics) > 1 {
				select {
				case <-time.After(10 * time.Millisecond):
				case <-deadline:
					t.Fatal("the client stays")
				}
			}
			a.nothing()
		})
	}
}
