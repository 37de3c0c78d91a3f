package crash

import (
	"context"
	"fmt"
	"math/rand/v2"
	"strings"
	"sync"
	"testing"

	"fiberchat.example/_example/rig"
	"fiberchat.example/fiberchat/chattest"
)

const (
	orderSenders  = 8
	orderSessions = 3
	orderWindow   = 16
)

// orderBook is what a receiver's sessions know together.
type orderBook struct {
	receiver rig.Account
	each     int // messages of every sender

	mu    sync.Mutex
	asked map[string]bool // confirmed by some session, or about to be
	seen  map[string]bool // received by some session
	done  chan struct{}   // closed when everything was received
}

// TestOrder: 8 senders, a receiver with 3 sessions, and all of them
// reconnecting at random: every session gets what is not confirmed, in order
// of id and in the order each sender sent it, once after an init.
func TestOrder(t *testing.T) {
	t.Parallel()
	rng := random(t)
	s := serve(t)
	messages := size(100_000, 20_000, 4_000)
	book := &orderBook{
		receiver: user(100), each: messages / orderSenders,
		asked: map[string]bool{}, seen: map[string]bool{}, done: make(chan struct{}),
	}
	ctx, cancel := context.WithCancel(context.Background())
	defer cancel()
	errs := make(chan error, orderSenders+orderSessions)
	var group sync.WaitGroup
	work := func(name string, run func(*rand.Rand) error) {
		own := rand.New(rand.NewPCG(rng.Uint64(), 0))
		group.Go(func() { // waited for below
			if err := run(own); err != nil {
				errs <- fmt.Errorf("%s: %w", name, err)
				cancel()
			}
		})
	}
	for n := range orderSenders {
		work(fmt.Sprint("sender ", n), func(rng *rand.Rand) error { return book.sendAll(ctx, s.addr, n, rng) })
	}
	for n := range orderSessions {
		work(fmt.Sprint("session ", n), func(rng *rand.Rand) error { return book.receiveAll(ctx, s.addr, rng) })
	}
	group.Wait()
	close(errs)
	for err := range errs {
		t.Error(err)
	}
	if t.Failed() {
		return
	}
	book.confirmRest(t, s.addr)
}

// name is the msgID of a sender's n-th message.
func (b *orderBook) name(sender, n int) string { return fmt.Sprintf("%d-%d", sender, n) }

// sendAll sends a sender's messages with a window. Now and then it drops the
// connection and sends again what was not answered, in order.
func (b *orderBook) sendAll(ctx context.Context, addr string, sender int, rng *rand.Rand) error {
	open := map[string]bool{}
	first, next := 0, 0 // first is the oldest open one
	for first < b.each && ctx.Err() == nil {
		c, err := connect(addr, user(int64(sender+1)).Token)
		if err != nil {
			return err
		}
		for n := first; n < next; n++ {
			if !open[b.name(sender, n)] {
				continue
			}
			if err := c.Send(b.name(sender, n), b.receiver.ID, "again or not"); err != nil {
				return err
			}
		}
		for left := 200 + rng.IntN(2000); left > 0 && first < b.each && ctx.Err() == nil; {
			for next < b.each && next < first+orderWindow {
				open[b.name(sender, next)] = true
				if err := c.Send(b.name(sender, next), b.receiver.ID, "again or not"); err != nil {
					return err
				}
				next++
			}
			f, err := c.Until(func(f chattest.Frame) bool { return f.On(chattest.SendStatus) || f.On(chattest.Failures) })
			if err != nil {
				return err
			}
			status, err := f.Status()
			if err != nil {
				return err
			}
			if status.Code != 200 {
				return fmt.Errorf("refused: %s", f.Body)
			}
			delete(open, status.MsgID)
			for first < next && !open[b.name(sender, first)] {
				first++
			}
			left--
		}
		c.Cut()
	}
	return nil
}

// confirmRest reads what is still pending: exactly what nobody confirmed,
// but for confirmations that were on their way when a session ended.
func (b *orderBook) confirmRest(t *testing.T, addr string) {
	t.Helper()
	pending := b.pending(t, addr, true)
	for name := range b.seen {
		if !b.asked[name] && !pending[name] {
			t.Errorf("message %s was never confirmed and is gone", name)
		}
	}
	if left := b.pending(t, addr, false); len(left) > 0 {
		t.Errorf("%d messages come again after their confirmation was answered", len(left))
	}
}

func (b *orderBook) pending(t *testing.T, addr string, confirm bool) map[string]bool {
	t.Helper()
	c, err := connect(addr, b.receiver.Token)
	if err != nil {
		t.Fatal(err)
	}
	defer c.Cut()
	if err := c.Init(initDone); err != nil {
		t.Fatal(err)
	}
	if err := c.Subscribe(chattest.Inbox(b.receiver.ID)); err != nil {
		t.Fatal(err)
	}
	names, answers := map[string]bool{}, 0
	var replayed bool
	_, err = c.Until(func(f chattest.Frame) bool {
		switch {
		case f.IsMessage():
			m, err := f.Message()
			if err != nil {
				t.Fatal(err)
			}
			names[m.ChatID] = true
			if confirm {
				if err := c.Confirm(m.ChatID, m.ID); err != nil {
					t.Fatal(err)
				}
			}
		case f.On(chattest.ReceiveStatus) && strings.Contains(f.Body, `"code":200`):
			answers++
		case f.Receipt() == initDone:
			replayed = true
		}
		return replayed && (!confirm || answers == len(names))
	})
	if err != nil {
		t.Fatal(err)
	}
	return names
}
