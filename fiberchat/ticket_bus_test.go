package fiberchat_test

import (
	"bytes"
	"net/http"
	"strings"
	"testing"
	"time"

	"fiberchat.example/fiberchat"
	"fiberchat.example/fiberchat/chat"
	"fiberchat.example/fiberchat/storetest"
)

// untilRefused returns when a node has heard that a ticket is used.
func untilRefused(t *testing.T, addr, ticket string) {
	t.Helper()
	for deadline := time.Now().Add(patience); ; {
		resp, body := get(t, addr, "/socketServer/info?srect="+ticket, "")
		switch {
		case resp.StatusCode == http.StatusUnauthorized && strings.Contains(body, "-200"):
			return
		case resp.StatusCode != http.StatusOK || time.Now().After(deadline):
			t.Fatal(resp.Status, body)
		}
	}
}

// TestTicketsOfSeveralNodes: any node takes it, once in all; also one that was
// away when it was used.
func TestTicketsOfSeveralNodes(t *testing.T) {
	t.Parallel()
	c := newCluster(t, 0, nil)
	c.ticketKey = bytes.Repeat([]byte("k"), 32)
	for range 2 {
		c.start(t, c.join(t))
	}
	one, two := c.nodes[0], c.nodes[1]
	for _, d := range []door{native, sockws, xhr} {
		ticket := one.ticket(aliceByToken)
		a := d.connect(t, two.addr, ticket)
		untilRefused(t, one.addr, ticket)
		if _, err := d.open(one.addr, "", ticket); err == nil || !strings.Contains(err.Error(), "401") {
			t.Error("a second node gave", err)
		}
		a.nothing()
	}

	c.buses[1].cut()
	ticket := one.ticket(aliceByToken)
	connect(t, one.addr, ticket).nothing()
	if resp, body := get(t, two.addr, "/socketServer/info?srect="+ticket, ""); resp.StatusCode != http.StatusOK {
		t.Error("a node that cannot have heard of it:", resp.Status, body)
	}
	c.buses[1].mend()
	untilRefused(t, two.addr, ticket)

	unused := one.ticket(aliceByToken)
	a := connect(t, two.addr, "t-alice")
	one.chat.Revoke(aliceByToken.TokenID)
	a.fails("token-expired", 1008) // it has come
	refused(t, two.addr, unused, "Unauthorized")

	// A node that has begun since cannot know what was used before.
	unused = one.ticket(chat.Identity{User: aliceByToken.User})
	refused(t, c.start(t, c.join(t)).addr, unused, "TokenExpired")
	connect(t, two.addr, unused).nothing()
}

func TestTicketKey(t *testing.T) {
	t.Parallel()
	for _, key := range [][]byte{{}, []byte("secret"), make([]byte, 31)} {
		cfg, _ := configFor(t, fiberchat.Config{Store: storetest.NewMemory(), TicketKey: key})
		if _, err := fiberchat.New(newApp(), cfg); err == nil || !strings.Contains(err.Error(), "at least 32") || bytes.Contains([]byte(err.Error()), key) && len(key) > 0 {
			t.Errorf("a key of %d bytes: %v", len(key), err)
		}
	}
	c := newCluster(t, 1, nil)
	if ticket, err := c.nodes[0].chat.Ticket(t.Context(), aliceByToken); err == nil || !strings.Contains(err.Error(), "Config.TicketKey") {
		t.Errorf("with a bus and without a key: %.20q, %v", ticket, err)
	}
	refused(t, c.nodes[0].addr, "fiberchat-ticket."+strings.Repeat("A", 100), "Unauthorized")
	c.online(t, 0, "alice").nothing()

	// The key is the caller's again.
	key := bytes.Repeat([]byte("k"), 32)
	s, other := serve(t, fiberchat.Config{TicketKey: key}), serve(t, fiberchat.Config{TicketKey: bytes.Clone(key)})
	clear(key)
	connect(t, other.addr, other.ticket(aliceByToken)).nothing()
	connect(t, s.addr, other.ticket(aliceByToken)).nothing()
}
