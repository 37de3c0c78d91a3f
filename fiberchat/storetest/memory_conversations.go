package storetest

import (
	"cmp"
	"context"
	"slices"

	"fiberchat.example/fiberchat/chat"
)

var _ chat.Conversations = (*Memory)(nil)

// readKey is whose reading of what a mark is about.
type readKey struct{ reader, sender int64 }

// MarkRead implements chat.Conversations.
func (s *Memory) MarkRead(ctx context.Context, readerID, senderID, upTo int64) (readUpTo int64, changed bool, err error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if err := ctx.Err(); err != nil {
		return 0, false, err
	}
	key := readKey{readerID, senderID}
	for i := min(upTo, int64(len(s.messages))); i > s.reads[key]; i-- {
		if m := &s.messages[i-1]; m.SenderID == senderID && m.ReceiverID == readerID {
			s.reads[key] = m.ID
			return m.ID, true, nil
		}
	}
	return s.reads[key], false, nil
}

// Conversations implements chat.Conversations.
func (s *Memory) Conversations(ctx context.Context, userID, before int64, limit int) ([]chat.Summary, error) {
	s.mu.RLock()
	defer s.mu.RUnlock()
	found := make(map[int64]*chat.Summary)
	for i := range s.messages {
		m := &s.messages[i].Message
		other := chat.User{ID: m.SenderID, Name: m.SenderName}
		if m.SenderID == userID {
			other = chat.User{ID: m.ReceiverID, Name: m.ReceiverName}
		} else if m.ReceiverID != userID {
			continue
		}
		c := found[other.ID]
		if c == nil {
			c = &chat.Summary{ReadByMe: s.reads[readKey{userID, other.ID}], ReadByThem: s.reads[readKey{other.ID, userID}]}
			found[other.ID] = c
		}
		c.Other, c.Last = other, *m
		if m.ReceiverID == userID && m.ID > c.ReadByMe {
			c.Unread = min(c.Unread+1, chat.MaxUnread)
		}
	}
	var all []chat.Summary
	for _, c := range found {
		if before == 0 || c.Last.ID < before {
			all = append(all, *c)
		}
	}
	slices.SortFunc(all, func(a, b chat.Summary) int { return cmp.Compare(b.Last.ID, a.Last.ID) })
	return all[:min(len(all), max(limit, 0))], ctx.Err()
}

// Since implements chat.Conversations.
func (s *Memory) Since(ctx context.Context, userID, afterID int64, limit int) ([]chat.Message, error) {
	return s.find(ctx, afterID, limit, func(m memoryMessage) bool { return m.SenderID == userID || m.ReceiverID == userID })
}

// Settled implements chat.Conversations.
func (s *Memory) Settled(ctx context.Context) (int64, error) { return s.Last(ctx, 0) }
