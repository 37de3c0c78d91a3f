package fiberchat_test

import (
	"context"
	"fmt"
	"testing"
	"time"

	"fiberchat.example/fiberchat"
	"fiberchat.example/fiberchat/chat"
)

// TestOrderAcrossReconnect: the sender bursts, is cut, reconnects at once and
// sends on. What was taken of the burst has lower ids than what came after.
func TestOrderAcrossReconnect(t *testing.T) {
	t.Parallel()
	const burst, rounds = 300, 3
	for _, d := range []door{native, sockws} {
		t.Run(string(d), func(t *testing.T) {
			t.Parallel()
			store := openStore(t)
			s := serve(t, fiberchat.Config{Store: store, SendRate: -1, StoreTimeout: time.Hour}) // never waited for
			for round := range rounds {
				l, err := d.open(s.addr, "", "t-alice")
				if err != nil {
					t.Fatal(err)
				}
				if err := l.Raw("CONNECT\naccept-version:1.2\n\n\x00"); err != nil {
					t.Fatal(err)
				}
				for i := range burst {
					if err := l.Raw("SEND\ndestination:/socket/chat/send\n\n" + sendBody(serial(round, i), 2, "x") + "\x00"); err != nil {
						t.Fatal(err)
					}
				}
				l.Cut()
				a := d.online(t, s.addr, "alice")
				a.tell(serial(round, burst), 2, "after")
				a.Cut()
			}
			got := conversation(t, store, 1, 2)
			for i := 1; i < len(got); i++ {
				if got[i].ChatID <= got[i-1].ChatID {
					t.Fatalf("%s has id %d, %s has id %d", got[i-1].ChatID, got[i-1].ID, got[i].ChatID, got[i].ID)
				}
			}
			if len(got) < rounds*2 {
				t.Error("only", len(got), "messages were taken")
			}
		})
	}
}

// serial sorts as it was sent.
func serial(round, i int) string { return fmt.Sprintf("m%d-%04d", round, i) }

// conversation returns all messages between two users, the oldest first.
func conversation(t testing.TB, store chat.Store, a, b int64) (all []chat.Message) {
	t.Helper()
	before := int64(0)
	for {
		page, err := store.Conversation(context.Background(), a, b, before, 100)
		if err != nil {
			t.Fatal(err)
		}
		if len(page) == 0 {
			break
		}
		all = append(all, page...)
		before = page[len(page)-1].ID
	}
	for i, j := 0, len(all)-1; i < j; i, j = i+1, j-1 {
		all[i], all[j] = all[j], all[i]
	}
	return all
}

// TestIdleSessionDoesNotHoldUp: older sessions that are quiet are waited for
// no longer than it takes to see it.
func TestIdleSessionDoesNotHoldUp(t *testing.T) {
	t.Parallel()
	eachDoor(t, func(t *testing.T, d door) {
		s := serve(t, fiberchat.Config{})
		for range 5 {
			d.online(t, s.addr, "alice")
		}
		a := d.online(t, s.addr, "alice")
		a.tell("m1", 2, "x")
		a.tell("m2", 2, "x")
	})
}

// TestBusyOlderSession: another device of the user, which never stops sending,
// holds nobody up.
func TestBusyOlderSession(t *testing.T) {
	t.Parallel()
	s := serve(t, fiberchat.Config{StoreTimeout: time.Hour})
	one := online(t, s.addr, "alice")
	stop, done := make(chan struct{}), make(chan struct{})
	go func() { // joined below
		defer close(done)
		tick := time.NewTicker(time.Millisecond)
		defer tick.Stop()
		for {
			select {
			case <-stop:
				return
			case <-tick.C:
				if err := one.Conn.Raw("ACK\nid:x\n\n\x00"); err != nil {
					t.Error(err)
					return
				}
			}
		}
	}()
	online(t, s.addr, "alice").tell("m1", 2, "x")
	close(stop)
	<-done
}

// TestOlderSessionThatLeaves is not waited for, whenever it does.
func TestOlderSessionThatLeaves(t *testing.T) {
	t.Parallel()
	for _, d := range []door{native, sockws} {
		t.Run(string(d), func(t *testing.T) {
			t.Parallel()
			s := serve(t, fiberchat.Config{StoreTimeout: time.Hour, SendRate: -1})
			for round := range 20 {
				old, a := d.online(t, s.addr, "alice"), d.online(t, s.addr, "alice")
				a.say(serial(round, 0), 2, "x")
				if round%2 == 0 {
					old.Conn.Cut()
				} else {
					old.raw("DISCONNECT\n\n\x00")
				}
				a.message(sendStatus)
				a.Cut()
			}
		})
	}
}
