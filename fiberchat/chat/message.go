package chat

import "time"

// Message is one chat message as it is stored and delivered.
type Message struct {
	// ID is the server's serial, positive and growing.
	ID int64
	// ChatID is the sender's own serial (the msgID of the wire), unique per
	// sender and compared byte by byte.
	ChatID string
	// SenderID and ReceiverID are user ids.
	SenderID, ReceiverID int64
	// SenderName and ReceiverName are the names at the time of sending. They
	// are stored, so that a replay looks nobody up.
	SenderName, ReceiverName string
	// Content is the text, valid UTF-8 without NUL.
	Content string
	// Time is when the server took the message, in whole milliseconds UTC.
	Time time.Time
	// ConfirmedAt is when the receiver confirmed it, in whole milliseconds
	// UTC; the zero time: not yet.
	ConfirmedAt time.Time
}

// Confirmation is a receiver's confirmation of one message.
//
// It names the message so: the one with ID, if ID is not zero (and ChatID,
// if that is not empty, must be that message's); else the oldest unconfirmed
// one with ChatID that WasSent; else, if one with ChatID is confirmed already,
// that one, and nothing changes; else the oldest unconfirmed one with ChatID.
// Only messages addressed to ReceiverID count.
type Confirmation struct {
	ReceiverID int64
	ChatID     string
	ID         int64
	// Sent holds the ids of messages that were sent to the session that
	// confirms.
	Sent []Range
	// Time is when the server took the confirmation, in whole milliseconds UTC.
	Time time.Time
}

// Range is the ids above After, up to and with UpTo.
type Range struct{ After, UpTo int64 }

// WasSent reports whether the message was sent to the session that confirms.
func (r *Confirmation) WasSent(id int64) bool {
	for _, sent := range r.Sent {
		if id > sent.After && id <= sent.UpTo {
			return true
		}
	}
	return false
}

// Op is one thing to make durable: Save or Confirm, never both.
type Op struct {
	// Save is a message to store. Its ID and ConfirmedAt are ignored.
	Save    *Message
	Confirm *Confirmation
}

// Result is what became of one Op.
type Result struct {
	// Message is the stored message: the one saved, the one that was stored
	// before under the same SenderID and ChatID (with ErrConflict too), or the
	// one confirmed, with the ConfirmedAt that it has after this operation.
	Message Message
	// Previous is for a Save that Changed something: no message to the same
	// receiver has, or ever gets, an id between Previous and the message's own.
	Previous int64
	// Changed reports whether this operation stored or confirmed something;
	// false for a repetition.
	Changed bool
	// Err is ErrConflict, ErrNotFound, or this operation's own failure. The
	// other operations of the same call are not harmed by it.
	Err error
}
