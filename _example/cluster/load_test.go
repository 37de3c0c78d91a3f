package cluster

import (
	"context"
	"fmt"
	"sync"
	"testing"
	"time"

	"fiberchat.example/_example/rig"
	"fiberchat.example/fiberchat/chat"
	"fiberchat.example/fiberchat/chattest"
)

// window is how many messages a sender has open at once.
const window = 4

// pair is a sender and a receiver who talk all the time: who loses the
// connection goes to the next node and repeats what was not answered.
type pair struct {
	nodes    []*node
	from, to rig.Account

	mu        sync.Mutex
	changed   chan struct{}    // closed and made anew when anything below changes
	stopping  bool             // the sender sends nothing new
	sent      []string         // every msgID, in order
	open      map[string]bool  // sent, and no 200 yet
	ids       map[string]int64 // received at least once
	confirmed map[string]bool  // and its confirmation answered 200
	failures  map[int]int      // by code
}

// load is pairs at work.
type load struct {
	pairs  []*pair
	cancel context.CancelFunc
	group  sync.WaitGroup
	errs   chan error
}

// startLoad signs n pairs up and lets them work until the test ends; they
// begin at different nodes.
func startLoad(t *testing.T, nodes []*node, n int) *load {
	t.Helper()
	ctx, cancel := context.WithCancel(context.Background())
	l := &load{cancel: cancel, errs: make(chan error, 2*n)}
	for i := range n {
		l.pairs = append(l.pairs, &pair{
			nodes:   nodes,
			from:    nodes[0].SignUp(t, fmt.Sprint("sender", i)),
			to:      nodes[0].SignUp(t, fmt.Sprint("receiver", i)),
			changed: make(chan struct{}), open: map[string]bool{}, ids: map[string]int64{},
			confirmed: map[string]bool{}, failures: map[int]int{},
		})
	}
	for i, p := range l.pairs {
		for j, role := range []func(context.Context, *chattest.Conn) error{p.sendAll, p.receiveAll} {
			user := []rig.Account{p.from, p.to}[j]
			l.group.Go(func() { // waited for by the clean-up
				if err := p.stayConnected(ctx, user, i+j, role); err != nil {
					l.errs <- fmt.Errorf("%s: %w", user.Name, err)
				}
			})
		}
	}
	t.Cleanup(func() {
		cancel()
		l.group.Wait()
	})
	return l
}

// faultError is what the server did wrong; all else is a broken connection.
type faultError struct{ error }

func fault(format string, args ...any) error { return faultError{fmt.Errorf(format, args...)} }

// stayConnected plays a role at one node after the other.
func (p *pair) stayConnected(ctx context.Context, user rig.Account, at int, role func(context.Context, *chattest.Conn) error) error {
	d := []door{native, sockjs}[at%2]
	for ; ctx.Err() == nil; at++ {
		c, err := dial(d, p.nodes[at%len(p.nodes)].addr, user)
		if err != nil {
			select {
			case <-ctx.Done():
			case <-time.After(20 * time.Millisecond): // a node that is down refuses at once
			}
			continue
		}
		stop := context.AfterFunc(ctx, c.Cut)
		err = role(ctx, c)
		stop()
		c.Cut()
		if err, ok := err.(faultError); ok {
			return err
		}
	}
	return nil
}

// note changes what is known, and wakes who waits for it.
func (p *pair) note(change func() error) error {
	p.mu.Lock()
	defer p.mu.Unlock()
	close(p.changed)
	p.changed = make(chan struct{})
	return change()
}

// next returns the message to send, "" when there is none now.
func (p *pair) next() (msgID string) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.stopping || len(p.open) >= window {
		return ""
	}
	msgID = fmt.Sprintf("%040x", len(p.sent))
	p.sent = append(p.sent, msgID)
	p.open[msgID] = true
	return msgID
}

// content is the same at every resend.
func (p *pair) content(msgID string) string { return "第 " + msgID + " 条" }

// sendAll repeats what is open, in order, and sends on.
func (p *pair) sendAll(ctx context.Context, c *chattest.Conn) error {
	p.mu.Lock()
	var again []string
	for _, msgID := range p.sent[max(0, len(p.sent)-window):] {
		if p.open[msgID] {
			again = append(again, msgID)
		}
	}
	p.mu.Unlock()
	for _, msgID := range again {
		if err := c.Send(msgID, p.to.ID, p.content(msgID)); err != nil {
			return err
		}
	}
	for ctx.Err() == nil {
		for msgID := p.next(); msgID != ""; msgID = p.next() {
			if err := c.Send(msgID, p.to.ID, p.content(msgID)); err != nil {
				return err
			}
		}
		f, err := c.Until(func(f chattest.Frame) bool { return f.On(chattest.SendStatus) || f.On(chattest.Failures) })
		if err != nil {
			return err
		}
		s, err := f.Status()
		if err != nil {
			return fault("%w", err)
		}
		if s.Code != 200 {
			_ = p.note(func() error { p.failures[s.Code]++; return nil })
			if err := c.Send(s.MsgID, p.to.ID, p.content(s.MsgID)); err != nil {
				return err
			}
			continue
		}
		_ = p.note(func() error { delete(p.open, s.MsgID); return nil })
	}
	return nil
}

