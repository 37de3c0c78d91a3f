package storetest

import (
	"fmt"
	"slices"
	"sync"
	"testing"
	"time"

	"fiberchat.example/fiberchat/chat"
)

// RunOverdue checks chat.OverdueQueue, for stores that offer it. openTwo
// returns two stores on one empty database, as two processes have it, or one
// after a restart, and cleans up with t.Cleanup.
func RunOverdue(t *testing.T, openTwo func(t *testing.T) (a, b chat.Store)) {
	for _, test := range []struct {
		name string
		run  func(q *overdueTest)
	}{
		{"each message is looked at once", testOverdueOnce},
		{"a message waits until it is old enough", testOverdueAfter},
		{"what was stored before the first look", testOverdueBegins},
		{"a long backlog", testOverdueBacklog},
		{"a claim", testOverdueClaim},
		{"a claim of one who comes into the queue again", testOverdueAnother},
		{"a claim that runs out", testOverdueRunsOut},
		{"all at once", testOverdueAtOnce},
	} {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			a, b := openTwo(t)
			test.run(&overdueTest{T: t, stores: [2]chat.Store{a, b}, now: noon})
		})
	}
}

// overdueTest calls its two stores in turn.
type overdueTest struct {
	*testing.T
	stores [2]chat.Store
	calls  int
	now    time.Time
	sent   int
}

// Longer than any store waits for ids that become visible late.
const overdueAfter = time.Minute

func (q *overdueTest) store() chat.Store {
	q.calls++
	return q.stores[q.calls%2]
}

func (q *overdueTest) queue() chat.OverdueQueue { return q.store().(chat.OverdueQueue) }

func (q *overdueTest) send(to int64) chat.Message {
	q.Helper()
	q.sent++
	return mustSave(q, q.store(), message(100, to, fmt.Sprint("m", q.sent), "x"))
}

// look lets time go by and looks, to the end.
func (q *overdueTest) look(later time.Duration) {
	q.Helper()
	q.now = q.now.Add(later)
	for more := true; more; {
		var err error
		if more, err = q.queue().QueueOverdue(q.Context(), q.now, overdueAfter); err != nil {
			q.Fatal("QueueOverdue:", err)
		}
	}
}

// pass makes what was stored up to now old enough.
func (q *overdueTest) pass() {
	q.Helper()
	q.look(2 * time.Second)
	q.look(overdueAfter)
}

func (q *overdueTest) claim(limit int) []chat.OverdueClaim {
	q.Helper()
	claims, err := q.queue().ClaimOverdue(q.Context(), q.now, q.now.Add(time.Minute), limit)
	if err != nil {
		q.Fatal("ClaimOverdue:", err)
	}
	return claims
}

func (q *overdueTest) settle(c chat.OverdueClaim, retry time.Time) {
	q.Helper()
	if err := q.queue().SettleOverdue(q.Context(), c, q.now, retry); err != nil {
		q.Fatal("SettleOverdue:", err)
	}
}

// wantClaims claims all that is due, and leaves it claimed.
func (q *overdueTest) wantClaims(want ...chat.OverdueClaim) []chat.OverdueClaim {
	q.Helper()
	got := q.claim(1000)
	for i := range want {
		want[i].Until = q.now.Add(time.Minute)
	}
	byReceiver := func(a, b chat.OverdueClaim) int { return int(a.ReceiverID - b.ReceiverID) }
	slices.SortFunc(got, byReceiver)
	slices.SortFunc(want, byReceiver)
	if !slices.Equal(got, want) {
		q.Fatalf("claims %+v\nwant   %+v", got, want)
	}
	return got
}

func testOverdueOnce(q *overdueTest) {
	q.look(0)
	q.send(ann)
	last := q.send(ann)
	b := q.send(bob)
	apply(q, q.store(), confirm(chat.Confirmation{ReceiverID: eve, ID: q.send(eve).ID}))
	q.pass()
	for _, c := range q.wantClaims(chat.OverdueClaim{ReceiverID: ann, UpTo: last.ID}, chat.OverdueClaim{ReceiverID: bob, UpTo: b.ID}) {
		q.settle(c, time.Time{})
	}
	q.pass()
	q.wantClaims()
	e := q.send(eve)
	q.pass()
	q.wantClaims(chat.OverdueClaim{ReceiverID: eve, UpTo: e.ID})
}

func testOverdueAfter(q *overdueTest) {
	q.look(0)
	first := q.send(ann)
	q.look(2 * time.Second)
	q.send(bob)
	q.look(overdueAfter - time.Millisecond)
	q.wantClaims()
	q.look(time.Millisecond)
	q.wantClaims(chat.OverdueClaim{ReceiverID: ann, UpTo: first.ID})
}

func testOverdueBegins(q *overdueTest) {
	q.send(ann)
	q.look(0)
	q.pass()
	q.wantClaims()
	b := q.send(bob)
	q.pass()
	q.wantClaims(chat.OverdueClaim{ReceiverID: bob, UpTo: b.ID})
}

