package fiberchat_test

import (
	"testing"

	"github.com/prometheus/client_golang/prometheus"

	"fiberchat.example/fiberchat"
	"fiberchat.example/fiberchat/chat"
	"fiberchat.example/fiberchat/storetest"
)

// cluster is several nodes in this process, which share a store and a broker.
type cluster struct {
	*broker
	*people
	store     chat.Store
	ticketKey []byte
	nodes     []*server
	buses     []*nodeBus
	gauges    []*prometheus.Registry
}

// newCluster starts n nodes; a nil store means one in memory.
func newCluster(t *testing.T, n int, store chat.Store) *cluster {
	t.Helper()
	c := &cluster{broker: new(broker), people: newPeople("alice", "bob", "carol", "dave"), store: store}
	if store == nil {
		c.store = storetest.NewMemory()
	}
	for range n {
		c.start(t, c.join(t))
	}
	return c
}

// start runs one more node.
func (c *cluster) start(t *testing.T, bus *nodeBus) *server {
	t.Helper()
	registry := prometheus.NewRegistry()
	s := serve(t, fiberchat.Config{
		Store: c.store, Authenticator: c.people, Directory: c.people, Bus: bus, Registerer: registry, TicketKey: c.ticketKey,
		Limits: fiberchat.Limits{SendRate: -1, SendBytes: -1, Queued: 8 << 20}, // these tests pour, and the machine may be busy
	})
	c.nodes, c.buses, c.gauges = append(c.nodes, s), append(c.buses, bus), append(c.gauges, registry)
	return s
}

// online connects a user to a node.
func (c *cluster) online(t *testing.T, node int, name string) *client {
	t.Helper()
	return online(t, c.nodes[node].addr, name)
}

// busUp is the gauge of a node.
func (c *cluster) busUp(t *testing.T, node int) float64 {
	t.Helper()
	families, err := c.gauges[node].Gather()
	if err != nil {
		t.Fatal(err)
	}
	for _, f := range families {
		if f.GetName() == "fiberchat_bus_up" {
			return f.GetMetric()[0].GetGauge().GetValue()
		}
	}
	t.Fatal("there is no gauge fiberchat_bus_up")
	return 0
}
