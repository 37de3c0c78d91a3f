package fiberchat

import (
	"net/url"
	"strconv"
	"strings"

	"fiberchat.example/fiberchat/chat"
	"fiberchat.example/sqlstore"
)

// What a client sends to. The misspellings are the protocol's.
const (
	// toApp begins what Handle takes, appQueue what Push and Reply send to.
	toApp    = "/app/"
	appQueue = "/user/queue/app/"

	toConfirmNotice = "/socket/ntc/rcv"
	toSend          = "/socket/chat/send"
	toConfirm       = "/socket/chat/recive"
	toInit          = "/socket/chat/init"
	toRead          = "/socket/chat/read"
	toConversations = "/socket/chat/conversations"
	toHistory       = "/socket/chat/history"
	toSync          = "/socket/chat/sync"
)

// subject is what a subscription is about.
type subject uint8

const (
	aboutMessages      subject = iota // chat messages to the user
	aboutSendStatus                   // step 2
	aboutConfirmStatus                // step 5
	aboutFailures
	aboutDelivered
	aboutApp           // a queue of the app's own
	aboutNotices       // notices to the user
	aboutNoticeStatus  // the answer to a confirmed notice
	aboutSent          // what the user's other sessions send
	aboutRead          // what was read
	aboutConversations // answers
	aboutHistory
	aboutSync
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
	case "/user/queue/sent":
		return aboutSent, true
	case "/user/queue/read":
		return aboutRead, true
	case "/user/queue/conversations":
		return aboutConversations, true
	case "/user/queue/history":
		return aboutHistory, true
	case "/user/queue/sync":
		return aboutSync, true
	case "/user/queue/rcv/status":
		return aboutNoticeStatus, true
	}
	rest, ok := strings.CutPrefix(destination, "/user/")
	if !ok {
		return 0, false
	}
	if who, ok := strings.CutSuffix(rest, "/recive"); ok && isOwn(who, u) {
		return aboutMessages, true
	}
	if who, ok := strings.CutSuffix(rest, "/notice"); ok && isOwn(who, u) {
		return aboutNotices, true
	}
	if queue, ok := strings.CutPrefix(destination, appQueue); ok {
		return aboutApp, validQueue(queue)
	}
	return 0, false
}

// isOwn reports whether who is u's id, or u's name in any spelling: another
// case, Unicode form or width, and percent-encoded, as some clients write URLs.
func isOwn(who string, u chat.User) bool {
	if who == "" {
		return false
	}
	if who == u.Name || who == strconv.FormatInt(u.ID, 10) {
		return true
	}
	if decoded, err := url.PathUnescape(who); err == nil {
		who = decoded
	}
	key := sqlstore.NameKey(who)
	return key != "" && who == strings.TrimSpace(who) && key == sqlstore.NameKey(u.Name)
}
