package fiberchat

import (
	"context"
	"fmt"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"fiberchat.example/fiberchat/chat"
	"fiberchat.example/fiberchat/storetest"
)

// A bucket outlives what made it, and goes when it is full again.
func TestLimiterForgets(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		waits := 0
		l := newLimiter(10, 40, func() { waits++ }) // bursts of 40
		start := time.Now()
		for range 40 {
			if l.take(1, 1, nil); waits > 0 {
				t.Fatal("has to wait within the burst")
			}
		}
		l.prune()
		if !l.take(1, 1, nil) || time.Since(start) != 100*time.Millisecond || waits != 1 {
			t.Error("after the burst one waits", time.Since(start))
		}
		time.Sleep(3900 * time.Millisecond)
		if l.prune(); len(l.buckets) != 1 {
			t.Error("a bucket that is not full was forgotten")
		}
		time.Sleep(200 * time.Millisecond)
		if l.prune(); len(l.buckets) != 0 {
			t.Error("a full bucket is kept")
		}
	})
}

// What costs tokens afterwards is waited for before the next; a session that
// ends while it waits takes none.
func TestLimiterDebt(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		l := newLimiter(10, 40, func() {})
		for range 43 {
			l.charge(1, 1)
		}
		start := time.Now()
		if !l.await(2, nil) || time.Since(start) > 0 {
			t.Error("another user waits")
		}
		if !l.await(1, nil) || time.Since(start) != 400*time.Millisecond {
			t.Error("three beyond the burst and one to come take", time.Since(start))
		}
		over := make(chan struct{})
		close(over)
		l.take(1, 1, nil)
		for range 100 {
			if l.take(1, 1, over) {
				t.Error("does not wait")
			}
		}
		start = time.Now()
		if l.take(1, 1, nil); time.Since(start) > 100*time.Millisecond {
			t.Error("sessions that ended cost", time.Since(start))
		}
	})
}

func TestRevocationsAreBounded(t *testing.T) {
	t.Parallel()
	rs := revocations{times: make(map[revoked]time.Time)}
	now := time.Now()
	for i := range maxRevoked + 10 {
		rs.add(revocation{revoked{revokedToken, fmt.Sprint(i)}, now.Add(time.Duration(i % 2 * int(time.Hour)))})
	}
	rs.prune(now)
	if n := len(rs.all()); n != maxRevoked {
		t.Errorf("%d are kept", n)
	}
	rs.prune(now.Add(keepRevoked + time.Minute))
	if n := len(rs.all()); n != maxRevoked/2 {
		t.Errorf("%d are kept after their hour", n)
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
	ch := openChat(t, store, quiet())
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
	up := ch.hub.Of(1)[0]
	for len(up.inFlight) < maxInFlight { // the reader is on its way there
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

// A user who is disconnected while the answer to the upgrade waits in a full
// socket is not missed.
func TestDisconnectWhileAnUpgradeWaits(t *testing.T) {
	t.Parallel()
	ch := openChat(t, storetest.NewMemory(), quiet())
	c, asked := newPipe(), time.Now()
	ch.Disconnect(1)
	go ch.serve(c, chat.Identity{User: chat.User{ID: 1, Name: "u1"}}, "pipe", "", asked) // Close waits for it
	c.want(t, "message:disconnected")
}

// countingStore notes how often it counts.
type countingStore struct {
	*storetest.Memory
	counts int
}

func (s *countingStore) CountPending(ctx context.Context, receiverID int64, atMost int) (int, error) {
	s.counts++
	return s.Memory.CountPending(ctx, receiverID, atMost)
}

// The limit holds to the message, and far from it hardly anything is counted.
func TestPendingIsCountedSeldom(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) { // in which no second passes
		store := &countingStore{Memory: storetest.NewMemory()}
		cfg := pipeConfig(store, quiet())
		cfg.Limits.Pending = 1000
		ch := openConfig(t, cfg)
		save := func(i int) {
			if _, err := store.Apply(t.Context(), []chat.Op{{Save: &chat.Message{ChatID: fmt.Sprint("m", i), SenderID: 1, ReceiverID: 2, Content: "x"}}}); err != nil {
				t.Fatal(err)
			}
		}
		for i := range 1000 {
			if _, f := ch.checkSend(chat.User{ID: 1}, 2); f != nil {
				t.Fatalf("message %d: %v", i, f)
			}
			save(i)
		}
		if store.counts > 11 {
			t.Errorf("counted %d times", store.counts)
		}
		refused := func() {
			t.Helper()
			for range 50 {
				if _, f := ch.checkSend(chat.User{ID: 1}, 2); f != failPending {
					t.Error("one more:", f)
				}
			}
		}
		store.counts = 0
		refused()
		c := ch.listen(t, 2)
		for i := range 3 {
			c.in <- fmt.Sprintf("SEND\ndestination:/socket/chat/recive\n\n"+`{"msgID":"m%d"}`+"\x00", i)
		}
		c.in <- "DISCONNECT\nreceipt:done\n\n\x00" // after them
		c.want(t, "receipt-id:done")
		for range 3 {
			if _, f := ch.checkSend(chat.User{ID: 1}, 2); f != nil {
				t.Error("after a confirmation:", f)
			}
		}
		refused()
		if store.counts > 1 {
			t.Errorf("counted %d times while there was no room", store.counts)
		}
	})
}

// A store that cannot count has no limit unless one is asked for.
func TestPendingByDefault(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		store       chat.Store
		limit, want int
		refused     bool
	}{
		{storetest.NewMemory(), 0, 10_000, false}, {storetest.NewMemory(), 7, 7, false}, {storetest.NewMemory(), -1, 0, false},
		{struct{ chat.Store }{storetest.NewMemory()}, 0, 0, false}, {struct{ chat.Store }{storetest.NewMemory()}, -1, 0, false},
		{struct{ chat.Store }{storetest.NewMemory()}, 7, 0, true},
	} {
		cfg := pipeConfig(c.store, quiet())
		cfg.Limits.Pending = c.limit
		cfg = cfg.withDefaults()
		if err := cfg.resolve(); (err != nil) != c.refused || err == nil && cfg.Limits.Pending != c.want {
			t.Errorf("%T, %d: the limit is %d, %v", c.store, c.limit, cfg.Limits.Pending, err)
		}
	}
}

// Beyond the burst bytes are taken as fast as the rate has it, all of them and
// in order; others do not wait.
func TestByteRate(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		cfg := pipeConfig(storetest.NewMemory(), quiet())
		cfg.Limits.SendBytes = 0 // 64 KiB, bursts of 1 MiB
		ch := openConfig(t, cfg)
		a, b, c := ch.listen(t, 1), ch.listen(t, 2), ch.listen(t, 3)
		send := func(i, to int) string {
			return fmt.Sprintf("SEND\ndestination:/socket/chat/send\n\n"+`{"msgID":"m%d","reciverId":%d,"content":%q}`+"\x00", i, to, strings.Repeat("x", 48<<10))
		}
		const n = 40 // 1.875 MiB
		start := time.Now()
		for i := range n {
			go func() { a.in <- send(i, 2) }() // the pipe holds ten
			synctest.Wait()
		}
		c.in <- send(0, 1)
		a.want(t, `"m0"`)
		if took := time.Since(start); took > 0 {
			t.Error("another user waited", took)
		}
		for i := range n {
			b.want(t, fmt.Sprintf(`"m%d"`, i))
		}
		if took := time.Since(start).Round(time.Second); took != 14*time.Second {
			t.Error("the rest of the burst's took", took)
		}
	})
}
