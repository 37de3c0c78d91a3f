package crash

import (
	"fmt"
	"math"
	"runtime"
	"testing"

	"fiberchat.example/_example/rig"
	"fiberchat.example/fiberchat/chattest"
)

// TestBacklog: an init with very many messages pending needs little memory,
// and neither others nor the receiver's own confirmations wait for it.
//
// Not parallel: it measures the heap of the process.
func TestBacklog(t *testing.T) {
	s := serve(t)
	a, b := user(1), user(2)
	pending := size(200_000, 50_000, 10_000)
	s.fill(t, a, b, pending)

	others := connectBoth(t, s.addr, user(3), user(4))
	receiver, err := connect(s.addr, b.Token, narrow)
	if err != nil {
		t.Fatal(err)
	}
	defer receiver.Cut()
	if err := receiver.Subscribe(chattest.Inbox(b.ID)); err != nil {
		t.Fatal(err)
	}
	idle := heap()
	if err := receiver.Init(initDone); err != nil {
		t.Fatal(err)
	}

	const looks = 10
	highest, came, confirmed := uint64(0), 0, 0
	last := int64(0)
	_, err = receiver.Until(func(f chattest.Frame) bool {
		switch {
		case f.On(chattest.ReceiveStatus):
			confirmed++
		case f.IsMessage():
			m, err := f.Message()
			if err != nil || m.ID <= last || m.ChatID != fmt.Sprintf("%040x", came) {
				t.Fatalf("message %d of the backlog is %+v after id %d: %v", came, m, last, err)
			}
			last = m.ID
			if came%(pending/looks) == 0 {
				if err := receiver.Confirm(m.ChatID, m.ID); err != nil {
					t.Fatal(err)
				}
				// The receiver reads nothing during this, so the replay is
				// stuck in the middle, with every buffer full.
				others.exchange(t, came)
				highest = max(highest, heap())
			}
			came++
		}
		return f.Receipt() == initDone
	})
	if err != nil {
		t.Fatalf("after %d of %d messages: %v", came, pending, err)
	}
	if came != pending {
		t.Errorf("init brought %d of %d messages", came, pending)
	}
	// The answers stand in line with what was queued before them: the last
	// may come after the end, and of a short backlog, which the sockets'
	// buffers swallow, most of them.
	if confirmed < min(looks/2, 1+pending/50_000) {
		t.Errorf("%d of %d confirmations were answered before the replay ended", confirmed, looks)
	}
	grown := int64(highest) - int64(idle)
	t.Logf("%d messages replayed; the heap grew by %d KiB at most", came, grown>>10)
	if limit := int64(4 << 20); grown > limit {
		t.Errorf("the heap grew by %d bytes during the replay, want at most %d", grown, limit)
	}
}

// heap is what is in use, the client's few buffers included: the lowest of
// some looks, because what is allocated while the collector runs counts as in
// use until the next one.
func heap() uint64 {
	lowest := uint64(math.MaxUint64)
	for range 8 {
		runtime.GC()
		var m runtime.MemStats
		runtime.ReadMemStats(&m)
		lowest = min(lowest, m.HeapAlloc)
	}
	return lowest
}

// both is a pair that exchanges one message at a time.
type both struct {
	sender, receiver *chattest.Conn
	to               rig.Account
}

func connectBoth(t *testing.T, addr string, from, to rig.Account) both {
	t.Helper()
	sender, err := connect(addr, from.Token)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(sender.Cut)
	receiver, err := connect(addr, to.Token)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(receiver.Cut)
	if err := receiver.Subscribe(chattest.Inbox(to.ID)); err != nil {
		t.Fatal(err)
	}
	return both{sender, receiver, to}
}

// exchange runs the five steps.
func (b both) exchange(t *testing.T, n int) {
	t.Helper()
	if err := b.sender.Send(fmt.Sprintf("live-%d", n), b.to.ID, "live"); err != nil {
		t.Fatal(err)
	}
	f, err := b.receiver.Until(func(f chattest.Frame) bool { return f.IsMessage() })
	if err != nil {
		t.Fatalf("live message %d: %v", n, err)
	}
	m, err := f.Message()
	if err != nil {
		t.Fatal(err)
	}
	if err := b.receiver.Confirm(m.ChatID, m.ID); err != nil {
		t.Fatal(err)
	}
	if _, err := b.receiver.Until(func(f chattest.Frame) bool { return f.On(chattest.ReceiveStatus) }); err != nil {
		t.Fatalf("confirmation of live message %d: %v", n, err)
	}
	if _, err := b.sender.Until(func(f chattest.Frame) bool { return f.On(chattest.SendStatus) }); err != nil {
		t.Fatalf("status of live message %d: %v", n, err)
	}
}
