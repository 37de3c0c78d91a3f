package fiberchat

import (
	"context"
	"errors"
	"sync"

	"fiberchat.example/fiberchat/chat"
)

// sending is the messages that are on their way from BeforeSave to the store,
// so that what is sent twice at once is seen once. Safe for concurrent use.
type sending struct {
	mu   sync.Mutex
	ends map[operation]chan struct{}
}

// begin waits until the same message is not on its way any more; false when
// done is closed before.
func (s *sending) begin(op operation, done <-chan struct{}) bool {
	for {
		s.mu.Lock()
		ends, busy := s.ends[op]
		if !busy {
			s.ends[op] = make(chan struct{})
		}
		s.mu.Unlock()
		if !busy {
			return true
		}
		select {
		case <-ends:
		case <-done:
			return false
		}
	}
}

func (s *sending) end(op operation) {
	s.mu.Lock()
	defer s.mu.Unlock()
	close(s.ends[op])
	delete(s.ends, op)
}

// stored finds the message that the user has sent under msgID, nil when there
// is none.
func (ch *Chat) stored(from int64, msgID string) (*chat.Message, error) {
	store, ok := ch.cfg.Store.(chat.Finder)
	if !ok {
		return nil, nil
	}
	ctx, cancel := context.WithTimeout(ch.ctx, ch.cfg.Timeouts.Store)
	defer cancel()
	m, err := guard(func() (chat.Message, error) { return store.Find(ctx, from, msgID) })
	switch {
	case err == nil:
		return &m, nil
	case errors.Is(err, chat.ErrNotFound):
		return nil, nil
	}
	ch.cfg.Logger.Error("find message", "error", err, "user", from)
	return nil, err
}

// beforeSave asks BeforeSave, and takes over what it makes of the content.
func (ch *Chat) beforeSave(m *chat.Message) *failure {
	seen := *m // nothing else of it can be changed
	err := ch.call(ch.ctx, "BeforeSave", func(ctx context.Context) error {
		if err := ch.cfg.BeforeSave(ctx, &seen); err != nil {
			return err
		}
		return ch.checkContent(seen.Content)
	})
	switch {
	case errors.Is(err, errBadContent):
		ch.hookFailed("BeforeSave", err, m.SenderID)
		return failSpoilt
	case err != nil:
		return ch.ruling(err, "BeforeSave", m.SenderID)
	}
	m.Content = seen.Content
	return nil
}
