package chat

import "errors"

// The errors of the contracts in this package. Implementations return them as
// they are or wrapped; callers test with errors.Is.
var (
	// ErrUnauthorized: the token is missing or not known.
	ErrUnauthorized = errors.New("chat: token not valid")
	// ErrExpired: the token was valid once.
	ErrExpired = errors.New("chat: token expired")
	// ErrNotFound: no such user, or no such message for this receiver.
	ErrNotFound = errors.New("chat: not found")
	// ErrConflict: the sender used this ChatID for another receiver or content.
	ErrConflict = errors.New("chat: msgID already used for another message")
	// ErrForbidden: the app refuses it for good. Refuse says why.
	ErrForbidden = errors.New("chat: forbidden")
)
