package storetest

import (
	"slices"
	"sync"
	"testing"
	"time"

	"fiberchat.example/fiberchat/chat"
)

// RunPresence checks chat.PresenceStore, for stores that offer it. open returns
// an empty store, a fresh one at each call, and cleans up with t.Cleanup.
func RunPresence(t *testing.T, open func(t *testing.T) chat.Store) {
	for _, test := range []struct {
		name string
		run  func(*testing.T, presenceStore)
	}{
		{"users come and go", testComeAndGo},
		{"last seen", testLastSeen},
		{"dead nodes", testDeadNodes},
		{"bury dead nodes", testBuryNodes},
		{"a node that was buried alive", testBuriedAlive},
		{"many at once", testManyAtOnce},
		{"many nodes at once", testManyNodes},
	} {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			test.run(t, presenceStore{open(t).(chat.PresenceStore)})
		})
	}
}

type presenceStore struct{ chat.PresenceStore }

// The nodes of the tests. Their numbers are any.
const (
	north int64 = 1<<63 - 1
	south int64 = -1 << 63
	third int64 = 0
)

func online(userID int64) chat.Presence { return chat.Presence{UserID: userID, Online: true} }

func left(userID int64, at time.Time) chat.Presence {
	return chat.Presence{UserID: userID, LastSeen: at}
}

func (s presenceStore) save(t *testing.T, node int64, wantAlive bool, changes ...chat.Presence) {
	t.Helper()
	if alive, err := s.SavePresence(t.Context(), node, changes); err != nil || alive != wantAlive {
		t.Fatalf("save presence of node %d: alive %v, %v, want %v", node, alive, err, wantAlive)
	}
}

func (s presenceStore) read(t *testing.T, except int64, timeout time.Duration, ids ...int64) []chat.Presence {
	t.Helper()
	found, err := s.Presence(t.Context(), except, timeout, ids)
	if err != nil {
		t.Fatal("presence:", err)
	}
	slices.SortFunc(found, func(a, b chat.Presence) int { return int(a.UserID - b.UserID) })
	return found
}

// want compares what is known of ann, bob and eve.
func (s presenceStore) want(t *testing.T, except int64, timeout time.Duration, want ...chat.Presence) {
	t.Helper()
	if got := s.read(t, except, timeout, ann, bob, eve); !slices.Equal(got, want) {
		t.Fatalf("presence %+v, want %+v", got, want)
	}
}

func (s presenceStore) bury(t *testing.T, timeout time.Duration, limit int) {
	t.Helper()
	for range 100 {
		more, err := s.BuryNodes(t.Context(), timeout, limit)
		if err != nil {
			t.Fatal("bury:", err)
		}
		if !more {
			return
		}
	}
	t.Fatal("there is always more to bury")
}

func testComeAndGo(t *testing.T, s presenceStore) {
	s.want(t, third, time.Hour)
	s.save(t, north, false)
	s.want(t, third, time.Hour)
	s.save(t, north, true, online(ann), online(bob))
	s.want(t, third, time.Hour, online(ann), online(bob))
	s.want(t, north, time.Hour) // there it is known without the store
	s.save(t, south, false, online(bob), online(eve))
	s.want(t, north, time.Hour, online(bob), online(eve))
	s.save(t, north, true, online(ann), left(bob, noon)) // online again is no change
	s.want(t, third, time.Hour, online(ann), chat.Presence{UserID: bob, Online: true, LastSeen: noon}, online(eve))
	s.save(t, south, true, left(bob, noon.Add(time.Second)), left(eve, noon))
	s.want(t, third, time.Hour, online(ann), left(bob, noon.Add(time.Second)), left(eve, noon))
	s.save(t, south, true, left(ann, noon)) // who was not there
	s.want(t, third, time.Hour, chat.Presence{UserID: ann, Online: true, LastSeen: noon}, left(bob, noon.Add(time.Second)), left(eve, noon))
	if got := s.read(t, third, time.Hour); len(got) > 0 {
		t.Error("presence of nobody:", got)
	}
	if got := s.read(t, third, time.Hour, ann, ann, 99, ann); len(got) != 1 {
		t.Error("asked about one three times:", got)
	}
}

func testLastSeen(t *testing.T, s presenceStore) {
	s.save(t, north, false, left(ann, noon.In(time.FixedZone("", 3600)).Add(time.Microsecond)))
	s.want(t, third, time.Hour, left(ann, noon))
	s.save(t, north, true, left(ann, noon.Add(-time.Minute))) // of a node that was slow to say so
	s.want(t, third, time.Hour, left(ann, noon))
	s.save(t, north, true, left(ann, noon.Add(time.Minute)))
	s.want(t, third, time.Hour, left(ann, noon.Add(time.Minute)))
}

