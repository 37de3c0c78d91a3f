package fiberchat_test

import (
	"context"
	"testing"

	"fiberchat.example/fiberchat/chattest"
)

// door is a way in: the tests of the wire run through each.
type door string

const (
	native door = "native"
	raw    door = "raw-websocket" // SockJS's, without its frames
	sockws door = "websocket"     // of SockJS
	xhr    door = "xhr-polling"   // of SockJS
)

// eachDoor runs a test through every door.
func eachDoor(t *testing.T, test func(t *testing.T, d door)) {
	t.Helper()
	for _, d := range []door{native, sockws, xhr} {
		t.Run(string(d), func(t *testing.T) {
			t.Parallel()
			test(t, d)
		})
	}
}

// open opens a door below prefix.
func (d door) open(addr, prefix, token string) (*chattest.Conn, error) {
	transport := string(d)
	if d == native {
		transport = ""
	}
	return chattest.Open(context.Background(), addr, token, chattest.SockJS(transport), chattest.Prefix(prefix), chattest.Patience(patience))
}
