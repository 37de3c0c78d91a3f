package storetest

import (
	"context"
	"slices"
	"time"

	"fiberchat.example/fiberchat/chat"
)

var _ chat.PresenceStore = (*Memory)(nil)

// memoryPresence is guarded by its Memory's mu.
type memoryPresence struct {
	nodes map[int64]*memoryNode
	seen  map[int64]time.Time
}

type memoryNode struct {
	beat   time.Time
	buried bool // some of its users
	users  map[int64]bool
}

// SavePresence implements chat.PresenceStore.
func (s *Memory) SavePresence(ctx context.Context, node int64, changes []chat.Presence) (alive bool, err error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if err := ctx.Err(); err != nil {
		return false, err
	}
	if s.presence.nodes == nil {
		s.presence.nodes, s.presence.seen = make(map[int64]*memoryNode), make(map[int64]time.Time)
	}
	n := s.presence.nodes[node]
	if alive = n != nil && !n.buried; n == nil {
		n = &memoryNode{users: make(map[int64]bool)}
		s.presence.nodes[node] = n
	}
	n.beat, n.buried = time.Now(), false
	for _, c := range changes {
		if c.Online {
			n.users[c.UserID] = true
			continue
		}
		delete(n.users, c.UserID)
		s.presence.see(c.UserID, c.LastSeen)
	}
	return alive, nil
}

func (p *memoryPresence) see(userID int64, at time.Time) {
	if at = at.UTC().Truncate(time.Millisecond); at.After(p.seen[userID]) {
		p.seen[userID] = at
	}
}

// Presence implements chat.PresenceStore.
func (s *Memory) Presence(ctx context.Context, exceptNode int64, timeout time.Duration, userIDs []int64) (found []chat.Presence, err error) {
	s.mu.RLock()
	defer s.mu.RUnlock()
	for _, id := range userIDs {
		at, known := s.presence.seen[id]
		p := chat.Presence{UserID: id, LastSeen: at}
		for number, n := range s.presence.nodes {
			if number == exceptNode || !n.users[id] {
				continue
			}
			known = true
			if !n.dead(timeout) {
				p.Online = true
			} else if beat := n.beat.UTC().Truncate(time.Millisecond); beat.After(p.LastSeen) {
				p.LastSeen = beat
			}
		}
		if known && !slices.Contains(found, p) {
			found = append(found, p)
		}
	}
	return found, ctx.Err()
}

func (n *memoryNode) dead(timeout time.Duration) bool { return time.Since(n.beat) >= timeout }

// BuryNodes implements chat.PresenceStore.
func (s *Memory) BuryNodes(ctx context.Context, timeout time.Duration, limit int) (more bool, err error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	for number, n := range s.presence.nodes {
		if !n.dead(timeout) {
			continue
		}
		n.buried = true
		for id := range n.users {
			if limit--; limit < 0 {
				return true, ctx.Err()
			}
			delete(n.users, id)
			s.presence.see(id, n.beat)
		}
		delete(s.presence.nodes, number)
		return true, ctx.Err()
	}
	return false, ctx.Err()
}
