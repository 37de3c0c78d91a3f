package cluster

import (
	"fmt"
	"strings"
	"sync"
	"testing"
	"time"
)

// wants returns the next frame of one subscription, and fails when another's
// comes before.
func (c *client) wants(t *testing.T, on string) frame {
	t.Helper()
	f, err := c.until(func(f frame) bool { return f.on() != "" })
	if err != nil {
		t.Fatal(err)
	}
	if f.on() != on {
		t.Fatalf("want %s, got %s %s", on, f.on(), f.body)
	}
	return f
}

func mustDial(t *testing.T, d door, n *node, user account) *client {
	t.Helper()
	c, err := dial(d, n.addr, user)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(c.close)
	if _, err := c.until(func(f frame) bool { return f.receipt() == initDone }); err != nil {
		t.Fatal(err)
	}
	return c
}

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
	alice, bob := nodes[0].signUp(t, fmt.Sprint("alice-", from, to)), nodes[1].signUp(t, fmt.Sprint("bob-", from, to))
	a, b := mustDial(t, from, nodes[0], alice), mustDial(t, to, nodes[1], bob)
	if err := a.send(bob, "m1", "起来聊天"); err != nil {
		t.Fatal(err)
	}
	if f := a.wants(t, onStatus); !strings.Contains(f.body, `"msgID":"m1","code":200`) {
		t.Error("status:", f.body)
	}
	m, err := decode[message](b.wants(t, onMessage))
	if err != nil || m.ChatID != "m1" || m.Content != "起来聊天" || m.SenderID != alice.id {
		t.Error("message:", m, err)
	}
	if err := b.confirm(m); err != nil {
		t.Fatal(err)
	}
	if f := b.wants(t, onConfirmed); !strings.Contains(f.body, `"msgID":"m1","code":200`) {
		t.Error("status:", f.body)
	}
	if f := a.wants(t, onDelivered); !strings.Contains(f.body, fmt.Sprintf(`"msgID":"m1","code":200,"status":"已送达","content":{"id":%d,`, m.ID)) {
		t.Error("notice:", f.body)
	}
}

// threeNodes: each session of a user gets each message once, in order of id
// and in the order its sender sent it.
func threeNodes(t *testing.T, nodes []*node) {
	const each = 200
	bob := nodes[0].signUp(t, "bob")
	var sessions []*client
	for i, n := range nodes {
		sessions = append(sessions, mustDial(t, []door{native, sockjs}[i%2], n, bob))
	}
	var group sync.WaitGroup
	for i, n := range nodes {
		sender := nodes[0].signUp(t, fmt.Sprint("sender-", i))
		c := mustDial(t, native, n, sender)
		group.Go(func() {
			for k := range each {
				if err := c.send(bob, fmt.Sprint(i, "-", k), "x"); err != nil {
					t.Error(err)
					return
				}
			}
			for range each {
				if f, err := c.until(func(f frame) bool { return f.on() == onStatus || f.on() == onFailure }); err != nil || f.on() == onFailure {
					t.Error(f, err)
					return
				}
			}
		})
	}
	for i, c := range sessions {
		last, next := int64(0), map[string]int{}
		for range len(nodes) * each {
			m, err := decode[message](c.wants(t, onMessage))
			if err != nil {
				t.Fatal(err)
			}
			sender, serial, _ := strings.Cut(m.ChatID, "-")
			if m.ID <= last || serial != fmt.Sprint(next[sender]) {
				t.Fatalf("session %d: message %s with id %d after id %d, want serial %d", i, m.ChatID, m.ID, last, next[sender])
			}
			last = m.ID
			next[sender]++
		}
	}
	group.Wait()
	sender := nodes[0].signUp(t, "last")
	c := mustDial(t, native, nodes[0], sender)
	if err := c.send(bob, "end", "x"); err != nil {
		t.Fatal(err)
	}
	for _, c := range sessions { // nothing came twice before it
		if m, err := decode[message](c.wants(t, onMessage)); err != nil || m.ChatID != "end" {
			t.Error("want the end, got", m, err)
		}
	}
}

// signOutEverywhere: a token that ends takes its sessions with it, whichever
// node they are on, and no others.
func signOutEverywhere(t *testing.T, nodes []*node) {
	carol := nodes[0].signUp(t, "carol")
	other := carol
	other.token = nodes[1].signIn(t, "carol")
	var ended, kept []*client
	for _, n := range nodes {
		ended, kept = append(ended, mustDial(t, native, n, carol)), append(kept, mustDial(t, sockjs, n, other))
	}
	since := time.Now()
	nodes[0].signOut(t, carol.token)
	for _, c := range ended {
		if f, err := c.read(); err == nil || f.headers["message"] != "token-expired" {
			t.Error("want ERROR token-expired, got", f, err)
		}
	}
	within(t, "ending the sessions", since, 5*time.Second)
	for _, c := range kept {
		if err := c.write("UNSUBSCRIBE\nid:none\nreceipt:still\n\n"); err != nil {
			t.Error(err)
		} else if _, err := c.until(func(f frame) bool { return f.receipt() == "still" }); err != nil {
			t.Error(err)
		}
	}
}
