package fiberchat_test

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/prometheus/client_golang/prometheus"

	"fiberchat.example/fiberchat"
	"fiberchat.example/fiberchat/chattest"
)

// TestSilentSessionIsReplaced: the 17th closes the one that was silent longest.
func TestSilentSessionIsReplaced(t *testing.T) {
	t.Parallel()
	for _, d := range []door{native, sockws} {
		t.Run(string(d), func(t *testing.T) {
			t.Parallel()
			s := serve(t, fiberchat.Config{})
			a := online(t, s.addr, "alice")
			var bobs []*client
			for range 17 {
				bobs = append(bobs, d.online(t, s.addr, "bob"))
			}
			bobs[0].fails("replaced", 1008)
			bobs[1].nothing() // it is asked, and so not silent
			bobs = append(bobs, d.online(t, s.addr, "bob"))
			bobs[2].fails("replaced", 1008)
			bobs = slices.Delete(bobs, 2, 3)
			a.tell("m1", 2, "x")
			for _, b := range bobs[1:] {
				if got := b.message("/user/bob/recive").message(t); got.ChatID != "m1" {
					t.Error(got)
				}
			}
			a.nothing()
		})
	}
}

func TestMaxUserSessions(t *testing.T) {
	t.Parallel()
	s := serve(t, fiberchat.Config{Limits: fiberchat.Limits{UserSessions: 1}})
	b1 := online(t, s.addr, "bob")
	b2 := online(t, s.addr, "bob")
	b1.fails("replaced", 1008)
	b2.nothing()
}

func TestMaxSessions(t *testing.T) {
	t.Parallel()
	s := serve(t, fiberchat.Config{Limits: fiberchat.Limits{Sessions: 2}})
	a, b := online(t, s.addr, "alice"), online(t, s.addr, "bob")
	full := chattest.Refused{Status: http.StatusServiceUnavailable}
	for _, d := range []door{native, raw} { // before the upgrade
		if _, err := d.open(s.addr, "", "t-carol"); !errors.Is(err, full) {
			t.Error(d, "for one more gave", err)
		}
	}
	for _, d := range []door{sockws, xhr} {
		d.dial(t, s.addr, "t-carol").closes(1013)
	}
	resp, body := get(t, s.addr, "/client?srect=t-carol", "")
	if resp.StatusCode != http.StatusServiceUnavailable || !strings.Contains(body, `"code":-300`) {
		t.Error("one more:", resp.Status, body)
	}
	a.nothing()
	b.raw("DISCONNECT\nreceipt:bye\n\n\x00")
	b.receipt("bye")
	b.closes(1000)
	// The place is free once the server has seen bob leave.
	for {
		l, err := native.open(s.addr, "", "t-carol")
		if err == nil {
			newClient(t, l).hello()
			break
		}
		if !errors.Is(err, full) {
			t.Fatal(err)
		}
	}
}

func TestMaxSubscriptions(t *testing.T) {
	t.Parallel()
	eachDoor(t, func(t *testing.T, d door) {
		s := serve(t, fiberchat.Config{Limits: fiberchat.Limits{Subscriptions: 3}})
		b := d.connect(t, s.addr, "t-bob")
		b.subscribe("/user/bob/recive")
		b.subscribe(sendStatus)
		b.unsubscribe(b.subscribe(failures))
		b.subscribe(failures)
		b.raw("SUBSCRIBE\nid:x\nreceipt:r\ndestination:" + receiveStatus + "\n\n\x00")
		b.fails("too-many-subscriptions", 1008)
	})
}

// TestRateLimit: who is faster than the rate is read more slowly. Nothing is
// refused, and the session's end ends the wait.
func TestRateLimit(t *testing.T) {
	t.Parallel()
	eachDoor(t, func(t *testing.T, d door) {
		// One message in 1000 s, bursts of one.
		s := serve(t, fiberchat.Config{Limits: fiberchat.Limits{SendRate: 0.001}})
		a, b := d.online(t, s.addr, "alice"), online(t, s.addr, "bob")
		a.tell("m1", 2, "x")
		b.message("/user/bob/recive")
		a.say("m2", 2, "x")
		b.tell("m1", 1, "x") // others have a bucket of their own
		a.message("/user/alice/recive")
		b.confirmed("m1", 0) // confirming is not sending
		// Reconnecting does not refill it, nor does another session help.
		a2 := d.online(t, s.addr, "alice")
		a2.say("m3", 2, "x")
		if _, err := s.chat.Send(context.Background(), 1, 2, "the server's own"); err != nil {
			t.Error(err)
		}
		if got := b.message("/user/bob/recive").message(t).Content; got != "the server's own" {
			t.Error("got", got)
		}
		b.nothing()
		s.chat.Disconnect(1)
		a.fails("disconnected", 1008)
		a2.fails("disconnected", 1008)
	})
}

