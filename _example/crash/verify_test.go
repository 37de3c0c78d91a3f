package crash

import (
	"testing"

	"fiberchat.example/fiberchat/chattest"
)

// verify reads what an init brings now and compares it with what was said.
func (p *pair) verify(t *testing.T, addr string) {
	t.Helper()
	c, err := p.listen(addr)
	if err != nil {
		t.Fatal(err)
	}
	defer c.Cut()
	pending := map[string]bool{}
	var last int64
	serial := -1
	_, err = c.Until(func(f chattest.Frame) bool {
		if f.IsMessage() {
			m, err := p.take(f, last)
			if err != nil {
				t.Error(err)
				return true
			}
			last = m.ID
			if p.serial[m.ChatID] < serial {
				t.Errorf("init brings message %d of %s after message %d", p.serial[m.ChatID], p.from.Name, serial)
			}
			serial = p.serial[m.ChatID]
			pending[m.ChatID] = true
		}
		return f.Receipt() == initDone
	})
	if err != nil {
		t.Fatal(err)
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	for _, msgID := range p.sent {
		// A confirmation without an answer, and a message without one, may
		// have been stored or not. take has checked the rest.
		if !p.open[msgID] && !p.asked[msgID] && !pending[msgID] {
			t.Errorf("message %s from %s was answered 200 and is lost", msgID, p.from.Name)
		}
	}
}

// finish resends and confirms everything, and proves that nothing is left.
func finish(t *testing.T, addr string, pairs []*pair) {
	t.Helper()
	rest := newLoad(addr, -1)
	rest.drain = true
	rest.start(pairs)
	if err := rest.join(); err != nil {
		t.Fatal(err)
	}
	for _, p := range pairs {
		p.verify(t, addr)
		if len(p.ids) != len(p.sent) {
			t.Errorf("%s sent %d messages, %s got %d", p.from.Name, len(p.sent), p.to.Name, len(p.ids))
		}
	}
}
