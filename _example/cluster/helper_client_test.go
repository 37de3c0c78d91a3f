package cluster

import (
	"context"
	"testing"

	"fiberchat.example/_example/rig"
	"fiberchat.example/fiberchat/chat"
	"fiberchat.example/fiberchat/chattest"
)

// door is a way in.
type door string

const (
	native door = "native"
	sockjs door = "sockjs"
)

// initDone is the receipt of an init.
const initDone = "init"

// dial opens a session. An init waits for its subscription to messages, so
// that nothing comes before what was missed.
func dial(d door, addr string, user rig.Account) (*chattest.Conn, error) {
	options := []chattest.Option{chattest.Patience(patience)}
	if d == sockjs {
		options = append(options, chattest.SockJS("websocket"))
	}
	c, err := chattest.Open(context.Background(), addr, user.Token, options...)
	if err != nil {
		return nil, err
	}
	err = c.Connect(chattest.SendStatus, chattest.ReceiveStatus, chattest.Delivered, chattest.Failures)
	if err == nil {
		err = c.Init(initDone)
	}
	if err == nil {
		err = c.Subscribe(chattest.Inbox(user.ID))
	}
	if err == nil {
		_, err = c.Until(func(f chattest.Frame) bool { return f.Command == "CONNECTED" })
	}
	if err != nil {
		c.Cut()
		return nil, err
	}
	return c, nil
}

func mustDial(t *testing.T, d door, n *node, user rig.Account) *chattest.Conn {
	t.Helper()
	c, err := dial(d, n.addr, user)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(c.Cut)
	if _, err := c.Until(func(f chattest.Frame) bool { return f.Receipt() == initDone }); err != nil {
		t.Fatal(err)
	}
	return c
}

// wants returns the next MESSAGE, and fails when it has another destination.
func wants(t *testing.T, c *chattest.Conn, destination string) chattest.Frame {
	t.Helper()
	f, err := c.Until(func(f chattest.Frame) bool { return f.Command == "MESSAGE" })
	if err != nil {
		t.Fatal(err)
	}
	if !f.On(destination) {
		t.Fatalf("want %s, got %s", destination, f)
	}
	return f
}

// wantsMessage is wants for step 3, to whomever.
func wantsMessage(t *testing.T, c *chattest.Conn) chat.Message {
	t.Helper()
	f, err := c.Until(func(f chattest.Frame) bool { return f.Command == "MESSAGE" })
	if err != nil {
		t.Fatal(err)
	}
	m, err := f.Message()
	if err != nil || !f.IsMessage() {
		t.Fatalf("want a message, got %s: %v", f, err)
	}
	return m
}
