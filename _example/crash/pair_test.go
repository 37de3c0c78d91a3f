package crash

import (
	"fmt"
	"sync"

	"fiberchat.example/_example/rig"
	"fiberchat.example/fiberchat/chat"
	"fiberchat.example/fiberchat/chattest"
)

// pair is a sender and a receiver, and what each has been told.
type pair struct {
	from, to rig.Account

	mu        sync.Mutex
	serial    map[string]int   // of every msgID ever sent
	sent      []string         // every msgID, in order
	open      map[string]bool  // sent, and no 200 yet
	ids       map[string]int64 // received at least once
	asked     map[string]bool  // a confirmation was sent
	confirmed map[string]bool  // and answered 200
	failures  map[int]int      // by code
}

func newPair(from, to rig.Account) *pair {
	return &pair{
		from: from, to: to,
		serial: map[string]int{}, open: map[string]bool{}, ids: map[string]int64{},
		asked: map[string]bool{}, confirmed: map[string]bool{}, failures: map[int]int{},
	}
}

// runSender resends what is open, in order, and then sends on.
func (p *pair) runSender(l *load) error {
	c, err := connect(l.addr, p.from.Token)
	if err != nil {
		return err
	}
	defer c.Cut()
	l.opened(c)
	p.mu.Lock()
	var again []string
	for _, msgID := range p.sent {
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
	for {
		for !l.drain && p.opened() < window {
			msgID := p.create()
			if err := c.Send(msgID, p.to.ID, p.content(msgID)); err != nil {
				return err
			}
		}
		if p.opened() == 0 {
			return nil
		}
		f, err := c.Until(func(f chattest.Frame) bool { return f.On(chattest.SendStatus) || f.On(chattest.Failures) })
		if err != nil {
			return err
		}
		s, err := f.Status()
		if err != nil {
			return err
		}
		p.mu.Lock()
		if s.Code == 200 {
			delete(p.open, s.MsgID)
		} else {
			p.failures[s.Code]++
		}
		p.mu.Unlock()
		if s.Code == 200 {
			l.count(&l.accepted)
		} else {
			l.count(&l.failed)
		}
	}
}

func (p *pair) opened() int {
	p.mu.Lock()
	defer p.mu.Unlock()
	return len(p.open)
}

// create names the next message.
func (p *pair) create() (msgID string) {
	p.mu.Lock()
	defer p.mu.Unlock()
	msgID = fmt.Sprintf("%040x", len(p.sent))
	p.serial[msgID] = len(p.sent)
	p.sent = append(p.sent, msgID)
	p.open[msgID] = true
	return msgID
}

// content is the same at every resend.
func (p *pair) content(msgID string) string { return "第 " + msgID + " 条" }

// runReceiver takes what was missed and what comes, and confirms it.
func (p *pair) runReceiver(l *load) error {
	c, err := p.listen(l.addr)
	if err != nil {
		return err
	}
	defer c.Cut()
	l.opened(c)
	last := int64(0)
	for !l.drain || !p.allConfirmed() {
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
			m, err := p.take(f, last)
			if err != nil {
				return err
			}
			last = m.ID
			p.mu.Lock()
			leave := l.leave && p.serial[m.ChatID]%7 == 3
			if !leave {
				p.asked[m.ChatID] = true
			}
			p.mu.Unlock()
			if leave {
				continue
			}
			if err := c.Confirm(m.ChatID, m.ID); err != nil {
				return err
			}
		case f.On(chattest.ReceiveStatus):
			s, err := f.Status()
			if err != nil {
				return err
			}
			p.mu.Lock()
			p.confirmed[s.MsgID] = true
			p.mu.Unlock()
		case f.On(chattest.Failures):
			s, err := f.Status()
			if err != nil {
				return err
			}
			p.mu.Lock()
			p.failures[s.Code]++
			p.mu.Unlock()
			l.count(&l.failed)
		}
	}
	return nil
}

// repeatConfirmations sends again what was not answered: the server may have
// stored a confirmation and died before it said so.
func (p *pair) repeatConfirmations(c *chattest.Conn) error {
	p.mu.Lock()
	var again []chat.Message
	for msgID := range p.asked {
		if !p.confirmed[msgID] {
			again = append(again, chat.Message{ID: p.ids[msgID], ChatID: msgID})
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

// listen connects the receiver. The init goes first and waits for the
// subscription, so that nothing comes before what was missed.
func (p *pair) listen(addr string) (*chattest.Conn, error) {
	c, err := connect(addr, p.to.Token)
	if err != nil {
		return nil, err
	}
	if err := c.Init(initDone); err != nil {
		c.Cut()
		return nil, err
	}
	if err := c.Subscribe(chattest.Inbox(p.to.ID)); err != nil {
		c.Cut()
		return nil, err
	}
	return c, nil
}

// take notes a message and checks what holds for every one.
func (p *pair) take(f chattest.Frame, last int64) (chat.Message, error) {
	m, err := f.Message()
	if err != nil {
		return m, err
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	switch known, seen := p.ids[m.ChatID]; {
	case m.ID <= last:
		return m, fmt.Errorf("message %s has id %d and comes after id %d", m.ChatID, m.ID, last)
	case seen && known != m.ID:
		return m, fmt.Errorf("message %s comes with id %d and with id %d", m.ChatID, known, m.ID)
	case p.confirmed[m.ChatID]:
		return m, fmt.Errorf("message %s comes again after its confirmation was answered", m.ChatID)
	case m.SenderID != p.from.ID || m.Content != p.content(m.ChatID):
		return m, fmt.Errorf("message %s is not as it was sent: from %d, %q", m.ChatID, m.SenderID, m.Content)
	}
	p.ids[m.ChatID] = m.ID
	return m, nil
}

// allConfirmed tells whether nothing is left for the receiver to do.
func (p *pair) allConfirmed() bool {
	p.mu.Lock()
	defer p.mu.Unlock()
	return len(p.confirmed) == len(p.sent)
}
