package fiberchat_test

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"sync/atomic"
	"testing"

	"fiberchat.example/fiberchat"
	"fiberchat.example/fiberchat/chat"
	"fiberchat.example/fiberchat/storetest"
)

// heldStore stops the reading of messages before it happens.
type heldStore struct {
	*storetest.Memory
	asked, proceed chan struct{}
}

func newHeldStore() *heldStore {
	return &heldStore{storetest.NewMemory(), make(chan struct{}), make(chan struct{})}
}

func (s *heldStore) hold() {
	select {
	case s.asked <- struct{}{}:
		<-s.proceed
	case <-s.proceed:
	}
}

func (s *heldStore) Pending(ctx context.Context, receiverID, afterID int64, limit int) ([]chat.Message, error) {
	s.hold()
	return s.Memory.Pending(ctx, receiverID, afterID, limit)
}

func (s *heldStore) Inbox(ctx context.Context, receiverID, afterID int64, limit int) ([]chat.Message, error) {
	s.hold()
	return s.Memory.Inbox(ctx, receiverID, afterID, limit)
}

// open returns the contents of what bob has not confirmed.
func (s *heldStore) open(t *testing.T) (contents []string) {
	t.Helper()
	left, err := s.Memory.Pending(t.Context(), 2, 0, 100)
	if err != nil {
		t.Fatal(err)
	}
	for _, m := range left {
		contents = append(contents, m.Content)
	}
	return contents
}

// untilReceipt returns the chatIDs that come before the RECEIPT of an init.
func (c *client) untilReceipt() (ids []string) {
	c.t.Helper()
	for {
		f := c.next()
		if f.Command == "RECEIPT" {
			return ids
		}
		ids = append(ids, f.message(c.t).ChatID)
	}
}

// An init that has read nothing yet does not make the session forget what it
// was sent: with one msgID of two senders, what was seen is confirmed.
func TestConfirmWhileAnInitReads(t *testing.T) {
	t.Parallel()
	store := newHeldStore()
	s := serve(t, fiberchat.Config{Store: store})
	a, c := online(t, s.addr, "alice"), online(t, s.addr, "carol")
	c.tell("m", 2, "unseen")
	b := online(t, s.addr, "bob")
	a.tell("m", 2, "seen")
	b.message("/user/bob/recive")
	b.init()
	<-store.asked
	b.confirmed("m", 0)
	if got := store.open(t); !slices.Equal(got, []string{"unseen"}) {
		t.Error("not confirmed:", got)
	}
	close(store.proceed)
	if got := b.untilReceipt(); len(got) != 1 {
		t.Error("replayed:", got)
	}
}

func TestConfirmAfterSubscribingAnew(t *testing.T) {
	t.Parallel()
	s := serve(t, fiberchat.Config{})
	a, c := online(t, s.addr, "alice"), online(t, s.addr, "carol")
	c.tell("m", 2, "unseen")
	b := connect(t, s.addr, "t-bob")
	b.subscribe(receiveStatus)
	id := b.subscribe("/user/bob/recive")
	a.tell("m", 2, "seen")
	b.message("/user/bob/recive")
	b.unsubscribe(id)
	b.subscribe("/user/bob/recive")
	b.confirmed("m", 0)
	b.init()
	if got := b.message("/user/bob/recive").message(t).Content; got != "unseen" {
		t.Error("left:", got)
	}
	b.receipt("init")
}

// Each of a user's sessions gets a message, also one that reads when another
// confirms it.
func TestMessageConfirmedByAnotherSession(t *testing.T) {
	t.Parallel()
	store := newHeldStore()
	fill(t, store.Memory, 0, 40, "x")
	s := serve(t, fiberchat.Config{Store: store})
	a, one, two := online(t, s.addr, "alice"), online(t, s.addr, "bob"), online(t, s.addr, "bob")
	two.init()
	<-store.asked
	a.tell("m40", 2, "x")
	m := one.message("/user/bob/recive").message(t)
	one.confirmed("m40", m.ID)
	close(store.proceed)
	two.untilReceipt()
	for _, want := range []string{"m40", "m41"} {
		if want == "m41" {
			a.tell("m41", 2, "x")
		}
		if got := two.message("/user/bob/recive").message(t); got.ChatID != want {
			t.Errorf("got %s, want %s", got.ChatID, want)
		}
	}
}

