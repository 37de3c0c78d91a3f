package chattest

import (
	"encoding/json"
	"fmt"
	"strings"
	"time"

	"fiberchat.example/fiberchat/chat"
)

// The destinations of a user's own queues.
const (
	SendStatus    = "/user/queue/send/status"   // step 2
	ReceiveStatus = "/user/queue/recive/status" // step 5
	Failures      = "/user/queue/status"
	Delivered     = "/user/queue/delivered" // notifies the sender when the receiver has confirmed
)

// Inbox is where the messages to a user come, whose name or id user is.
func Inbox[T string | int64](user T) string { return fmt.Sprintf("/user/%v/recive", user) }

// Frame is what a server sends. Headers stand as they are on the wire, with
// their escapes; of repeated ones the first counts.
type Frame struct {
	Command string
	Headers map[string]string
	Body    string
}

// ParseFrame reads one whole frame, with the NUL at its end or without.
func ParseFrame(s string) Frame {
	head, body, _ := strings.Cut(s, "\n\n")
	lines := strings.Split(head, "\n")
	f := Frame{Command: lines[0], Headers: make(map[string]string, len(lines)-1), Body: strings.TrimSuffix(body, "\x00")}
	for _, line := range lines[1:] {
		name, value, _ := strings.Cut(line, ":")
		if _, repeated := f.Headers[name]; !repeated {
			f.Headers[name] = value
		}
	}
	return f
}

func (f Frame) String() string { return fmt.Sprintf("%s %v %.200s", f.Command, f.Headers, f.Body) }

// On reports whether f is a MESSAGE of that destination.
func (f Frame) On(destination string) bool {
	return f.Command == "MESSAGE" && f.Headers["destination"] == destination
}

// IsMessage reports whether f is step 3, whoever it is for.
func (f Frame) IsMessage() bool {
	return f.Command == "MESSAGE" && strings.HasSuffix(f.Headers["destination"], "/recive")
}

// Receipt is the id of the receipt that f is, "" when it is none.
func (f Frame) Receipt() string {
	if f.Command != "RECEIPT" {
		return ""
	}
	return f.Headers["receipt-id"]
}

// Message reads the body of step 3.
func (f Frame) Message() (chat.Message, error) {
	var m struct {
		ID         int64  `json:"id"`
		ChatID     string `json:"chatID"`
		Sender     string `json:"sender"`
		Receiver   string `json:"reciver"`
		Content    string `json:"content"`
		Time       int64  `json:"time"`
		SenderID   int64  `json:"senderId"`
		ReceiverID int64  `json:"reciverId"`
	}
	if err := json.Unmarshal([]byte(f.Body), &m); err != nil {
		return chat.Message{}, fmt.Errorf("read message %.200q: %w", f.Body, err)
	}
	return chat.Message{
		ID: m.ID, ChatID: m.ChatID, SenderID: m.SenderID, ReceiverID: m.ReceiverID,
		SenderName: m.Sender, ReceiverName: m.Receiver, Content: m.Content, Time: time.UnixMilli(m.Time).UTC(),
	}, nil
}

// Status is what became of a message or of a confirmation.
type Status struct {
	MsgID string // "" when the server could not read it
	Code  int    // 200: done; negative: a failure
	Error string // the name of a failure, such as RateLimited
	Text  string // and its prose
}

// Status reads the body of steps 2 and 5, of a failure and of a notice that a
// message was delivered.
func (f Frame) Status() (Status, error) {
	var s struct {
		MsgID   string
		Code    int
		Content json.RawMessage
	}
	if err := json.Unmarshal([]byte(f.Body), &s); err != nil {
		return Status{}, fmt.Errorf("read status %.200q: %w", f.Body, err)
	}
	var failure struct{ Error, Message string }
	if len(s.Content) > 0 && s.Content[0] == '{' {
		if err := json.Unmarshal(s.Content, &failure); err != nil {
			return Status{}, fmt.Errorf("read status %.200q: %w", f.Body, err)
		}
	}
	return Status{MsgID: s.MsgID, Code: s.Code, Error: failure.Error, Text: failure.Message}, nil
}
