package fiberchat_test

import (
	"slices"
	"testing"

	"fiberchat.example/fiberchat"
)

func TestConfirmRefused(t *testing.T) {
	t.Parallel()
	s := serve(t, fiberchat.Config{})
	a, b := online(t, s.addr, "alice"), online(t, s.addr, "bob")
	a.tell("m1", 2, "x")
	id := b.message("/user/bob/recive").message(t).ID
	for _, c := range []struct {
		body, msgID string
		code        int
		name        string
	}{
		{``, "", -401, "BadJSON"}, {`null`, "", -401, "BadJSON"}, {`[]`, "", -401, "BadJSON"}, {`{`, "", -401, "BadJSON"},
		{`{}`, "", -401, "MissingField"}, {`{"id":1}`, "", -401, "MissingField"}, {`{"msgID":null}`, "", -401, "MissingField"},
		{`{"msgID":7}`, "", -401, "BadField"}, {`{"msgID":""}`, "", -401, "BadField"}, {`{"msgID":"a b"}`, "", -401, "BadField"},
		{`{"msgID":"m1","id":0}`, "m1", -401, "BadField"}, {`{"msgID":"m1","id":-1}`, "m1", -401, "BadField"},
		{`{"msgID":"m1","id":1.5}`, "m1", -401, "BadField"}, {`{"msgID":"m1","id":[]}`, "m1", -401, "BadField"},
		{`{"msgID":"m1","id":99999999999999999999}`, "m1", -401, "BadField"},
		{`{"msgID":"m2"}`, "m2", -404, "MessageNotFound"},
		{`{"msgID":"M1"}`, "M1", -404, "MessageNotFound"},
		{`{"msgID":"m1","id":999999}`, "m1", -404, "MessageNotFound"},
		{`{"msgID":"%"}`, "%", -404, "MessageNotFound"},
	} {
		b.raw("SEND\ndestination:/socket/chat/recive\n\n" + c.body + "\x00")
		b.refused(c.msgID, c.code, c.name)
		b.nothing()
		if t.Failed() {
			t.Fatalf("of %.100q", c.body)
		}
	}
	// The id of one and the msgID of another is none.
	a.tell("m9", 2, "x")
	b.message("/user/bob/recive")
	b.confirm("m9", id)
	b.refused("m9", -404, "MessageNotFound")
	if got := b.pending(); !slices.Equal(got, []string{"m1", "m9"}) {
		t.Error("pending:", got)
	}
}

func TestConfirmSomeoneElses(t *testing.T) {
	t.Parallel()
	eachDoor(t, func(t *testing.T, d door) {
		s := serve(t, fiberchat.Config{})
		a, b, c := d.online(t, s.addr, "alice"), d.online(t, s.addr, "bob"), d.online(t, s.addr, "carol")
		a.tell("m1", 2, "x")
		id := b.message("/user/bob/recive").message(t).ID
		for _, thief := range []*client{a, c} {
			thief.confirm("m1", 0)
			thief.refused("m1", -404, "MessageNotFound")
			thief.confirm("m1", id)
			thief.refused("m1", -404, "MessageNotFound")
		}
		if got := b.pending(); !slices.Equal(got, []string{"m1"}) {
			t.Error("pending:", got)
		}
	})
}

func TestConfirmByID(t *testing.T) {
	t.Parallel()
	s := serve(t, fiberchat.Config{})
	a, b, c := online(t, s.addr, "alice"), online(t, s.addr, "bob"), online(t, s.addr, "carol")
	a.tell("m", 2, "first")
	c.tell("m", 2, "second")
	b.message("/user/bob/recive")
	second := b.message("/user/bob/recive").message(t).ID
	b.confirmed("m", second)
	b.confirmed("m", second)
	b.init()
	if got := b.message("/user/bob/recive").message(t); got.Content != "first" {
		t.Error("pending:", got)
	}
	b.receipt("init")
}