func TestMessageConfirmedOnAnotherNode(t *testing.T) {
	t.Parallel()
	c := newCluster(t, 2, openStore(t))
	one, two := c.online(t, 0, "bob"), c.online(t, 1, "bob")
	c.buses[1].cut()
	a := c.online(t, 0, "alice")
	a.tell("m1", 2, "x")
	m := one.message("/user/bob/recive").message(t)
	one.confirmed("m1", m.ID)
	c.buses[1].mend()
	a.tell("m2", 2, "x")
	for _, want := range []string{"m1", "m2"} {
		if got := two.message("/user/bob/recive").message(t).ChatID; got != want {
			t.Errorf("got %s, want %s", got, want)
		}
	}
	two.nothing()
}

// Subscribing anew while an init reads brings nothing twice.
func TestSubscribingAnewWhileAnInitReads(t *testing.T) {
	t.Parallel()
	for _, bus := range []bool{false, true} {
		t.Run(fmt.Sprint("bus ", bus), func(t *testing.T) {
			t.Parallel()
			store := newHeldStore()
			fill(t, store.Memory, 0, 5, "x")
			cfg := fiberchat.Config{Store: store}
			if bus {
				cfg.Bus = new(broker).join(t)
			}
			s := serve(t, cfg)
			b := connect(t, s.addr, "t-bob")
			id := b.subscribe("/user/bob/recive")
			b.init()
			<-store.asked
			b.unsubscribe(id)
			b.subscribe("/user/bob/recive")
			online(t, s.addr, "alice").tell("m5", 2, "x")
			close(store.proceed)
			seen := make(map[string]int)
			for seen["m5"] == 0 {
				if f := b.next(); f.Command == "MESSAGE" {
					seen[f.message(t).ChatID]++
				}
			}
			b.init()
			b.untilReceiptOrMessages(seen)
			for _, id := range names(0, 6) {
				if seen[id] != 2 { // once for each init
					t.Errorf("%s came %d times for two inits", id, seen[id])
				}
			}
		})
	}
}

// untilReceiptOrMessages counts what comes until the receipt of the last init.
func (c *client) untilReceiptOrMessages(seen map[string]int) {
	c.t.Helper()
	c.raw("UNSUBSCRIBE\nid:none\n\n\x00DISCONNECT\nreceipt:bye\n\n\x00")
	for {
		f := c.next()
		if f.Headers["receipt-id"] == "bye" {
			return
		}
		if f.Command == "MESSAGE" {
			seen[f.message(c.t).ChatID]++
		}
	}
}

// Copies of a large message for many subscriptions are no reason to cut a
// client that reads, live or by init.
func TestLargeMessageToManySubscriptions(t *testing.T) {
	t.Parallel()
	const copies = 32
	s := serve(t, fiberchat.Config{})
	a, b := online(t, s.addr, "alice"), connect(t, s.addr, "t-bob")
	for range copies {
		b.subscribe("/user/bob/recive")
	}
	text := strings.Repeat("中", 16<<10)
	a.tell("m1", 2, text)
	for range copies {
		if got := b.message("/user/bob/recive").message(t); got.Content != text {
			t.Fatal("got", len(got.Content), "bytes")
		}
	}
	if got := b.pending(); len(got) != copies {
		t.Error("by init came", len(got))
	}
}

