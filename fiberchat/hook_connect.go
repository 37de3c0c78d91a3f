package fiberchat

import (
	"context"
	"sync"

	"fiberchat.example/fiberchat/chat"
)

// connectionHooks is OnConnect and OnDisconnect. What waits is whose sessions
// have changed, and what the app is told is how it is by then: so its last word
// is right, however late it comes.
type connectionHooks struct {
	hooks *hooks
	wake  chan struct{}
	told  map[int64]chat.User // who is up, as far as the app knows; run's own

	mu      sync.Mutex
	waiting []int64
	waits   map[int64]struct{} // the same, and whom run has taken
}

func newConnectionHooks(hs *hooks) *connectionHooks {
	h := &connectionHooks{
		hooks: hs, wake: make(chan struct{}, 1),
		told: make(map[int64]chat.User), waits: make(map[int64]struct{}),
	}
	hs.running.Go(h.run) // ended and waited for by hooks.close
	return h
}

// changed is called when a user's first session has come or the last one has gone.
func (h *connectionHooks) changed(userID int64) {
	if h == nil {
		return
	}
	if !h.add(userID) {
		h.hooks.drop(h.name(userID))
		return
	}
	select {
	case h.wake <- struct{}{}:
	default: // run has not looked since the last time
	}
}

// add reports whether the user waits. One who waits for long does so once.
func (h *connectionHooks) add(userID int64) bool {
	h.mu.Lock()
	defer h.mu.Unlock()
	if _, waits := h.waits[userID]; waits {
		return true
	}
	if len(h.waits) >= h.hooks.chat.cfg.Limits.Sessions {
		return false
	}
	h.waits[userID] = struct{}{}
	h.waiting = append(h.waiting, userID)
	return true
}

// take returns the users who wait.
func (h *connectionHooks) take() []int64 {
	h.mu.Lock()
	defer h.mu.Unlock()
	all := h.waiting
	h.waiting = nil
	return all
}

func (h *connectionHooks) run() {
	for range h.wake {
		for _, userID := range h.take() {
			h.mu.Lock()
			delete(h.waits, userID)
			h.mu.Unlock()
			h.tell(userID)
		}
	}
}

// name is the hook that is to hear of a user.
func (h *connectionHooks) name(userID int64) string {
	if len(h.hooks.chat.hub.Of(userID)) > 0 {
		return "OnConnect"
	}
	return "OnDisconnect"
}

// tell brings what the app knows of a user up to date.
func (h *connectionHooks) tell(userID int64) {
	up := h.hooks.chat.hub.Of(userID)
	user, told := h.told[userID]
	if told == (len(up) > 0) {
		return
	}
	name, f := "OnDisconnect", h.hooks.chat.cfg.OnDisconnect
	if told {
		delete(h.told, userID)
	} else {
		name, f = "OnConnect", h.hooks.chat.cfg.OnConnect
		user = up[0].identity.User
		h.told[userID] = user
	}
	if f != nil {
		h.hooks.tell(name, userID, func(ctx context.Context) { f(ctx, user) })
	}
}
