package cluster

import (
	"fmt"
	"strings"
	"sync"
	"testing"

	"fiberchat.example/fiberchat/chattest"
)

func TestExchange(t *testing.T) {
	t.Parallel()
	nats := startNATS(t)
	nodes := startNodes(t, newDatabase(t), repeat(nats.url(), 3)...)
	t.Run("five steps", func(t *testing.T) {
		for _, doors := range [][2]door{{native, native}, {native, sockjs}, {sockjs, native}, {sockjs, sockjs}} {
			t.Run(fmt.Sprint(doors), func(t *testing.T) {
				t.Parallel()
				fiveSteps(t, nodes, doors[0], doors[1])
			})
		}
	})
	t.Run("three nodes", func(t *testing.T) { t.Parallel(); threeNodes(t, nodes) })
	t.Run("sign out", func(t *testing.T) { t.Parallel(); signOutEverywhere(t, nodes) })
}

// fiveSteps is the exchange of the protocol, and the sender's notice after it.
func fiveSteps(t *testing.T, nodes []*node, from, to door) {
	alice, bob := nodes[0].SignUp(t, fmt.Sprint("alice-", from, to)), nodes[1].SignUp(t, fmt.Sprint("bob-", from, to))
	a, b := mustDial(t, from, nodes[0], alice), mustDial(t, to, nodes[1], bob)
	if err := a.Send("m1", bob.ID, "起来聊天"); err != nil {
		t.Fatal(err)
	}
	if f := wants(t, a, chattest.SendStatus); !strings.Contains(f.Body, `"msgID":"m1","code":200`) {
		t.Error("status:", f.Body)
	}
	m := wantsMessage(t, b)
	if m.ChatID != "m1" || m.Content != "起来聊天" || m.SenderID != alice.ID {
		t.Error("message:", m)
	}
	if err := b.Confirm(m.ChatID, m.ID); err != nil {
		t.Fatal(err)
	}
	if f := wants(t, b, chattest.ReceiveStatus); !strings.Contains(f.Body, `"msgID":"m1","code":200`) {
		t.Error("status:", f.Body)
	}
	if f := wants(t, a, chattest.Delivered); !strings.Contains(f.Body, fmt.Sprintf(`"msgID":"m1","code":200,"status":"已送达","content":{"id":%d,`, m.ID)) {
		t.Error("notice:", f.Body)
	}
}

// threeNodes: each session of a user gets each message once, in order of id
// and in the order its sender sent it.
func threeNodes(t *testing.T, nodes []*node) {
	const each = 200
	bob := nodes[0].SignUp(t, "bob")
	var sessions []*chattest.Conn
	for i, n := range nodes {
		sessions = append(sessions, mustDial(t, []door{native, sockjs}[i%2], n, bob))
	}
	var group sync.WaitGroup
	for i, n := range nodes {
		sender := nodes[0].SignUp(t, fmt.Sprint("sender-", i))
		c := mustDial(t, native, n, sender)
		group.Go(func() {
			for k := range each {
				if err := c.Send(fmt.Sprint(i, "-", k), bob.ID, "x"); err != nil {
					t.Error(err)
					return
				}
			}
			for range each {
				if f, err := c.Until(func(f chattest.Frame) bool { return f.On(chattest.SendStatus) || f.On(chattest.Failures) }); err != nil || f.On(chattest.Failures) {
					t.Error(f, err)
					return
				}
			}
		})
	}
	for i, c := range sessions {
		last, next := int64(0), map[string]int{}
		for range len(nodes) * each {
			m := wantsMessage(t, c)
			sender, serial, _ := strings.Cut(m.ChatID, "-")
			if m.ID <= last || serial != fmt.Sprint(next[sender]) {
				t.Fatalf("session %d: message %s with id %d after id %d, want serial %d", i, m.ChatID, m.ID, last, next[sender])
			}
			last = m.ID
			next[sender]++
		}
	}
	group.Wait()
	sender := nodes[0].SignUp(t, "last")
	c := mustDial(t, native, nodes[0], sender)
	if err := c.Send("end", bob.ID, "x"); err != nil {
		t.Fatal(err)
	}
	for _, c := range sessions { // nothing came twice before it
		if m := wantsMessage(t, c); m.ChatID != "end" {
			t.Error("want the end, got", m)
		}
	}
}

// signOutEverywhere: a token that ends takes its sessions with it, whichever
// node they are on, and no others.
func signOutEverywhere(t *testing.T, nodes []*node) {
	carol := nodes[0].SignUp(t, "carol")
	other := carol
	other.Token = nodes[1].MustSignIn(t, "carol")
	var ended, kept []*chattest.Conn
	for _, n := range nodes {
		ended, kept = append(ended, mustDial(t, native, n, carol)), append(kept, mustDial(t, sockjs, n, other))
	}
	nodes[0].signOut(t, carol.Token)
	for _, c := range ended {
		if f, err := c.Read(); err == nil || f.Headers["message"] != "token-expired" {
			t.Error("want ERROR token-expired, got", f, err)
		}
	}
	for _, c := range kept {
		if err := c.Write("UNSUBSCRIBE\nid:none\nreceipt:still\n\n"); err != nil {
			t.Error(err)
		} else if _, err := c.Until(func(f chattest.Frame) bool { return f.Receipt() == "still" }); err != nil {
			t.Error(err)
		}
	}
}