func TestConfirmOldestFirst(t *testing.T) {
	t.Parallel()
	s := serve(t, fiberchat.Config{})
	a, b, c := online(t, s.addr, "alice"), online(t, s.addr, "bob"), online(t, s.addr, "carol")
	a.tell("m", 2, "first")
	c.tell("m", 2, "second")
	b.message("/user/bob/recive")
	b.message("/user/bob/recive")
	b.confirmed("m", 0)
	b.init()
	if got := b.message("/user/bob/recive").message(t); got.Content != "second" {
		t.Error("pending:", got)
	}
	b.receipt("init")
	b.confirmed("m", 0)
	b.confirmed("m", 0) // confirmed already: success, nothing changes
	if got := b.pending(); len(got) > 0 {
		t.Error("pending:", got)
	}
}

// TestRepeatedConfirmSparesTheUnseen: bob confirmed alice's m, reconnects and
// confirms again, while carol's m came that he has not seen.
func TestRepeatedConfirmSparesTheUnseen(t *testing.T) {
	t.Parallel()
	s := serve(t, fiberchat.Config{})
	a, b, c := online(t, s.addr, "alice"), online(t, s.addr, "bob"), online(t, s.addr, "carol")
	a.tell("m", 2, "seen")
	b.message("/user/bob/recive")
	b.confirmed("m", 0)
	b.Cut()
	c.tell("m", 2, "unseen")
	b = online(t, s.addr, "bob")
	b.confirmed("m", 0)
	if got := b.pending(); !slices.Equal(got, []string{"m"}) {
		t.Error("pending:", got)
	}
}

// TestConfirmWithoutHavingBeenSent: a client that keeps what it got on an
// older connection may confirm it on this one.
func TestConfirmWithoutHavingBeenSent(t *testing.T) {
	t.Parallel()
	s := serve(t, fiberchat.Config{})
	a, b := online(t, s.addr, "alice"), online(t, s.addr, "bob")
	a.tell("m", 2, "x")
	b.message("/user/bob/recive")
	b.Cut()
	b = online(t, s.addr, "bob")
	b.confirmed("m", 0)
	if got := b.pending(); len(got) > 0 {
		t.Error("pending:", got)
	}
}

// TestConfirmWhatThisSessionWasSent: an older message of the same chatID
// waits, but this session was sent the newer one only.
func TestConfirmWhatThisSessionWasSent(t *testing.T) {
	t.Parallel()
	s := serve(t, fiberchat.Config{})
	a, c := online(t, s.addr, "alice"), online(t, s.addr, "carol")
	c.tell("m", 2, "unseen")
	b := online(t, s.addr, "bob")
	a.tell("m", 2, "seen")
	b.message("/user/bob/recive")
	b.confirmed("m", 0)
	b.init()
	if got := b.message("/user/bob/recive").message(t); got.Content != "unseen" {
		t.Error("pending:", got)
	}
	b.receipt("init")
}

// TestConfirmHoles: what came while the session was not subscribed was not
// sent to it.
func TestConfirmHoles(t *testing.T) {
	t.Parallel()
	s := serve(t, fiberchat.Config{})
	a, b, c := online(t, s.addr, "alice"), online(t, s.addr, "bob"), online(t, s.addr, "carol")
	a.tell("m0", 2, "x")
	b.message("/user/bob/recive")
	b.unsubscribe("s1")
	c.tell("m", 2, "unseen")
	b.subscribe("/user/bob/recive")
	a.tell("m", 2, "seen")
	b.message("/user/bob/recive")
	b.confirmed("m", 0)
	if got := b.pending(); !slices.Equal(got, []string{"m0", "m"}) {
		t.Error("pending:", got)
	}
	b.init()
	b.message("/user/bob/recive")
	if got := b.message("/user/bob/recive").message(t); got.Content != "unseen" {
		t.Error("pending:", got)
	}
}
