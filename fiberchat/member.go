package fiberchat

import "context"

// member is a user with sessions on this node.
type member struct {
	sessions int
	stands   chan struct{} // closed when the subscription stands
	cancel   func()
}

// join subscribes to a user's topic for one more session, and returns when
// the subscription stands. What is stored before is then read from the store,
// and what is stored later is hinted at.
func (l *link) join(userID int64) {
	if l == nil {
		return
	}
	l.mu.Lock()
	m := l.members[userID]
	if m != nil {
		m.sessions++
		l.mu.Unlock()
		<-m.stands
		return
	}
	m = &member{sessions: 1, stands: make(chan struct{}), cancel: func() {}}
	l.members[userID] = m
	l.mu.Unlock()
	defer close(m.stands)
	// The sweep makes up for a bus that takes longer.
	ctx, cancel := context.WithTimeout(l.chat.ctx, sweepEvery)
	defer cancel()
	stop, err := guard(func() (func(), error) {
		return l.bus.Subscribe(ctx, userTopic(userID), func(hint []byte) { l.onUser(userID, hint) })
	})
	if err != nil {
		l.chat.cfg.Logger.Error(errText("subscribe to the bus", err), "user", userID)
		return
	}
	m.cancel = stop
}

// leave is join's end.
func (l *link) leave(userID int64) {
	if l == nil {
		return
	}
	l.mu.Lock()
	m := l.members[userID]
	m.sessions--
	last := m.sessions == 0
	if last {
		delete(l.members, userID)
	}
	l.mu.Unlock()
	if last {
		m.cancel()
	}
}

func (l *link) onUser(userID int64, hint []byte) {
	kind, data, ok := l.parse(hint)
	if !ok {
		return
	}
	for _, p := range l.chat.hub.Of(userID) {
		switch kind {
		case hintStored:
			p.catchUp(anyMissed)
		case hintDelivered:
			p.tell(aboutDelivered, data)
		}
	}
}
