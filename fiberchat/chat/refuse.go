package chat

// A RefusalError is a refusal with the app's own words; Refuse makes one.
type RefusalError struct{ Name, Text string }

// Refuse returns an error that refuses for good: the client is answered code
// -303 with this name, for its program, and this text, for its user. Empty ones
// are those of ErrForbidden, which it is by errors.Is.
func Refuse(name, text string) error { return &RefusalError{name, text} }

func (e *RefusalError) Error() string { return "chat: refused: " + e.Name + ": " + e.Text }

// Is makes it an ErrForbidden.
func (e *RefusalError) Is(target error) bool { return target == ErrForbidden }
