package stomp

import "fmt"

// Error is a fault that ends the session: an ERROR frame, then a close.
type Error struct {
	// Token is the ERROR frame's message header: no space, no colon, never
	// empty, since clients in the field cannot parse more.
	Token string
	// Text is the prose of the body.
	Text string
	// Code is the WebSocket close code that follows.
	Code int
	// Receipt is the receipt id of the frame at fault, "" when there is none.
	// For an Error that a Handler returns the session sets it.
	Receipt string
}

func (e *Error) Error() string { return "stomp: " + e.Token + ": " + e.Text }

func badFrame(format string, args ...any) *Error {
	return &Error{Token: "bad-frame", Text: fmt.Sprintf(format, args...), Code: CloseProtocolError}
}

func tooLarge(format string, args ...any) *Error {
	return &Error{Token: "frame-too-large", Text: fmt.Sprintf(format, args...), Code: CloseTooLarge}
}

// NotAllowed is the fault of a client that asks for what it may not have.
func NotAllowed(text string) *Error {
	return &Error{Token: "not-allowed", Text: text, Code: ClosePolicy}
}
