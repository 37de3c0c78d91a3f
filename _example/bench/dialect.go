//go:build linux

package main

import (
	"bytes"
	"fmt"
	"strings"
)

// Every msgID has 40 characters, as a SHA-1 in hex; a frame is built once
// with noID in its place and gets the real one written over it.
const idSize = 40

var noID = strings.Repeat("#", idSize)

// writeID writes the n-th msgID: scattered over the whole range as hashes
// are, because an index knows the difference.
func writeID(id []byte, n uint64) {
	const digits = "0123456789abcdef"
	state := n * 0x9e3779b97f4a7c15
	for i := range id[:idSize] {
		if i%16 == 0 { // splitmix64, one to one: different n never meet
			state += 0x9e3779b97f4a7c15
			n = (state ^ state>>30) * 0xbf58476d1ce4e5b9
			n = (n ^ n>>27) * 0x94d049bb133111eb
			n ^= n >> 31
		}
		id[i] = digits[n>>(i%16*4)&15]
	}
}

// benchContent is what everybody says: short, and mostly of three-octet
// characters, as chat is where this protocol comes from.
const benchContent = "晚上一起吃饭吗？老地方见 (=ↀωↀ=)"

// event is what a message from a server means to the closed loop.
type event int

const (
	other event = iota
	statusEvent
	messageEvent
	confirmedEvent
	failureEvent
)

// dialect is how a client speaks to one of the servers. User 2n sends to
// user 2n+1.
type dialect struct {
	path    func(user int) string
	hello   func(user int) []string   // what a client says first
	ready   func(payload []byte) bool // the answer that all of it was carried out
	send    func(to int, msgID, content string) string
	confirm func(msgID string) string
	event   func(payload []byte) event
	// reply, unless nil, makes the confirmation of each message anew.
	reply func(message []byte, msgID string) string
}

var dialects = map[string]dialect{
	"relay":     relayDialect,
	"byhand":    byHandDialect,
	"fiberchat": stompDialect,
	"limited":   stompDialect,
	"unlimited": stompDialect,
}

var relayDialect = dialect{
	path:  func(user int) string { return fmt.Sprintf("/client?user=%d", user) },
	hello: func(int) []string { return nil },
	ready: func(p []byte) bool { return string(p) == "welcome" },
	send: func(to int, msgID, content string) string {
		return padTo("m"+msgID, len(stompDialect.send(to, msgID, content)))
	},
	confirm: func(msgID string) string { return padTo("r"+msgID, len(stompDialect.confirm(msgID))) },
	event: func(p []byte) event {
		switch p[0] {
		case 's':
			return statusEvent
		case 'm':
			return messageEvent
		case 'c':
			return confirmedEvent
		}
		return other
	},
}

func padTo(s string, size int) string { return s + strings.Repeat(".", max(0, size-len(s))) }

var byHandDialect = dialect{
	path:  relayDialect.path,
	hello: relayDialect.hello,
	ready: func(p []byte) bool { return bytes.HasPrefix(p, []byte(`{"type":"welcome"`)) },
	send: func(to int, msgID, content string) string {
		return fmt.Sprintf(`{"type":"send","msgID":"%s","receiver":%d,"content":"%s"}`, msgID, to, content)
	},
	confirm: func(msgID string) string { return fmt.Sprintf(`{"type":"confirm","msgID":"%s"}`, msgID) },
	event: func(p []byte) event {
		switch {
		case bytes.HasPrefix(p, []byte(`{"type":"message"`)):
			return messageEvent
		case !bytes.Contains(p, []byte(`"code":200`)):
			return failureEvent
		case bytes.HasPrefix(p, []byte(`{"type":"status"`)):
			return statusEvent
		case bytes.HasPrefix(p, []byte(`{"type":"confirmed"`)):
			return confirmedEvent
		}
		return other
	},
}

// stompDialect has the subscriptions of every real client, told apart by the
// one character of their ids.
var stompDialect = dialect{
	path: func(user int) string { return "/client?srect=" + tokenOf(user) },
	hello: func(user int) []string {
		return []string{
			"CONNECT\naccept-version:1.2\nhost:bench\nheart-beat:0,0\n\n\x00",
			fmt.Sprintf("SUBSCRIBE\nid:m\ndestination:/user/%d/recive\n\n\x00", userID(user)),
			"SUBSCRIBE\nid:s\ndestination:/user/queue/send/status\n\n\x00",
			"SUBSCRIBE\nid:c\ndestination:/user/queue/recive/status\n\n\x00",
			"SUBSCRIBE\nid:f\ndestination:/user/queue/status\nreceipt:ready\n\n\x00",
		}
	},
	ready: func(p []byte) bool { return bytes.HasPrefix(p, []byte("RECEIPT\n")) },
	send: func(to int, msgID, content string) string {
		return fmt.Sprintf("SEND\ndestination:/socket/chat/send\n\n"+`{"msgID":"%s","reciverId":%d,"content":"%s"}`+"\x00", msgID, userID(to), content)
	},
	confirm: func(msgID string) string {
		return fmt.Sprintf("SEND\ndestination:/socket/chat/recive\n\n"+`{"msgID":"%s"}`+"\x00", msgID)
	},
	event: func(p []byte) event {
		_, after, found := bytes.Cut(p, []byte("\nsubscription:"))
		switch {
		case bytes.HasPrefix(p, []byte("ERROR")):
			return failureEvent
		case !found || len(after) == 0:
			return other
		case after[0] == 'm':
			return messageEvent
		case !bytes.Contains(after, []byte(`"code":200`)):
			return failureEvent
		case after[0] == 's':
			return statusEvent
		case after[0] == 'c':
			return confirmedEvent
		}
		return other
	},
}

// userID, nameOf and tokenOf say who the users are that the bench's fiberchat
// knows.
func userID(user int) int     { return user + 1 }
func nameOf(user int) string  { return fmt.Sprintf("bench%d", user) }
func tokenOf(user int) string { return fmt.Sprintf("bench-token-%d", user) }
