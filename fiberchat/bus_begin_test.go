package fiberchat_test

import (
	"context"
	"fmt"
	"strings"
	"testing"

	"fiberchat.example/fiberchat/chat"
	"fiberchat.example/fiberchat/storetest"
)

// watchedStore tells when pages for bob are asked for.
type watchedStore struct {
	*storetest.Memory
	pending chan struct{}
}

func (s watchedStore) Pending(ctx context.Context, receiverID, afterID int64, limit int) ([]chat.Message, error) {
	if receiverID == 2 {
		select {
		case s.pending <- struct{}{}:
		default:
		}
	}
	return s.Memory.Pending(ctx, receiverID, afterID, limit)
}

// TestInitReadsAfterTheSubscriptionStands: what is stored between the two
// would be neither read nor hinted at.
func TestInitReadsAfterTheSubscriptionStands(t *testing.T) {
	t.Parallel()
	store := watchedStore{storetest.NewMemory(), make(chan struct{}, 1)}
	c := newCluster(t, 2, store)
	asked, stands := make(chan struct{}), make(chan struct{})
	c.set(func() {
		c.buses[1].before = func(_ context.Context, topic string) error {
			if topic == "fiberchat.user.2" {
				close(asked)
				<-stands
			}
			return nil
		}
	})
	b := native.dial(t, c.nodes[1].addr, "t-bob")
	<-asked
	b.raw("CONNECT\naccept-version:1.2\nhost:x\n\n\x00" +
		"SUBSCRIBE\nid:s1\ndestination:/user/bob/recive\n\n\x00SEND\ndestination:/socket/chat/init\nreceipt:init\n\n\x00")
	a := c.online(t, 0, "alice")
	a.tell("m1", 2, "x")
	if len(store.pending) > 0 {
		t.Error("the store was read before the subscription stood")
	}
	c.set(func() { c.buses[1].before = nil })
	close(stands)
	if f := b.next(); f.Command != "CONNECTED" {
		t.Fatal("got", f)
	}
	if got := b.message("/user/bob/recive").message(t).ChatID; got != "m1" {
		t.Error("got", got)
	}
	b.receipt("init")
	a.tell("m2", 2, "x")
	if got := b.message("/user/bob/recive").message(t).ChatID; got != "m2" {
		t.Error("got", got)
	}
	b.nothing()
}

// lateStore makes messages of content "late" visible after others that got
// higher ids, as a database does whose transactions take their time.
type lateStore struct {
	*storetest.Memory
	got     chan struct{} // the message has its id
	visible chan struct{} // closed when others see it
}

func (s *lateStore) late() bool {
	select {
	case <-s.visible:
		return false
	default:
		return true
	}
}

func (s *lateStore) Apply(ctx context.Context, ops []chat.Op) ([]chat.Result, error) {
	results, err := s.Memory.Apply(ctx, ops)
	if op := ops[0]; op.Save != nil && op.Save.Content == "late" {
		s.got <- struct{}{}
		<-s.visible
	}
	return results, err
}

func (s *lateStore) Pending(ctx context.Context, receiverID, afterID int64, limit int) ([]chat.Message, error) {
	page, err := s.Memory.Pending(ctx, receiverID, afterID, limit)
	if s.late() && len(page) > 0 && page[0].Content == "late" {
		page = page[1:]
	}
	return page, err
}

func (s *lateStore) Received(ctx context.Context, receiverID, afterID int64, limit int) ([]chat.Message, error) {
	page, err := s.Memory.Received(ctx, receiverID, afterID, limit)
	if s.late() && len(page) > 0 && page[0].Content == "late" {
		page = page[1:]
	}
	return page, err
}

func (s *lateStore) NewestOf(ctx context.Context, receiverID int64) (int64, error) {
	if s.late() {
		return 0, nil
	}
	return s.Memory.NewestOf(ctx, receiverID)
}

// TestMessageThatBecomesVisibleLate: ids are in order for each receiver, and
// for nobody else. A session that began after a higher id of another receiver
// gets it all the same.
func TestMessageThatBecomesVisibleLate(t *testing.T) {
	t.Parallel()
	for _, init := range []bool{false, true} {
		t.Run(fmt.Sprint("init ", init), func(t *testing.T) {
			t.Parallel()
			store := &lateStore{storetest.NewMemory(), make(chan struct{}), make(chan struct{})}
			c := newCluster(t, 2, store)
			a, other := c.online(t, 0, "alice"), c.online(t, 1, "carol")
			a.say("m1", 2, "late")
			<-store.got
			other.tell("m2", 4, "x")
			b := c.online(t, 1, "bob")
			if init {
				if left := b.pending(); len(left) > 0 {
					t.Fatal("pending:", left)
				}
			}
			close(store.visible)
			a.message(sendStatus).wantBody(t, success("m1"))
			if got := b.message("/user/bob/recive").message(t).ChatID; got != "m1" {
				t.Error("got", got)
			}
			b.nothing()
		})
	}
}

// TestLiveBeginsAtTheSubscription: a session that does not ask for an init
// gets nothing of what was stored before it.
func TestLiveBeginsAtTheSubscription(t *testing.T) {
	t.Parallel()
	c := newCluster(t, 2, openStore(t))
	a := c.online(t, 0, "alice")
	a.tell("m1", 2, "before")
	b := c.online(t, 1, "bob")
	a.tell("m2", 2, "after")
	if got := b.message("/user/bob/recive").message(t).ChatID; got != "m2" {
		t.Error("got", got)
	}
	b.nothing()
	if left := strings.Join(b.pending(), " "); left != "m1 m2" {
		t.Error("pending:", left)
	}
}
