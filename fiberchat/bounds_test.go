package fiberchat

import (
	"context"
	"fmt"
	"testing"
	"testing/synctest"
	"time"

	"fiberchat.example/fiberchat/chat"
	"fiberchat.example/fiberchat/storetest"
)

// A bucket outlives what made it, and goes when it is full again.
func TestSendLimiterForgets(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		l := newSendLimiter(10) // bursts of 40
		for range 40 {
			if ok, _ := l.allow(1); !ok {
				t.Fatal("refused within the burst")
			}
		}
		l.sweep()
		if ok, _ := l.allow(1); ok {
			t.Error("the sweep refilled the bucket")
		}
		time.Sleep(3900 * time.Millisecond)
		if l.sweep(); len(l.buckets) != 1 {
			t.Error("a bucket that is not full was forgotten")
		}
		time.Sleep(200 * time.Millisecond)
		if l.sweep(); len(l.buckets) != 0 {
			t.Error("a full bucket is kept")
		}
	})
}

func TestEndingsAreBounded(t *testing.T) {
	t.Parallel()
	ch := newNode(t, storetest.NewMemory(), quiet())
	now := time.Now()
	for i := range maxEndings + 10 {
		ch.remember(endingAt{ending{endToken, fmt.Sprint(i)}, now.Add(time.Duration(i % 2 * int(time.Hour)))})
	}
	ch.forgetEndings(now)
	if n := len(ch.knownEndings()); n != maxEndings {
		t.Errorf("%d endings are kept", n)
	}
	ch.forgetEndings(now.Add(rememberFor + time.Minute))
	if n := len(ch.knownEndings()); n != maxEndings/2 {
		t.Errorf("%d endings are kept after their hour", n)
	}
}

// gatedStore carries nothing out until its gate is open.
type gatedStore struct {
	*storetest.Memory
	gate chan struct{}
}

func (s gatedStore) Apply(ctx context.Context, ops []chat.Op) ([]chat.Result, error) {
	<-s.gate
	return s.Memory.Apply(ctx, ops)
}

// With so many operations at the store, a session's next frame waits.
func TestOperationsInFlight(t *testing.T) {
	t.Parallel()
	store := gatedStore{storetest.NewMemory(), make(chan struct{})}
	ch := newNode(t, store, quiet())
	c := ch.listen(t, 1)
	send := func(i int) string {
		return fmt.Sprintf("SEND\ndestination:/socket/chat/send\n\n"+`{"msgID":"m%d","reciverId":2,"content":"x"}`+"\x00", i)
	}
	all := ""
	for i := range maxInFlight {
		all += send(i)
	}
	c.in <- all + "UNSUBSCRIBE\nid:none\nreceipt:full\n\n\x00" + send(maxInFlight) + "UNSUBSCRIBE\nid:none\nreceipt:beyond\n\n\x00"
	c.want(t, "receipt-id:full")
	p := ch.hub.Of(1)[0]
	for len(p.slots) < maxInFlight { // the reader is on its way there
		<-time.After(time.Millisecond)
	}
	select {
	case f := <-c.out:
		t.Errorf("%d operations are at the store, and the session goes on: %q", maxInFlight, f)
	case <-time.After(50 * time.Millisecond):
	}
	close(store.gate)
	c.want(t, "receipt-id:beyond")
}
