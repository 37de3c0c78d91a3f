package fiberchat_test

import (
	"errors"
	"fmt"
	"net/http"
	"strings"
	"testing"
	"time"

	"fiberchat.example/fiberchat"
	"fiberchat.example/fiberchat/chattest"
)

// TestTooFastOverHTTP: what a client sends faster than it may is held up where
// it is sent, at last with 503, and so the server does not pile it up. What
// was taken and could not be carried out yet is not lost to a client that
// repeats what was not answered.
func TestTooFastOverHTTP(t *testing.T) {
	t.Parallel()
	s := serve(t, fiberchat.Config{
		Limits:   fiberchat.Limits{SendRate: 0.001}, // one message, then one in 1000 s
		Timeouts: fiberchat.Timeouts{Write: 300 * time.Millisecond},
	})
	l, err := xhr.open(s.addr, "", "t-alice")
	if err != nil {
		t.Fatal(err)
	}
	defer l.Cut()
	if err := l.Raw("CONNECT\naccept-version:1.2\n\n\x00"); err != nil {
		t.Fatal(err)
	}
	const size = 40 << 10
	text := strings.Repeat("x", size)
	taken := 0
	for err == nil {
		if err = l.Raw("SEND\ndestination:/socket/chat/send\n\n" + sendBody(fmt.Sprint("m", taken), 2, text) + "\x00"); err == nil {
			taken++
		}
		if taken*size > 4<<20 {
			t.Fatal("the server takes everything")
		}
	}
	if refused := (chattest.Refused{}); !errors.As(err, &refused) || refused.Status != http.StatusServiceUnavailable {
		t.Error("at last it answered", err)
	}
	// 4 x Frame waits in the session, and what its reader has begun.
	if taken < 10 || taken*size > 4*296<<10+512<<10 {
		t.Error(taken, "messages were taken")
	}
	s.chat.Disconnect(1) // ends the wait
}