// TestBurst: a thousand messages at once, far beyond the rate, all arrive, in
// order.
func TestBurst(t *testing.T) {
	t.Parallel()
	eachDoor(t, func(t *testing.T, d door) {
		const n = 1000
		s := serve(t, fiberchat.Config{Limits: fiberchat.Limits{SendRate: 200}})
		a, b := d.online(t, s.addr, "alice"), d.online(t, s.addr, "bob")
		var burst strings.Builder
		for i := range n {
			burst.WriteString("SEND\ndestination:/socket/chat/send\n\n" + sendBody(fmt.Sprint("m", i), 2, "x") + "\x00")
		}
		a.raw(burst.String())
		for i := range n {
			if got := b.message("/user/bob/recive").message(t).ChatID; got != fmt.Sprint("m", i) {
				t.Fatalf("got %s in place of m%d", got, i)
			}
		}
		for i := range n {
			a.message(sendStatus).wantBody(t, success(fmt.Sprint("m", i)))
		}
	})
}

func TestNoRateLimit(t *testing.T) {
	t.Parallel()
	s := serve(t, fiberchat.Config{Limits: fiberchat.Limits{SendRate: -1}})
	a := online(t, s.addr, "alice")
	frame := "SEND\ndestination:/socket/chat/send\n\n" + sendBody("m", 2, "x") + "\x00"
	a.raw(strings.Repeat(frame, 300))
	for range 300 {
		a.message(sendStatus)
	}
}

// TestSlowReceiver: who does not read is closed, loses nothing, and holds up
// nobody.
func TestSlowReceiver(t *testing.T) {
	t.Parallel()
	for _, d := range []door{native, sockws} {
		t.Run(string(d), func(t *testing.T) {
			t.Parallel()
			cfg, logs := configFor(t, fiberchat.Config{Limits: fiberchat.Limits{SendRate: -1, SendBytes: -1, Queued: 300 << 10}})
			_, addr := serveDeaf(t, d, cfg)
			a := online(t, addr, "alice")
			// Not read: the sockets' buffers fill, then the queue. The ERROR of
			// the eviction may not fit, so look at what the log says.
			const batch = 20
			n := 0
			for ; !strings.Contains(logs.String(), "too slowly"); n += batch {
				if n > 1000 { // 40 MB
					t.Fatal("the server holds everything")
				}
				for i := range batch {
					a.say(fmt.Sprint("m", n+i), 2, strings.Repeat("x", 40<<10))
				}
				for range batch {
					a.message(sendStatus)
				}
			}
			b := d.online(t, addr, "bob")
			if got := b.pending(); !slices.Equal(got, names(0, n)) {
				t.Error(len(got), "messages came of", n)
			}
		})
	}
}

// TestWriteTimeout: a client that takes nothing is cut, and what was sent to it
// comes by init.
func TestWriteTimeout(t *testing.T) {
	t.Parallel()
	for _, d := range []door{native, sockws} {
		t.Run(string(d), func(t *testing.T) {
			t.Parallel()
			metrics := prometheus.NewRegistry()
			cfg, _ := configFor(t, fiberchat.Config{Limits: fiberchat.Limits{SendRate: -1, SendBytes: -1, Queued: 16 << 20}, Timeouts: fiberchat.Timeouts{Write: 300 * time.Millisecond}, Registerer: metrics})
			_, addr := serveDeaf(t, d, cfg)
			a := online(t, addr, "alice")
			const n = 150 // 6 MB: more than the sockets hold
			for i := range n {
				a.tell(fmt.Sprint("m", i), 2, strings.Repeat("x", 40<<10))
			}
			awaitSessions(t, metrics, 1) // for less than the default
			if got := online(t, addr, "bob").pending(); len(got) != n {
				t.Error(len(got), "messages are left")
			}
		})
	}
}

// TestSockJSDisconnectDelay: a polling session that nobody asks of is
// forgotten, where the delay is short before an older one where it is long.
func TestSockJSDisconnectDelay(t *testing.T) {
	t.Parallel()
	open := func(delay time.Duration) *prometheus.Registry {
		metrics := prometheus.NewRegistry()
		s := serve(t, fiberchat.Config{SockJS: fiberchat.SockJS{DisconnectDelay: delay}, Registerer: metrics})
		l, err := xhr.open(s.addr, "", "t-bob")
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(l.Cut)
		return metrics
	}
	long := open(time.Hour)
	awaitSessions(t, open(50*time.Millisecond), 0)
	if sessionsUp(t, long) != 1 {
		t.Error("a session is forgotten before its hour is over")
	}
}
