package fiberchat_test

import (
	"bytes"
	"fmt"
	"math/rand/v2"
	"strings"
	"sync"
	"testing"
	"time"

	"fiberchat.example/fiberchat/chat"
)

// dropMessages loses every publication with a message; the rest arrives.
func dropMessages(data []byte) int {
	if bytes.Contains(data, []byte(`"chatID"`)) {
		return 0
	}
	return 1
}

func TestFiveStepsAcrossNodes(t *testing.T) {
	t.Parallel()
	eachDoor(t, func(t *testing.T, d door) {
		c := newCluster(t, 3, openStore(t))
		a, a2, b := d.online(t, c.nodes[0].addr, "alice"), d.online(t, c.nodes[2].addr, "alice"), d.online(t, c.nodes[1].addr, "bob")
		a.subscribe("/user/queue/delivered")
		a2.subscribe("/user/queue/delivered")
		a.tell("m1", 2, "起来聊天")
		m := b.message("/user/bob/recive").message(t)
		if m.ChatID != "m1" || m.Content != "起来聊天" || m.SenderID != 1 || m.ReceiverID != 2 {
			t.Error("got", m)
		}
		b.confirmed("m1", m.ID)
		want := fmt.Sprintf(`{"msgID":"m1","code":200,"status":"已送达","content":{"id":%d,`, m.ID)
		for _, session := range []*client{a, a2} {
			if f := session.message("/user/queue/delivered"); !strings.HasPrefix(f.Body, want) {
				t.Error("notice:", f.Body)
			}
			session.nothing()
		}
		b.nothing()
		if left := b.pending(); len(left) > 0 {
			t.Error("left to replay:", left)
		}
	})
}

// TestOnceAndInOrderOnEveryNode: whatever the bus does, each subscription of
// each session gets each message once, in order of id.
func TestOnceAndInOrderOnEveryNode(t *testing.T) {
	t.Parallel()
	const each = 60
	for name, chaos := range map[string]func(b *broker){
		"sound":              func(*broker) {},
		"doubled":            func(b *broker) { b.copies = func([]byte) int { return 3 } },
		"shuffled":           func(b *broker) { b.shuffled = true },
		"some lost":          func(b *broker) { b.copies = func([]byte) int { return rand.IntN(2) } },
		"all of it":          func(b *broker) { b.shuffled, b.copies = true, func([]byte) int { return rand.IntN(4) } },
		"too long for it":    func(b *broker) { b.maxData = 100 },
		"every message lost": func(b *broker) { b.copies = dropMessages },
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			c := newCluster(t, 3, nil)
			c.set(func() { chaos(c.broker) })
			var bobs []*client
			for node := range c.nodes {
				b := c.online(t, node, "bob")
				if node > 0 {
					b.subscribe("/user/2/recive") // a second subscription
				}
				bobs = append(bobs, b)
			}
			var group sync.WaitGroup
			for i, sender := range []*client{c.online(t, 0, "alice"), c.online(t, 1, "carol")} {
				group.Go(func() { sender.pour(i, each) })
			}
			for node, b := range bobs {
				wantOrdered(t, b, node > 0, 2*each)
			}
			group.Wait()
			for _, b := range bobs {
				b.nothing()
			}
		})
	}
}

// pour sends n messages to bob; any goroutine may call it.
func (c *client) pour(sender, n int) {
	for i := range n {
		if err := c.Conn.Raw("SEND\ndestination:/socket/chat/send\n\n" + sendBody(fmt.Sprint(sender, "-", i), 2, "x") + "\x00"); err != nil {
			c.t.Error("write:", err)
			return
		}
	}
}

// wantOrdered reads n messages for each subscription, and checks their order
// and that each sender's are all there.
func wantOrdered(t *testing.T, c *client, twice bool, n int) {
	t.Helper()
	last, next := map[string]int64{}, map[string]int{}
	if twice {
		n *= 2
	}
	for range n {
		f := c.next()
		if f.Command != "MESSAGE" {
			t.Fatal("got", f)
		}
		m, sub := f.message(t), f.Headers["subscription"]
		if m.ID <= last[sub] {
			t.Fatalf("subscription %s gets id %d after %d", sub, m.ID, last[sub])
		}
		last[sub] = m.ID
		sender, serial, _ := strings.Cut(m.ChatID, "-")
		if want := next[sub+sender]; serial != fmt.Sprint(want) {
			t.Fatalf("subscription %s gets message %s of sender %s, want %d", sub, serial, sender, want)
		}
		next[sub+sender]++
	}
}

// TestCatchUpBringsWhatADeadNodeStored: the node that stored the message told
// nobody.
func TestCatchUpBringsWhatADeadNodeStored(t *testing.T) {
	t.Parallel()
	c := newCluster(t, 1, openStore(t))
	b := c.online(t, 0, "bob")
	for _, id := range []string{"m1", "m2"} {
		if _, err := c.store.Apply(t.Context(), []chat.Op{{Save: &chat.Message{
			ChatID: id, SenderID: 1, SenderName: "alice", ReceiverID: 2, ReceiverName: "bob", Content: "x", Time: time.Now(),
		}}}); err != nil {
			t.Fatal(err)
		}
		if got := b.message("/user/bob/recive").message(t).ChatID; got != id {
			t.Errorf("got %s, want %s", got, id)
		}
	}
	b.nothing()
}
