package fiberchat_test

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/prometheus/client_golang/prometheus"

	"fiberchat.example/fiberchat"
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
			chats, addr := serveDeaf(t, d, cfg)
			a := online(t, addr, "alice")
			for i := range 150 { // 6 MB: more than the sockets hold
				a.tell(fmt.Sprint("m", i), 2, strings.Repeat("x", 40<<10))
			}
			if n := sessionsUp(t, metrics); n != 2 {
				t.Fatal(n, "sessions are up")
			}
			chats.Disconnect(2)
			awaitSessions(t, metrics, 1)
			a.nothing()
		})
	}
}
