package fiberchat_test

import (
	"fmt"
	"testing"

	"fiberchat.example/fiberchat"
)

func TestRevocationsReachEveryNode(t *testing.T) {
	t.Parallel()
	c := newCluster(t, 3, nil)
	for name, end := range map[string]struct {
		do    func(ch *fiberchat.Chat)
		token string
	}{
		"revoke":     {func(ch *fiberchat.Chat) { ch.Revoke("id-bob.2") }, "token-expired"},
		"disconnect": {func(ch *fiberchat.Chat) { ch.Disconnect(3) }, "disconnected"},
	} {
		user := map[string]string{"revoke": "t-bob.2", "disconnect": "t-carol"}[name]
		var ended, kept []*client
		for _, s := range c.nodes {
			ended = append(ended, connect(t, s.addr, user))
			kept = append(kept, connect(t, s.addr, "t-bob"), connect(t, s.addr, "t-alice"))
		}
		end.do(c.nodes[0].chat)
		for _, session := range ended {
			session.fails(end.token, 1008)
		}
		for _, session := range kept {
			session.nothing()
		}
	}
	online(t, c.nodes[1].addr, "carol").nothing() // may connect again
}

// TestRevocationsReachNodesThatWereAway: whichever node it was that could not be
// reached, and never a session that began after them.
func TestRevocationsReachNodesThatWereAway(t *testing.T) {
	t.Parallel()
	for away, name := range []string{"the node that revokes", "the node that hears"} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			c := newCluster(t, 2, nil)
			b, a := connect(t, c.nodes[1].addr, "t-bob"), connect(t, c.nodes[1].addr, "t-alice.2")
			c.buses[away].cut()
			c.nodes[0].chat.Disconnect(2)
			c.nodes[0].chat.Revoke("id-alice.2")
			again := connect(t, c.nodes[0].addr, "t-bob") // of the node that knows
			b.nothing()
			a.nothing()
			c.buses[away].mend()
			b.fails("disconnected", 1008)
			a.fails("token-expired", 1008)
			for i := range c.buses { // and all is repeated
				c.buses[i].cut()
				c.buses[i].mend()
			}
			// A session that was there to be ended shows that it came.
			other := connect(t, c.nodes[0].addr, "t-carol")
			c.nodes[1].chat.Disconnect(3)
			other.fails("disconnected", 1008)
			again.nothing()
		})
	}
}

// TestManyRevocationsAreFewPublications: a node that comes back hears of every ending of
// the last hour, which must not flood the bus and make the next gap.
func TestManyRevocationsAreFewPublications(t *testing.T) {
	t.Parallel()
	c := newCluster(t, 3, nil)
	c.buses[0].cut()
	const last = 20_000
	b := connect(t, c.nodes[1].addr, fmt.Sprintf("t-bob.%d", last))
	for i := range last + 1 {
		c.nodes[0].chat.Revoke(fmt.Sprint("id-bob.", i))
	}
	before := len(c.published())
	c.buses[0].mend()
	b.fails("token-expired", 1008)
	// Some of the first telling may still be under way.
	if n := len(c.published()) - before; n > last/2 {
		t.Errorf("%d publications for %d revocations", n, last)
	}
}
