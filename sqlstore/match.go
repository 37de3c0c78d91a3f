package sqlstore

import "fiberchat.example/fiberchat/chat"

// choice finds the message that a Confirmation means among those offered: see
// chat.Confirmation for the order.
type choice struct {
	message   chat.Message
	confirmed bool
	rank      int // 0: none yet
}

func (c *choice) offer(r *chat.Confirmation, m *chat.Message, confirmed bool) {
	if m.ReceiverID != r.ReceiverID || (m.ChatID != r.ChatID && (r.ID == 0 || r.ChatID != "")) {
		return
	}
	rank := 1
	switch {
	case !confirmed && r.WasSent(m.ID):
		rank = 3
	case confirmed:
		rank = 2
	}
	if rank > c.rank || rank == c.rank && m.ID < c.message.ID {
		c.message, c.confirmed, c.rank = *m, confirmed, rank
	}
}

// sameOrConflict is the result of saving m where old is stored under its
// sender and chat id.
func sameOrConflict(old, m chat.Message) chat.Result {
	if old.ChatID != m.ChatID || old.ReceiverID != m.ReceiverID || old.Content != m.Content {
		return chat.Result{Message: old, Err: chat.ErrConflict}
	}
	return chat.Result{Message: old}
}
