package fiberchat

import (
	"context"

	lru "github.com/hashicorp/golang-lru/v2"

	"fiberchat.example/fiberchat/chat"
)

// maxHooked is how many messages may wait for a hook.
const maxHooked = 1024

// messageHook is AfterSave or AfterConfirm, and the messages that it is yet to
// hear of, in order.
type messageHook struct {
	hooks   *hooks
	name    string
	f       func(ctx context.Context, m chat.Message)
	waiting chan chat.Message
	// unknown is the operations that had no known outcome: a repetition that
	// finds one carried out is the first that the app can hear of it.
	unknown *lru.Cache[operation, struct{}]
}

// operation is a message by its sender, or a confirmation by its receiver.
type operation struct {
	userID int64
	msgID  string
}

func newMessageHook(hs *hooks, name string, f func(context.Context, chat.Message)) *messageHook {
	unknown, err := lru.New[operation, struct{}](maxHooked)
	if err != nil {
		panic(err) // only for a size of 0
	}
	h := &messageHook{hooks: hs, name: name, f: f, waiting: make(chan chat.Message, maxHooked), unknown: unknown}
	hs.running.Go(h.run) // ended and waited for by hooks.close
	return h
}

// add leaves what an operation of the user's has changed for run. It does not block.
func (h *messageHook) add(userID int64, msgID string, r *chat.Result, err error) {
	if h == nil {
		return
	}
	op := operation{userID, msgID}
	if err != nil {
		if isUnknown(err) {
			h.unknown.Add(op, struct{}{})
		}
		return
	}
	if !h.unknown.Remove(op) && !r.Changed {
		return
	}
	select {
	case h.waiting <- r.Message:
	default:
		h.hooks.drop(h.name)
	}
}

func (h *messageHook) run() {
	for m := range h.waiting {
		h.hooks.tell(h.name, m.SenderID, func(ctx context.Context) { h.f(ctx, m) })
	}
}
