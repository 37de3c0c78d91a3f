package fiberchat

import (
	"strconv"
	"strings"

	"fiberchat.example/fiberchat/chat"
)

// What a client sends to. The misspellings are the protocol's.
const (
	toSend    = "/socket/chat/send"
	toConfirm = "/socket/chat/recive"
	toInit    = "/socket/chat/init"
	// toOldNotice is what the seed's web client also sends to; nothing is there.
	toOldNotice = "/socket/ntc/rcv"
)

// subject is what a subscription is about.
type subject uint8

const (
	aboutMessages      subject = iota // chat messages to the user
	aboutSendStatus                   // step 2
	aboutConfirmStatus                // step 5
	aboutFailures
	aboutDelivered
	aboutNothing // accepted for old clients; nothing ever comes
)

// subjectOf returns what a destination that u subscribes to is about, and false
// when u may not have it. A name is compared with u's own and never looked
// up: a user named "7" is not the user with id 7.
func subjectOf(destination string, u chat.User) (subject, bool) {
	switch destination {
	case "/user/queue/send/status":
		return aboutSendStatus, true
	case "/user/queue/recive/status":
		return aboutConfirmStatus, true
	case "/user/queue/status":
		return aboutFailures, true
	case "/user/queue/delivered":
		return aboutDelivered, true
	case "/user/queue/rcv/status":
		return aboutNothing, true
	}
	rest, ok := strings.CutPrefix(destination, "/user/")
	if !ok {
		return 0, false
	}
	own := func(who string) bool {
		return who != "" && (who == u.Name || who == strconv.FormatInt(u.ID, 10))
	}
	if who, ok := strings.CutSuffix(rest, "/recive"); ok && own(who) {
		return aboutMessages, true
	}
	if who, ok := strings.CutSuffix(rest, "/notice"); ok && own(who) {
		return aboutNothing, true
	}
	return 0, false
}
