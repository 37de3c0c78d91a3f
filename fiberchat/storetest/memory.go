package storetest

import (
	"context"
	"slices"
	"sync"
	"time"

	"fiberchat.example/fiberchat/chat"
)

// Memory is a chat.Store in memory, for tests. It grows without limit.
type Memory struct {
	mu       sync.RWMutex
	messages []memoryMessage  // the message with ID n is at n-1
	byChat   map[string][]int // places in messages, ascending
}

type memoryMessage struct {
	chat.Message
	confirmed bool
}

// NewMemory returns an empty store.
func NewMemory() *Memory {
	return &Memory{byChat: make(map[string][]int)}
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
			results[i] = s.receive(*op.Confirm)
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
			return chat.Result{Err: chat.ErrConflict}
		}
		return chat.Result{Message: old}
	}
	m.ID = int64(len(s.messages) + 1)
	m.Time = m.Time.UTC().Truncate(time.Millisecond)
	s.byChat[m.ChatID] = append(s.byChat[m.ChatID], len(s.messages))
	s.messages = append(s.messages, memoryMessage{Message: m})
	return chat.Result{Message: m, Changed: true}
}

// receive follows the steps of chat.Confirmation one after the other.
func (s *Memory) receive(r chat.Confirmation) chat.Result {
	candidates := s.byChat[r.ChatID]
	if r.ID != 0 {
		candidates = nil
		if r.ID > 0 && r.ID <= int64(len(s.messages)) {
			candidates = []int{int(r.ID - 1)}
		}
	}
	for _, fits := range []func(m memoryMessage) bool{
		func(m memoryMessage) bool { return r.ID != 0 && (r.ChatID == "" || r.ChatID == m.ChatID) },
		func(m memoryMessage) bool {
			return r.ID == 0 && !m.confirmed && r.WasSent(m.ID)
		},
		func(m memoryMessage) bool { return r.ID == 0 && m.confirmed },
		func(m memoryMessage) bool { return r.ID == 0 },
	} {
		for _, i := range candidates {
			m := &s.messages[i]
			if m.ReceiverID == r.ReceiverID && fits(*m) {
				changed := !m.confirmed
				m.confirmed = true
				return chat.Result{Message: m.Message, Changed: changed}
			}
		}
	}
	return chat.Result{Err: chat.ErrNotFound}
}

// Pending implements chat.Store.
func (s *Memory) Pending(ctx context.Context, receiverID, afterID int64, limit int) ([]chat.Message, error) {
	return s.receivedBy(receiverID, afterID, limit, false), ctx.Err()
}

func (s *Memory) receivedBy(receiverID, afterID int64, limit int, confirmed bool) (found []chat.Message) {
	s.mu.RLock()
	defer s.mu.RUnlock()
	for i := max(afterID, 0); i < int64(len(s.messages)) && len(found) < limit; i++ {
		if m := s.messages[i]; m.ReceiverID == receiverID && (confirmed || !m.confirmed) {
			found = append(found, m.Message)
		}
	}
	return found
}

// Conversation implements chat.Store.
func (s *Memory) Conversation(ctx context.Context, userID, peerID, beforeID int64, limit int) ([]chat.Message, error) {
	s.mu.RLock()
	defer s.mu.RUnlock()
	below := s.messages
	if beforeID > 0 {
		below = below[:min(beforeID-1, int64(len(below)))]
	}
	var found []chat.Message
	for _, m := range slices.Backward(below) {
		between := m.SenderID == userID && m.ReceiverID == peerID || m.SenderID == peerID && m.ReceiverID == userID
		if between && len(found) < limit {
			found = append(found, m.Message)
		}
	}
	return found, ctx.Err()
}