// With a bus ids of different receivers become visible in any order: after a
// commit that failed the sessions look at all that they were not sent.
func TestFailedCommitHidesNothing(t *testing.T) {
	t.Parallel()
	store := &faultySweeper{Memory: storetest.NewMemory()}
	c := newCluster(t, 1, store)
	a, b := c.online(t, 0, "alice"), c.online(t, 0, "bob")
	fill(t, store.Memory, 0, 1, "by another node, whose publication is lost")
	a.tell("c1", 3, "x")
	store.fail(true)
	a.say("b1", 2, "fails")
	a.tryAgain("b1")
	store.fail(false)
	if got := b.message("/user/bob/recive").message(t).ChatID; got != "m0" {
		t.Error("got", got)
	}
}

// TestDeliveredAfterAnUnknownOutcome: the repetition notifies the sender.
func TestDeliveredAfterAnUnknownOutcome(t *testing.T) {
	t.Parallel()
	store := &faultyStore{Store: openStore(t)}
	s := serve(t, fiberchat.Config{Store: store})
	a, b := online(t, s.addr, "alice"), online(t, s.addr, "bob")
	a.subscribe("/user/queue/delivered")
	a.tell("m1", 2, "x")
	b.message("/user/bob/recive")
	store.breakApply(store.storedAllTheSame)
	b.confirm("m1", 0)
	b.tryAgain("m1")
	store.breakApply(nil)
	b.confirmed("m1", 0)
	if f := a.message("/user/queue/delivered"); !strings.Contains(f.Body, `"msgID":"m1"`) {
		t.Error("got", f)
	}
}

// secondPageFails cannot read on after the first page of a replay.
type secondPageFails struct {
	*storetest.Memory
	bad atomic.Bool
}

func (s *secondPageFails) Pending(ctx context.Context, receiverID, afterID int64, limit int) ([]chat.Message, error) {
	if afterID > 0 && s.bad.Load() {
		return nil, errSecret
	}
	return s.Memory.Pending(ctx, receiverID, afterID, limit)
}

// What an init that failed half-way has not sent is not confirmed in place of
// what came live.
func TestConfirmAfterHalfAnInit(t *testing.T) {
	t.Parallel()
	store := &secondPageFails{Memory: storetest.NewMemory()}
	s := serve(t, fiberchat.Config{Store: store})
	fill(t, store.Memory, 0, 40, "x")
	a, c := online(t, s.addr, "alice"), online(t, s.addr, "carol")
	c.tell("m", 2, "unseen")
	b := online(t, s.addr, "bob")
	store.bad.Store(true)
	b.send("/socket/chat/init", "")
	f := b.next()
	for f.Headers["destination"] == "/user/bob/recive" {
		f = b.next()
	}
	if f.Headers["destination"] != failures || !strings.Contains(f.Body, `"code":-300`) {
		t.Fatal("got", f)
	}
	store.bad.Store(false)
	a.tell("m", 2, "seen")
	if got := b.message("/user/bob/recive").message(t).Content; got != "seen" {
		t.Fatal("got", got)
	}
	b.confirmed("m", 0)
	left, err := store.Memory.Pending(t.Context(), 2, 40, 100)
	if err != nil || len(left) != 1 || left[0].Content != "unseen" {
		t.Error("left:", left, err)
	}
}

// With a bus an init brings also what nobody has published yet, and what
// another session confirmed since this one listens.
func TestInitOfWhatWasNotPublished(t *testing.T) {
	t.Parallel()
	c := newCluster(t, 2, openStore(t))
	one, two := c.online(t, 0, "bob"), c.online(t, 1, "bob")
	two.pending()
	c.buses[1].cut()
	a := c.online(t, 0, "alice")
	a.tell("m1", 2, "x")
	a.tell("m2", 2, "x")
	m := one.message("/user/bob/recive").message(t)
	one.message("/user/bob/recive")
	one.confirmed("m1", m.ID)
	// Catching up may have brought both a moment before; then m2 comes again.
	if got := strings.Join(two.pending(), " "); got != "m1 m2" && got != "m1 m2 m2" {
		t.Error("init brought", got)
	}
	c.buses[1].mend()
}