// receiveAll takes what was missed and what comes, and confirms it.
func (p *pair) receiveAll(_ context.Context, c *chattest.Conn) error {
	last := int64(0)
	for {
		f, err := c.Read()
		if err != nil {
			return err
		}
		if f.Receipt() == initDone {
			if err := p.repeatConfirmations(c); err != nil {
				return err
			}
		}
		switch {
		case f.IsMessage():
			m, err := f.Message()
			if err != nil {
				return fault("%w", err)
			}
			if m.ID <= last {
				return fault("id %d comes after id %d", m.ID, last)
			}
			last = m.ID
			if err := p.note(func() error { return p.take(m) }); err != nil {
				return err
			}
			if err := c.Confirm(m.ChatID, m.ID); err != nil {
				return err
			}
		case f.On(chattest.ReceiveStatus):
			s, err := f.Status()
			if err != nil {
				return fault("%w", err)
			}
			_ = p.note(func() error { p.confirmed[s.MsgID] = true; return nil })
		case f.On(chattest.Failures):
			s, err := f.Status()
			if err != nil {
				return fault("%w", err)
			}
			_ = p.note(func() error { p.failures[s.Code]++; return nil })
			p.mu.Lock()
			m := chat.Message{ID: p.ids[s.MsgID], ChatID: s.MsgID}
			p.mu.Unlock()
			if err := c.Confirm(m.ChatID, m.ID); err != nil {
				return err
			}
		}
	}
}

// repeatConfirmations sends again what was not answered: a node may have
// stored a confirmation and died before it said so, and no init brings the
// message then.
func (p *pair) repeatConfirmations(c *chattest.Conn) error {
	p.mu.Lock()
	var again []chat.Message
	for msgID, id := range p.ids {
		if !p.confirmed[msgID] {
			again = append(again, chat.Message{ID: id, ChatID: msgID})
		}
	}
	p.mu.Unlock()
	for _, m := range again {
		if err := c.Confirm(m.ChatID, m.ID); err != nil {
			return err
		}
	}
	return nil
}

// take checks what holds for every message. The caller holds mu.
func (p *pair) take(m chat.Message) error {
	switch known, seen := p.ids[m.ChatID]; {
	case seen && known != m.ID:
		return fault("message %s comes with id %d and with id %d", m.ChatID, known, m.ID)
	case p.confirmed[m.ChatID]:
		return fault("message %s comes again after its confirmation was answered", m.ChatID)
	case m.SenderID != p.from.ID || m.Content != p.content(m.ChatID):
		return fault("message %s is not as it was sent: from %d, %q", m.ChatID, m.SenderID, m.Content)
	}
	p.ids[m.ChatID] = m.ID
	return nil
}

// await waits until it is so for every pair.
func (l *load) await(t *testing.T, what string, so func(p *pair) bool) {
	t.Helper()
	timeout := time.After(patience)
	for _, p := range l.pairs {
		for {
			p.mu.Lock()
			is, changed := so(p), p.changed
			p.mu.Unlock()
			if is {
				break
			}
			select {
			case <-changed:
			case err := <-l.errs:
				t.Fatal(err)
			case <-timeout:
				p.mu.Lock()
				defer p.mu.Unlock()
				t.Fatalf("%s to %s: within %v it did not come about that %s: %d sent, %d open, %d received, %d confirmed, refused: %v",
					p.from.Name, p.to.Name, patience, what, len(p.sent), len(p.open), len(p.ids), len(p.confirmed), p.failures)
			}
		}
	}
}

// goOn waits until every pair has exchanged n more messages, each of them
// sent after the call.
func (l *load) goOn(t *testing.T, n int) {
	t.Helper()
	from := make(map[*pair]int)
	for _, p := range l.pairs {
		p.mu.Lock()
		from[p] = len(p.sent)
		p.mu.Unlock()
	}
	l.await(t, fmt.Sprint(n, " more messages are exchanged"), func(p *pair) bool {
		count := 0
		for _, msgID := range p.sent[from[p]:] {
			if p.confirmed[msgID] {
				count++
			}
		}
		return count >= n
	})
}

// finish stops the senders, and proves that nothing is lost, or left to do.
// Only these codes may have been refused with.
func (l *load) finish(t *testing.T, refused ...int) {
	t.Helper()
	for _, p := range l.pairs {
		_ = p.note(func() error { p.stopping = true; return nil })
	}
	l.await(t, "all is answered, received and confirmed", func(p *pair) bool {
		return len(p.open) == 0 && len(p.ids) == len(p.sent) && len(p.confirmed) == len(p.sent)
	})
	total := 0
	for _, p := range l.pairs {
		p.mu.Lock()
		total += len(p.sent)
		for code, n := range p.failures {
			if len(refused) == 0 || code != refused[0] {
				t.Errorf("%s to %s: %d refused with %d", p.from.Name, p.to.Name, n, code)
			}
		}
		p.mu.Unlock()
	}
	t.Logf("%d messages", total)
	for _, n := range l.pairs[0].nodes {
		for _, p := range l.pairs {
			c, err := dial(native, n.addr, p.to)
			if err != nil {
				t.Fatal(err)
			}
			f, err := c.Until(func(f chattest.Frame) bool { return f.IsMessage() || f.Receipt() == initDone })
			if err != nil || f.IsMessage() {
				t.Errorf("%s: init brings %v %v, want nothing", p.to.Name, f, err)
			}
			c.Cut()
		}
	}
	l.cancel()
	l.group.Wait()
	select {
	case err := <-l.errs:
		t.Error(err)
	default:
	}
}
