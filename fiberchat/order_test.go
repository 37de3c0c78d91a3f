package fiberchat_test

import (
	"context"
	"fmt"
	"testing"

	"fiberchat.example/fiberchat"
	"fiberchat.example/fiberchat/chat"
)

// TestOrderAcrossReconnect: the sender bursts, is cut, reconnects at once,
// repeats what was not answered and sends on. Ids have the order sent.
func TestOrderAcrossReconnect(t *testing.T) {
	t.Parallel()
	const burst, rounds = 300, 3
	for _, d := range []door{native, sockws} {
		t.Run(string(d), func(t *testing.T) {
			t.Parallel()
			store := openStore(t)
			s := serve(t, fiberchat.Config{Store: store, Limits: fiberchat.Limits{SendRate: -1}})
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
				for i := range burst {
					a.say(serial(round, i), 2, "x")
				}
				a.say(serial(round, burst), 2, "after")
				for range burst + 1 {
					a.message(sendStatus)
				}
				a.Cut()
			}
			got := conversation(t, store, 1, 2)
			for i := 1; i < len(got); i++ {
				if got[i].ChatID <= got[i-1].ChatID {
					t.Fatalf("%s has id %d, %s has id %d", got[i-1].ChatID, got[i-1].ID, got[i].ChatID, got[i].ID)
				}
			}
			if len(got) != rounds*(burst+1) {
				t.Error(len(got), "messages were taken")
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
		page, err := store.Conversation(context.Background(), a, b, chat.Page{Before: before}, 100)
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