func testOverdueBacklog(q *overdueTest) {
	q.look(0)
	const n = 3500
	var want []chat.OverdueClaim
	for done := 0; done < n; {
		ops := make([]chat.Op, 500)
		for i := range ops {
			ops[i] = save(message(100, int64(1000+done%700), fmt.Sprint(done), "x"))
			done++
		}
		for _, r := range apply(q, q.store(), ops...) {
			want = append(want, chat.OverdueClaim{ReceiverID: r.Message.ReceiverID, UpTo: r.Message.ID})
		}
	}
	q.pass()
	q.wantClaims(want[n-700:]...)
}

func testOverdueClaim(q *overdueTest) {
	q.look(0)
	messages := map[int64]chat.Message{}
	for _, user := range []int64{eve, bob, ann} { // due in this order
		messages[user] = q.send(user)
		q.pass()
	}
	first := q.claim(2)
	if len(first) != 2 || first[0].ReceiverID != eve || first[1].ReceiverID != bob || first[0].UpTo != messages[eve].ID {
		q.Fatalf("%+v", first)
	}
	if none := q.claim(0); len(none) > 0 {
		q.Fatalf("%+v", none)
	}
	q.wantClaims(chat.OverdueClaim{ReceiverID: ann, UpTo: messages[ann].ID})
	q.settle(first[0], q.now.Add(10*time.Second)) // eve could not be told
	q.settle(first[1], time.Time{})
	q.now = q.now.Add(10*time.Second - time.Millisecond)
	q.wantClaims()
	q.now = q.now.Add(time.Millisecond)
	again := q.wantClaims(chat.OverdueClaim{ReceiverID: eve, UpTo: messages[eve].ID, Tries: 1})
	q.settle(again[0], q.now)
	again = q.wantClaims(chat.OverdueClaim{ReceiverID: eve, UpTo: messages[eve].ID, Tries: 2})
	q.settle(again[0], time.Time{})
	q.now = q.now.Add(time.Hour)
	q.wantClaims(chat.OverdueClaim{ReceiverID: ann, UpTo: messages[ann].ID})
}

func testOverdueAnother(q *overdueTest) {
	q.look(0)
	q.send(ann)
	q.pass()
	c := q.claim(1)
	second := q.send(ann)
	q.look(2 * time.Second)
	q.now = q.now.Add(-2 * time.Second) // the claim is to last
	for range 2 {
		if _, err := q.queue().QueueOverdue(q.Context(), q.now.Add(overdueAfter+2*time.Second), overdueAfter); err != nil {
			q.Fatal(err)
		}
	}
	q.wantClaims()
	q.settle(c[0], time.Time{})
	q.wantClaims(chat.OverdueClaim{ReceiverID: ann, UpTo: second.ID})
}

func testOverdueRunsOut(q *overdueTest) {
	q.look(0)
	m := q.send(ann)
	q.pass()
	first := q.claim(1)
	q.now = q.now.Add(time.Minute - time.Millisecond)
	q.wantClaims()
	q.now = q.now.Add(time.Millisecond)
	second := q.wantClaims(chat.OverdueClaim{ReceiverID: ann, UpTo: m.ID})
	q.settle(first[0], time.Time{}) // both too late
	q.settle(first[0], q.now)
	q.wantClaims()
	q.settle(second[0], time.Time{})
	q.now = q.now.Add(time.Hour)
	q.wantClaims()
}

// testOverdueAtOnce: however many look and claim, each message leads to one claim.
func testOverdueAtOnce(q *overdueTest) {
	q.look(0)
	const users = 50
	for user := range int64(users) {
		q.send(1000 + user)
	}
	q.look(2 * time.Second)
	now := q.now.Add(overdueAfter)
	var mu sync.Mutex
	times := map[int64]int{}
	var all sync.WaitGroup
	for i := range 6 {
		store := q.stores[i%2].(chat.OverdueQueue)
		all.Go(func() { // awaited below
			for range 20 {
				_, err := store.QueueOverdue(q.Context(), now, overdueAfter)
				if err != nil {
					q.Error("QueueOverdue:", err)
				}
				claims, err := store.ClaimOverdue(q.Context(), now, now.Add(time.Minute), 5)
				if err != nil {
					q.Error("ClaimOverdue:", err)
				}
				mu.Lock()
				for _, c := range claims {
					times[c.ReceiverID]++
				}
				mu.Unlock()
			}
		})
	}
	all.Wait()
	for _, c := range q.claim(users) { // whom everybody wanted at once, so that nobody got them
		times[c.ReceiverID]++
	}
	for user := range int64(users) {
		if n := times[1000+user]; n != 1 {
			q.Errorf("user %d was claimed %d times", 1000+user, n)
		}
	}
}