// A time-out of nothing makes every node dead, one of an hour none.
func testDeadNodes(t *testing.T, s presenceStore) {
	s.save(t, north, false, online(ann), online(bob), left(eve, noon))
	s.save(t, south, false, left(bob, time.Now().Add(time.Hour)))
	s.want(t, third, time.Hour, online(ann), chat.Presence{UserID: bob, Online: true, LastSeen: s.read(t, third, time.Hour, bob)[0].LastSeen}, left(eve, noon))
	for _, p := range s.read(t, third, 0, ann, bob, eve) {
		if p.Online {
			t.Errorf("%+v: the node is dead", p)
		}
		if ago := time.Since(p.LastSeen); p.UserID == ann && ago.Abs() > time.Minute || p.UserID == bob && ago > -50*time.Minute || p.UserID == eve && !p.LastSeen.Equal(noon) {
			t.Errorf("%+v was last seen %v ago", p, ago)
		}
	}
}

func testBuryNodes(t *testing.T, s presenceStore) {
	s.bury(t, 0, 10)
	s.save(t, north, false, online(ann), online(bob), left(eve, noon))
	s.save(t, south, false, online(ann))
	before := s.read(t, third, time.Hour, ann, bob, eve)
	s.bury(t, time.Hour, 10)
	s.want(t, third, time.Hour, before...)
	dead := s.read(t, third, 0, ann, bob, eve)
	if more, err := s.BuryNodes(t.Context(), 0, 1); !more || err != nil {
		t.Fatal("bury one user of three:", more, err)
	}
	if got := s.read(t, third, 0, ann, bob, eve); !slices.Equal(got, dead) {
		t.Errorf("half-buried: %+v, want %+v", got, dead)
	}
	s.bury(t, 0, 1)
	s.want(t, third, time.Hour, dead...)
	if more, err := s.BuryNodes(t.Context(), 0, 1); more || err != nil {
		t.Error("after the last one:", more, err)
	}
	s.save(t, north, false, online(bob)) // what was buried is not known
}

func testBuriedAlive(t *testing.T, s presenceStore) {
	s.save(t, north, false, online(ann), online(bob), online(eve))
	s.save(t, north, true)
	if more, err := s.BuryNodes(t.Context(), 0, 1); !more || err != nil {
		t.Fatal("bury one user of three:", more, err)
	}
	s.save(t, north, false) // it hears of it
	s.save(t, north, true, online(ann), online(bob), online(eve))
	s.bury(t, time.Hour, 1)
	for _, p := range s.read(t, third, time.Hour, ann, bob, eve) {
		if !p.Online {
			t.Errorf("%+v is online", p)
		}
	}
	s.save(t, north, true)
}

func testManyAtOnce(t *testing.T, s presenceStore) {
	const n = 3500
	var come, gone []chat.Presence
	ids := make([]int64, n)
	for i := range ids {
		ids[i] = chat.MaxUserID - int64(i) // descending
		come, gone = append(come, online(ids[i])), append(gone, left(ids[i], noon.Add(time.Duration(i)*time.Second)))
	}
	s.save(t, north, false, come...)
	s.save(t, south, false, come[:n/2]...)
	s.save(t, north, true, gone...)
	found := s.read(t, third, time.Hour, ids[n/2-500:n/2+500]...)
	if len(found) != 1000 {
		t.Fatal(len(found), "users were found")
	}
	for i, p := range found {
		if k := n/2 + 499 - i; p.UserID != ids[k] || p.Online != (k < n/2) || !p.LastSeen.Equal(gone[k].LastSeen) {
			t.Fatalf("%+v, want %+v", p, gone[k])
		}
	}
	s.bury(t, 0, 100)
	for _, p := range s.read(t, third, time.Hour, ids[:1000]...) {
		if p.Online {
			t.Fatalf("%+v: its node is buried", p)
		}
	}
}

// testManyNodes lets users go from node to node while these are buried alive.
func testManyNodes(t *testing.T, s presenceStore) {
	const nodes, users, rounds = 4, 50, 15
	save := func(node int64, here func(userID int64) bool) {
		var changes []chat.Presence
		for id := int64(users); id > 0; id-- {
			changes = append(changes, chat.Presence{UserID: id, Online: here(id), LastSeen: noon})
		}
		if _, err := s.SavePresence(t.Context(), node, changes); err != nil {
			t.Errorf("node %d: %v", node, err)
		}
	}
	var all sync.WaitGroup
	for node := range int64(nodes) {
		all.Go(func() { // ends with its loop; awaited below
			for round := range int64(rounds) {
				save(node, func(id int64) bool { return (id+round)%nodes == node })
				if _, err := s.BuryNodes(t.Context(), 0, 10); err != nil {
					t.Error("bury:", err)
				}
				if _, err := s.Presence(t.Context(), third, time.Hour, []int64{round, node}); err != nil {
					t.Error("presence:", err)
				}
			}
		})
	}
	all.Wait()
	for node := range int64(nodes) {
		save(node, func(id int64) bool { return id%nodes == node })
	}
	ids := make([]int64, users)
	for i := range ids {
		ids[i] = int64(i) + 1
	}
	for _, p := range s.read(t, nodes-1, time.Hour, ids...) {
		if p.Online != (p.UserID%nodes < nodes-1) || p.LastSeen.Before(noon) {
			t.Errorf("%+v", p)
		}
	}
}
