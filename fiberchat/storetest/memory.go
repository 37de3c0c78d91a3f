package storetest

import (
	"cmp"
	"context"
	"errors"
	"slices"
	"sync"
	"time"

	"fiberchat.example/fiberchat/chat"
)

var (
	_ chat.Store        = (*Memory)(nil)
	_ chat.Unconfirmed  = (*Memory)(nil)
	_ chat.Counter      = (*Memory)(nil)
	_ chat.Finder       = (*Memory)(nil)
	_ chat.OverdueQueue = (*Memory)(nil)
)

// Memory is a chat.Store in memory, for tests. It offers all that
// a Store may offer in addition. It grows without limit.
type Memory struct {
	mu       sync.RWMutex
	messages []memoryMessage  // the message with ID n is at n-1
	byChat   map[string][]int // places in messages, ascending
	last     map[int64]int64  // the highest id by receiver
	presence memoryPresence
	notices  []memoryNotice // the notice with ID n is at n-1
	reads    map[readKey]int64
	overdue  memoryOverdue
}

type memoryMessage struct {
	chat.Message
	confirmed bool // ConfirmedAt does not say it: it may be any time
}

// NewMemory returns an empty store.
func NewMemory() *Memory {
	return &Memory{byChat: make(map[string][]int), last: make(map[int64]int64), reads: make(map[readKey]int64)}
}

// Apply implements chat.Store.
func (s *Memory) Apply(ctx context.Context, ops []chat.Op) ([]chat.Result, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if err := ctx.Err(); err != nil {
		return nil, err
	}
	results := make([]chat.Result, len(ops))
	for i, op := range ops {
		if op.Save != nil {
			results[i] = s.save(*op.Save)
		} else {
			results[i] = s.confirm(*op.Confirm)
		}
	}
	return results, nil
}

func (s *Memory) save(m chat.Message) chat.Result {
	for _, i := range s.byChat[m.ChatID] {
		old := s.messages[i].Message
		if old.SenderID != m.SenderID {
			continue
		}
		if old.ReceiverID != m.ReceiverID || old.Content != m.Content {
			return chat.Result{Message: old, Err: chat.ErrConflict}
		}
		return chat.Result{Message: old}
	}
	m.ID = int64(len(s.messages) + 1)
	m.Time, m.ConfirmedAt = m.Time.UTC().Truncate(time.Millisecond), time.Time{}
	previous := s.last[m.ReceiverID]
	s.last[m.ReceiverID] = m.ID
	s.byChat[m.ChatID] = append(s.byChat[m.ChatID], len(s.messages))
	s.messages = append(s.messages, memoryMessage{Message: m})
	return chat.Result{Message: m, Previous: previous, Changed: true}
}

// confirm follows the steps of chat.Confirmation one after the other.
func (s *Memory) confirm(c chat.Confirmation) chat.Result {
	candidates := s.byChat[c.ChatID]
	if c.ID != 0 {
		candidates = nil
		if c.ID > 0 && c.ID <= int64(len(s.messages)) {
			candidates = []int{int(c.ID - 1)}
		}
	}
	for _, fits := range []func(m memoryMessage) bool{
		func(m memoryMessage) bool { return c.ID != 0 && (c.ChatID == "" || c.ChatID == m.ChatID) },
		func(m memoryMessage) bool { return c.ID == 0 && !m.confirmed && c.WasSent(m.ID) },
		func(m memoryMessage) bool { return c.ID == 0 && m.confirmed },
		func(m memoryMessage) bool { return c.ID == 0 },
	} {
		for _, i := range candidates {
			m := &s.messages[i]
			if m.ReceiverID != c.ReceiverID || !fits(*m) {
				continue
			}
			changed := !m.confirmed
			if changed {
				m.confirmed, m.ConfirmedAt = true, c.Time.UTC().Truncate(time.Millisecond)
			}
			return chat.Result{Message: m.Message, Changed: changed}
		}
	}
	return chat.Result{Err: chat.ErrNotFound}
}

// Pending implements chat.Store.
func (s *Memory) Pending(ctx context.Context, receiverID, afterID int64, limit int) ([]chat.Message, error) {
	return s.find(ctx, afterID, limit, func(m memoryMessage) bool { return m.ReceiverID == receiverID && !m.confirmed })
}

// Inbox implements chat.Store.
func (s *Memory) Inbox(ctx context.Context, receiverID, afterID int64, limit int) ([]chat.Message, error) {
	return s.find(ctx, afterID, limit, func(m memoryMessage) bool { return m.ReceiverID == receiverID })
}

// find returns what wanted accepts above an id.
func (s *Memory) find(ctx context.Context, afterID int64, limit int, wanted func(memoryMessage) bool) (found []chat.Message, err error) {
	s.mu.RLock()
	defer s.mu.RUnlock()
	for i := max(afterID, 0); i < int64(len(s.messages)) && len(found) < limit; i++ {
		if m := s.messages[i]; wanted(m) {
			found = append(found, m.Message)
		}
	}
	return found, ctx.Err()
}

// Last implements chat.Store.
func (s *Memory) Last(ctx context.Context, receiverID int64) (int64, error) {
	s.mu.RLock()
	defer s.mu.RUnlock()
	if receiverID == 0 {
		return int64(len(s.messages)), ctx.Err()
	}
	return s.last[receiverID], ctx.Err()
}

// Conversation implements chat.Store.
func (s *Memory) Conversation(ctx context.Context, userID, otherID int64, page chat.Page, limit int) ([]chat.Message, error) {
	between := func(m memoryMessage) bool {
		return m.SenderID == userID && m.ReceiverID == otherID || m.SenderID == otherID && m.ReceiverID == userID
	}
	if page.After != 0 {
		if page.Before != 0 {
			return nil, errors.New("storetest: page both before and after an id")
		}
		return s.find(ctx, page.After, limit, between)
	}
	all, err := s.find(ctx, 0, 1<<62, func(m memoryMessage) bool {
		return between(m) && (page.Before == 0 || m.ID < page.Before)
	})
	slices.Reverse(all)
	return all[:min(len(all), max(limit, 0))], err
}

// Unconfirmed implements chat.Unconfirmed.
func (s *Memory) Unconfirmed(ctx context.Context, afterID int64, limit int) ([]chat.Ref, error) {
	messages, err := s.find(ctx, afterID, limit, func(m memoryMessage) bool { return !m.confirmed })
	var refs []chat.Ref
	for _, m := range messages {
		refs = append(refs, chat.Ref{ID: m.ID, ReceiverID: m.ReceiverID})
	}
	return refs, err
}

// CountPending implements chat.Counter.
func (s *Memory) CountPending(ctx context.Context, receiverID int64, atMost int) (int, error) {
	pending, err := s.Pending(ctx, receiverID, 0, atMost)
	return len(pending), err
}

// Find implements chat.Finder.
func (s *Memory) Find(ctx context.Context, senderID int64, chatID string) (chat.Message, error) {
	s.mu.RLock()
	defer s.mu.RUnlock()
	for _, i := range s.byChat[chatID] {
		if m := s.messages[i].Message; m.SenderID == senderID {
			return m, ctx.Err()
		}
	}
	return chat.Message{}, cmp.Or(ctx.Err(), chat.ErrNotFound)
}
