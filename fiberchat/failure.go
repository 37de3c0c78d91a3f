package fiberchat

import (
	"cmp"
	"errors"
	"fmt"
	"strings"

	"fiberchat.example/fiberchat/chat"
	"fiberchat.example/fiberchat/internal/commit"
)

// failure is what a client is answered on /user/queue/status. This file is the
// only one that makes them, so that no cause of an error reaches a client.
type failure struct {
	code int
	name string // the error's name in the protocol
	text string // for people
}

// The codes of PROTOCOL's table.
const (
	codeUnauthorized = -200
	codeTryAgain     = -300
	codeForbidden    = -303
	codeRefused      = -400
	codeBadBody      = -401
	codeNotFound     = -404
)

func badJSON() *failure {
	return &failure{codeBadBody, "BadJSON", "the body is not a JSON object"}
}

func missingField(name string) *failure {
	return &failure{codeBadBody, "MissingField", name + " is missing"}
}

func badField(text string) *failure { return &failure{codeBadBody, "BadField", text} }

func contentTooLarge(limit int) *failure {
	return &failure{codeRefused, "TooLarge", fmt.Sprintf("content may have %d bytes of UTF-8", limit)}
}

func bodyTooLarge(limit int) *failure {
	return &failure{codeRefused, "TooLarge", fmt.Sprintf("the body may have %d bytes", limit)}
}

func noSuchDestination() *failure {
	return &failure{codeNotFound, "NoSuchDestination", "nothing takes messages there"}
}

var (
	failUnauthorized = &failure{codeUnauthorized, "Unauthorized", "the token is missing or not valid"}

	failToSelf      = &failure{codeRefused, "ToSelf", "sender and receiver are the same user"}
	failNoReceiver  = &failure{codeNotFound, "ReceiverNotFound", "there is no such receiver"}
	failNoMessage   = &failure{codeNotFound, "MessageNotFound", "no message with that msgID was sent to you"}
	failNoNotice    = &failure{codeNotFound, "NoticeNotFound", "no such notice was sent to you"}
	failSpoilt      = &failure{codeForbidden, "Forbidden", "the server made a text of it that it cannot keep"}
	failForbidden   = &failure{codeForbidden, "Forbidden", "you may not write to this user"}
	failReused      = &failure{codeBadBody, "MsgIDReused", "this msgID was used for another receiver or content"}
	failUnavailable = &failure{codeTryAgain, "StoreUnavailable", "not known to be stored: send again with the same msgID"}
	failPending     = &failure{codeRefused, "RateLimited", "the receiver has too many unconfirmed messages, try again later"}
	failNotAllowed  = &failure{codeForbidden, "Forbidden", "the server does not allow this"}
	failHandler     = &failure{codeTryAgain, "Internal", "the server could not do it, try again"}
	failInternal    = &failure{codeTryAgain, "Internal", "the server could not do it: send again with the same msgID"}
)

// failureOf turns what the app's code or the store said of an operation into
// what the client is answered; notFound is what chat.ErrNotFound means there.
func (ch *Chat) failureOf(err error, notFound *failure) *failure {
	switch {
	case errors.Is(err, chat.ErrConflict):
		return failReused
	case errors.Is(err, chat.ErrNotFound):
		return notFound
	default:
		return ch.tryAgain(err)
	}
}

// tryAgain is for an error after which nobody knows.
func (ch *Chat) tryAgain(err error) *failure {
	if panicked := (*commit.PanicError)(nil); errors.As(err, &panicked) {
		ch.metrics.Panics.Inc()
		return failInternal
	}
	return failUnavailable
}

// askAgain is f for what stores no message.
func askAgain(f *failure) *failure {
	return &failure{f.code, f.name, "the server could not do it now: ask again"}
}

// ruling is what a client is answered whom the app's own code, here named
// hook, did not let write. Only a refusal is final: whatever else it returns
// means that it could not find out.
func (ch *Chat) ruling(err error, hook string, from int64) *failure {
	if f := refusalOf(err, failForbidden); f != nil {
		return f
	}
	return ch.hookFailed(hook, err, from)
}

// handlerFailure is what a client is answered whose SEND a handler of the app's
// did not carry out.
func (ch *Chat) handlerFailure(err error, destination string, from int64) *failure {
	if f := refusalOf(err, failNotAllowed); f != nil {
		return f
	}
	ch.cfg.Logger.Error("handle a frame", "destination", destination, "error", err, "user", from)
	_ = ch.tryAgain(err) // counts a panic
	return failHandler
}

// refusalOf returns the app's refusal, in forbidden's words where it has none
// of its own, and nil for any other error.
func refusalOf(err error, forbidden *failure) *failure {
	var refusal *chat.RefusalError
	switch {
	case errors.As(err, &refusal):
		return &failure{
			codeForbidden,
			cmp.Or(strings.ToValidUTF8(refusal.Name, "\uFFFD"), forbidden.name),
			cmp.Or(strings.ToValidUTF8(refusal.Text, "\uFFFD"), forbidden.text),
		}
	case errors.Is(err, chat.ErrForbidden):
		return forbidden
	}
	return nil
}

// guard calls the app's code and turns a panic into an error.
func guard[T any](call func() (T, error)) (v T, err error) {
	defer func() {
		if p := recover(); p != nil {
			err = &commit.PanicError{Value: p}
		}
	}()
	return call()
}
