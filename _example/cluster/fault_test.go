package cluster

import (
	"math/rand/v2"
	"testing"
	"time"

	"fiberchat.example/_example/rig"
	"fiberchat.example/fiberchat/chattest"
)

// pairs is how many talk while something breaks: each with its sender and its
// receiver on different nodes, to begin with.
const pairs = 4

// TestKill: whoever is at a node that dies goes to another; nothing that was
// answered 200 is lost, and nothing comes twice.
func TestKill(t *testing.T) {
	t.Parallel()
	nats := startNATS(t)
	nodes := startNodes(t, newDatabase(t), repeat(nats.url(), 3)...)
	l := startLoad(t, nodes, pairs)
	for range 4 {
		l.goOn(t, 20+rand.IntN(100))
		victim := nodes[rand.IntN(len(nodes))]
		victim.Kill()
		l.goOn(t, 20)
		victim.launch(t)
		victim.Ready(t)
	}
	l.goOn(t, 20)
	l.finish(t)
}

// TestRollingUpdate: nodes are stopped and started one after the other. What
// comes to a node that ends is refused with -300.
func TestRollingUpdate(t *testing.T) {
	t.Parallel()
	nats := startNATS(t)
	nodes := startNodes(t, newDatabase(t), repeat(nats.url(), 2)...)
	l := startLoad(t, nodes, pairs)
	for _, n := range nodes {
		l.goOn(t, 50)
		n.Stop(t, patience)
		l.goOn(t, 20)
		n.launch(t)
		n.Ready(t)
	}
	l.goOn(t, 50)
	l.finish(t, -300)
}

// TestNATSRestart: while NATS is away messages are answered, and the sweep
// brings them to other nodes; when it is back, all is as before.
func TestNATSRestart(t *testing.T) {
	t.Parallel()
	nats := startNATS(t)
	nodes := startNodes(t, newDatabase(t), repeat(nats.url(), 2)...)
	l := startLoad(t, nodes, pairs)
	carol := nodes[0].SignUp(t, "carol")
	session := mustDial(t, native, nodes[1], carol)
	l.goOn(t, 50)

	nats.stop()
	since := time.Now()
	for _, n := range nodes {
		rig.Until(t, "the gauge says that the bus is down", func() bool { return !n.busUp(t) })
	}
	nodes[0].signOut(t, carol.Token)
	for range 5 { // each waits for a sweep
		l.goOn(t, 1)
	}
	t.Logf("without NATS for %v", time.Since(since))
	nats.start(t)
	for _, n := range nodes {
		rig.Until(t, "the gauge says that the bus is up", func() bool { return n.busUp(t) })
	}
	if f, err := session.Read(); err == nil || f.Headers["message"] != "token-expired" {
		t.Error("want ERROR token-expired, got", f, err)
	}
	l.goOn(t, 50)
	l.finish(t)
}

// TestNATSNeverThere: nodes start and serve without it, and notice when it
// comes.
func TestNATSNeverThere(t *testing.T) {
	t.Parallel()
	nats := startNATS(t)
	nats.stop()
	nodes := startNodes(t, newDatabase(t), repeat(nats.url(), 2)...)
	alice, bob := nodes[0].SignUp(t, "alice"), nodes[0].SignUp(t, "bob")
	a, here, there := mustDial(t, native, nodes[0], alice), mustDial(t, sockjs, nodes[0], bob), mustDial(t, native, nodes[1], bob)
	exchange := func(msgID string) {
		t.Helper()
		if err := a.Send(msgID, bob.ID, "x"); err != nil {
			t.Fatal(err)
		}
		wants(t, a, chattest.SendStatus)
		for _, b := range []*chattest.Conn{here, there} {
			if m := wantsMessage(t, b); m.ChatID != msgID {
				t.Fatal("got", m)
			}
		}
	}
	exchange("m1")
	if nodes[0].busUp(t) || nodes[1].busUp(t) {
		t.Error("there is no NATS, and the gauge says that the bus is up")
	}
	nats.start(t)
	for _, n := range nodes {
		rig.Until(t, "the gauge says that the bus is up", func() bool { return n.busUp(t) })
	}
	exchange("m2")
}

// TestPartition: one node reaches the database and not NATS, because the
// connections are cut, or stand and carry nothing.
func TestPartition(t *testing.T) {
	t.Parallel()
	for name, s := range map[string]state{"cut": cut, "stalled": stalled} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			nats := startNATS(t)
			between := startProxy(t, nats.addr)
			nodes := startNodes(t, newDatabase(t), nats.url(), between.url())
			l := startLoad(t, nodes, pairs)
			carol := nodes[0].SignUp(t, "carol")
			session := mustDial(t, native, nodes[1], carol)
			l.goOn(t, 50)

			between.set(s)
			rig.Until(t, "the gauge says that the bus is down", func() bool { return !nodes[1].busUp(t) })
			nodes[0].signOut(t, carol.Token)
			for range 3 { // each waits for a sweep
				l.goOn(t, 1)
			}
			if !nodes[0].busUp(t) {
				t.Error("the gauge of the other node says that the bus is down")
			}
			between.set(passing)
			rig.Until(t, "the gauge says that the bus is up", func() bool { return nodes[1].busUp(t) })
			if f, err := session.Read(); err == nil || f.Headers["message"] != "token-expired" {
				t.Error("want ERROR token-expired, got", f, err)
			}
			l.goOn(t, 50)
			l.finish(t)
		})
	}
}

// TestPostgresCrash: while the database is away messages are refused with
// -300; when it has recovered, the same nodes go on.
func TestPostgresCrash(t *testing.T) {
	t.Parallel()
	pg, nats := startPostgres(t), startNATS(t)
	nodes := startNodes(t, pg.dsn, repeat(nats.url(), 2)...)
	l := startLoad(t, nodes, pairs)
	for range 3 {
		l.goOn(t, 50)
		pg.crash(t)
	}
	l.goOn(t, 50)
	l.finish(t, -300)
}
