package cluster

import (
	"fmt"
	"strings"
	"testing"

	"fiberchat.example/_example/rig"
)

// node is an example server, which keeps its address when it is started anew.
type node struct {
	*rig.Process
	addr string
	args []string
}

// startNodes runs a node for each NATS URL, on one database, until the test
// ends or somebody kills it.
func startNodes(t *testing.T, dsn string, natsURLs ...string) (nodes []*node) {
	t.Helper()
	for _, url := range natsURLs {
		n := &node{addr: fmt.Sprintf("127.0.0.1:%d", freePort(t))}
		n.args = []string{"-addr", n.addr, "-db", dsn, "-nats", url, "-rate", "0"}
		n.launch(t)
		nodes = append(nodes, n)
	}
	for _, n := range nodes { // all of them migrate at once
		n.Ready(t)
	}
	return nodes
}

func (n *node) launch(t *testing.T) {
	t.Helper()
	n.Process = rig.Launch(t, 0, n.args...)
}

// busUp is the node's gauge.
func (n *node) busUp(t *testing.T) bool {
	t.Helper()
	body, err := n.Scrape()
	if err != nil {
		t.Fatal(err)
	}
	up, err := rig.Sum(body, "fiberchat_bus_up")
	if err != nil {
		t.Fatal(err)
	}
	return up == 1
}

// signOut ends a token, and its sessions.
func (n *node) signOut(t *testing.T, token string) {
	t.Helper()
	if err := n.SignOut(token); err != nil {
		t.Fatal(err)
	}
}

func repeat(url string, n int) []string { return strings.Fields(strings.Repeat(url+" ", n)) }
