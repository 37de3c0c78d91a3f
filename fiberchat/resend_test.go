package fiberchat_test

import (
	"context"
	"path/filepath"
	"strings"
	"sync/atomic"
	"testing"

	"fiberchat.example/fiberchat"
	"fiberchat.example/fiberchat/chat"
)

func TestResend(t *testing.T) {
	t.Parallel()
	path := filepath.Join(t.TempDir(), "chat.db")
	var first chat.Message
	t.Run("before the restart", func(t *testing.T) {
		s := serve(t, fiberchat.Config{Store: openStoreAt(t, path)})
		a, b := online(t, s.addr, "alice"), online(t, s.addr, "bob")
		a.tell("m1", 2, "x")
		first = b.message("/user/bob/recive").message(t)
		a.tell("m1", 2, "x")
		a.send("/socket/chat/send", `{"message":"\u0078","reciverId":"2","msgID":"m1"}`) // the same, spelt otherwise
		a.message(sendStatus).wantBody(t, success("m1"))
		a2 := online(t, s.addr, "alice")
		a2.tell("m1", 2, "x")
		a.nothing()
		b.nothing()
	})
	t.Run("after it", func(t *testing.T) {
		s := serve(t, fiberchat.Config{Store: openStoreAt(t, path)})
		a, b := online(t, s.addr, "alice"), online(t, s.addr, "bob")
		a.tell("m1", 2, "x")
		b.nothing()
		b.init()
		if got := b.message("/user/bob/recive").message(t); got != first {
			t.Errorf("replayed %v, want %v", got, first)
		}
		b.receipt("init")
		b.confirmed("m1", 0)
		a.tell("m1", 2, "x") // also once it is confirmed
		if got := b.pending(); len(got) > 0 {
			t.Error("pending:", got)
		}
	})
}

// TestResendInOneBurst: both may be in one commit.
func TestResendInOneBurst(t *testing.T) {
	t.Parallel()
	s := serve(t, fiberchat.Config{})
	a, b := online(t, s.addr, "alice"), online(t, s.addr, "bob")
	frame := "SEND\ndestination:/socket/chat/send\n\n" + sendBody("m1", 2, "x") + "\x00"
	a.raw(strings.Repeat(frame, 20))
	for range 20 {
		a.message(sendStatus).wantBody(t, success("m1"))
	}
	b.message("/user/bob/recive")
	b.nothing()
}

func TestMsgIDReused(t *testing.T) {
	t.Parallel()
	s := serve(t, fiberchat.Config{})
	a, b, c := online(t, s.addr, "alice"), online(t, s.addr, "bob"), online(t, s.addr, "carol")
	a.tell("m1", 2, "x")
	b.message("/user/bob/recive")
	a.say("m1", 2, "y")
	a.refused("m1", -401, "MsgIDReused")
	a.say("m1", 3, "x")
	a.refused("m1", -401, "MsgIDReused")
	a.raw("SEND\ndestination:/socket/chat/send\n\n" + sendBody("m1", 2, "X") + "\x00")
	a.refused("m1", -401, "MsgIDReused")
	a.nothing()
	b.nothing()
	c.nothing()
	if got := c.pending(); len(got) > 0 {
		t.Error("stored:", got)
	}
}

func TestMsgIDIsPerSender(t *testing.T) {
	t.Parallel()
	s := serve(t, fiberchat.Config{})
	a, b, c := online(t, s.addr, "alice"), online(t, s.addr, "bob"), online(t, s.addr, "carol")
	a.tell("m1", 2, "from a")
	one := b.message("/user/bob/recive").message(t)
	c.tell("m1", 2, "from c")
	two := b.message("/user/bob/recive").message(t)
	b.tell("m1", 1, "from b")
	if one.SenderName != "alice" || two.SenderName != "carol" || one.ID >= two.ID {
		t.Error(one, two)
	}
	if got := a.message("/user/alice/recive").message(t); got.SenderName != "bob" {
		t.Error(got)
	}
}

// TestResendOfWhatWasAccepted: what CanSend and the Directory say by now is
// about new messages.
func TestResendOfWhatWasAccepted(t *testing.T) {
	t.Parallel()
	var closed atomic.Bool
	p := newPeople("alice", "bob")
	store := openStore(t)
	s := serve(t, fiberchat.Config{Store: store, Authenticator: p, Directory: p, CanSend: func(context.Context, chat.User, chat.User) error {
		if closed.Load() {
			return chat.ErrForbidden
		}
		return nil
	}})
	a := online(t, s.addr, "alice")
	a.tell("m1", 2, "x")
	closed.Store(true)
	a.tell("m1", 2, "x")
	a.say("m2", 2, "x")
	a.refused("m2", -303, "Forbidden")
	p.mu.Lock()
	p.users = p.users[:1]
	p.mu.Unlock()
	s = serve(t, fiberchat.Config{Store: store, Authenticator: p, Directory: p}) // which does not remember bob
	a = online(t, s.addr, "alice")
	a.tell("m1", 2, "x")
	a.say("m2", 2, "x")
	a.refused("m2", -404, "ReceiverNotFound")
}

// TestRefusedWhileNobodyKnows: while the store cannot say whether a message was
// accepted before, its sender is not told that it is refused for good.
func TestRefusedWhileNobodyKnows(t *testing.T) {
	t.Parallel()
	for _, fault := range faults {
		t.Run(fault.name, func(t *testing.T) {
			t.Parallel()
			s := serve(t, fiberchat.Config{
				Store: &findless{openStore(t), fault}, Timeouts: fiberchat.Timeouts{Store: quick},
				CanSend: func(context.Context, chat.User, chat.User) error { return chat.ErrForbidden },
			})
			a := online(t, s.addr, "alice")
			a.say("m1", 2, "x")
			a.tryAgain("m1")
		})
	}
}
