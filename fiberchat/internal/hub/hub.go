// Package hub knows which sessions of which users are up on this node.
package hub

import (
	"slices"
	"sync"
)

// Hub maps users to their live sessions, the oldest first. Safe for
// concurrent use; nothing blocks while its lock is held.
type Hub[S comparable] struct {
	mu    sync.RWMutex
	users map[int64][]S // the slices are never changed in place
	count int
}

// New returns an empty hub.
func New[S comparable]() *Hub[S] { return &Hub[S]{users: make(map[int64][]S)} }

// Add puts a session in. It returns all of the user's sessions, as Of does,
// and false, adding nothing, when the hub holds total already.
func (h *Hub[S]) Add(userID int64, s S, total int) (all []S, ok bool) {
	h.mu.Lock()
	defer h.mu.Unlock()
	if total > 0 && h.count >= total {
		return nil, false
	}
	have := append(slices.Clip(h.users[userID]), s)
	h.users[userID] = have
	h.count++
	return have, true
}

// Remove takes a session out, and reports whether it was the user's last one.
func (h *Hub[S]) Remove(userID int64, s S) (last bool) {
	h.mu.Lock()
	defer h.mu.Unlock()
	have := h.users[userID]
	i := slices.Index(have, s)
	if i < 0 {
		return false
	}
	h.count--
	if len(have) == 1 {
		delete(h.users, userID)
		return true
	}
	h.users[userID] = slices.Concat(have[:i], have[i+1:])
	return false
}

// Of returns a user's sessions, the oldest first. The caller must not change
// the slice.
func (h *Hub[S]) Of(userID int64) []S {
	h.mu.RLock()
	defer h.mu.RUnlock()
	return h.users[userID]
}

// All returns every session.
func (h *Hub[S]) All() []S {
	h.mu.RLock()
	defer h.mu.RUnlock()
	all := make([]S, 0, h.count)
	for _, ss := range h.users {
		all = append(all, ss...)
	}
	return all
}

// Len returns how many sessions there are.
func (h *Hub[S]) Len() int {
	h.mu.RLock()
	defer h.mu.RUnlock()
	return h.count
}
