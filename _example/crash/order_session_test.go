package crash

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"

	"fiberchat.example/fiberchat/chat"
	"fiberchat.example/fiberchat/chattest"
)

// receiveAll runs one session after the other until everything was seen.
func (b *orderBook) receiveAll(ctx context.Context, addr string, rng *rand.Rand) error {
	const mayLose = 20 // on a busy machine a session may be too slow, and is cut
	for lost := 0; ctx.Err() == nil && !b.complete(); {
		c, err := connect(addr, b.receiver.Token)
		if err != nil {
			return err
		}
		// Everything ends with the test or with the last message.
		stop := make(chan struct{})
		go func() { // ends when stop is closed below
			select {
			case <-ctx.Done():
			case <-b.done:
			case <-stop:
			}
			c.Cut()
		}()
		err = b.receive(c, 200+rng.IntN(4000), rng)
		close(stop)
		switch {
		case err == nil || ctx.Err() != nil || b.complete():
		case errors.Is(err, chattest.ErrEnded) && lost < mayLose:
			lost++
		default:
			return err
		}
	}
	return nil
}

func (b *orderBook) complete() bool {
	select {
	case <-b.done:
		return true
	default:
		return false
	}
}

// orderCheck is what one subscription has received since its init.
type orderCheck struct {
	last     int64
	previous [orderSenders]int // each sender's message received last
}

// receive reads some messages, checks each, and confirms half of them.
func (b *orderBook) receive(c *chattest.Conn, messages int, rng *rand.Rand) error {
	if err := c.Init(initDone); err != nil {
		return err
	}
	if err := c.Subscribe(chattest.Inbox(b.receiver.ID)); err != nil {
		return err
	}
	check := orderCheck{}
	for i := range check.previous {
		check.previous[i] = -1
	}
	for messages > 0 {
		f, err := c.Read()
		if err != nil {
			return err
		}
		if f.On(chattest.Failures) {
			return fmt.Errorf("refused: %s", f.Body)
		}
		if !f.IsMessage() {
			continue
		}
		messages--
		m, err := f.Message()
		if err != nil {
			return err
		}
		if err := b.check(&check, m); err != nil {
			return err
		}
		if rng.IntN(2) == 0 {
			continue
		}
		b.mu.Lock()
		b.asked[m.ChatID] = true
		b.mu.Unlock()
		if err := c.Confirm(m.ChatID, m.ID); err != nil {
			return err
		}
	}
	return nil
}

func (b *orderBook) check(c *orderCheck, m chat.Message) error {
	sender, n, err := b.parse(m)
	if err != nil || sender < 0 || sender >= orderSenders || m.SenderID != int64(sender+1) {
		return fmt.Errorf("message %+v was never sent", m)
	}
	if m.ID <= c.last {
		return fmt.Errorf("message %s with id %d comes after id %d", m.ChatID, m.ID, c.last)
	}
	c.last = m.ID
	b.mu.Lock()
	defer b.mu.Unlock()
	if n <= c.previous[sender] {
		return fmt.Errorf("message %s comes after number %d of its sender", m.ChatID, c.previous[sender])
	}
	for missing := c.previous[sender] + 1; missing < n; missing++ {
		// A replay leaves out what another session confirms, and nothing else.
		if !b.asked[b.name(sender, missing)] {
			return fmt.Errorf("message %s comes and %s does not", m.ChatID, b.name(sender, missing))
		}
	}
	c.previous[sender] = n
	b.seen[m.ChatID] = true
	if len(b.seen) == b.each*orderSenders && !b.complete() {
		close(b.done)
	}
	return nil
}

// parse is name the other way round.
func (b *orderBook) parse(m chat.Message) (sender, n int, err error) {
	_, err = fmt.Sscanf(m.ChatID, "%d-%d", &sender, &n)
	return sender, n, err
}
