package chat

import (
	"encoding/json"
	"time"
)

// payload is a Message as the wire has it, misspellings included.
type payload struct {
	ID           int64  `json:"id"`
	ChatID       string `json:"chatID"`
	SenderName   string `json:"sender"`
	ReceiverName string `json:"reciver"`
	Content      string `json:"content"`
	Time         int64  `json:"time"`
	SenderID     int64  `json:"senderId"`
	ReceiverID   int64  `json:"reciverId"`
	ConfirmedAt  int64  `json:"confirmedTime,omitempty"`
}

// MarshalJSON writes the message as clients get it, times in milliseconds since
// 1970, and confirmedTime where it is confirmed.
func (m Message) MarshalJSON() ([]byte, error) {
	p := payload{m.ID, m.ChatID, m.SenderName, m.ReceiverName, m.Content, m.Time.UnixMilli(), m.SenderID, m.ReceiverID, 0}
	if !m.ConfirmedAt.IsZero() {
		p.ConfirmedAt = m.ConfirmedAt.UnixMilli()
	}
	return json.Marshal(p)
}

// UnmarshalJSON reads what MarshalJSON writes.
func (m *Message) UnmarshalJSON(b []byte) error {
	var p payload
	if err := json.Unmarshal(b, &p); err != nil {
		return err
	}
	*m = Message{
		ID: p.ID, ChatID: p.ChatID, SenderName: p.SenderName, ReceiverName: p.ReceiverName, Content: p.Content,
		Time: time.UnixMilli(p.Time).UTC(), SenderID: p.SenderID, ReceiverID: p.ReceiverID,
	}
	if p.ConfirmedAt != 0 {
		m.ConfirmedAt = time.UnixMilli(p.ConfirmedAt).UTC()
	}
	return nil
}
