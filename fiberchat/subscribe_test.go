package fiberchat_test

import (
	"slices"
	"testing"

	"fiberchat.example/fiberchat"
)

func TestSubscribeOwnDestinations(t *testing.T) {
	t.Parallel()
	eachDoor(t, func(t *testing.T, d door) {
		s := serve(t, fiberchat.Config{})
		b := d.connect(t, s.addr, "t-bob")
		for _, destination := range []string{
			"/user/bob/recive", "/user/2/recive", sendStatus, receiveStatus, failures, "/user/queue/delivered",
			"/user/bob/notice", "/user/2/notice", "/user/queue/rcv/status",
		} {
			b.subscribe(destination)
		}
		b.nothing()
	})
}

func TestSubscribeForeignDestinations(t *testing.T) {
	t.Parallel()
	s := serve(t, fiberchat.Config{})
	for _, destination := range []string{
		"/user/alice/recive", "/user/1/recive", "/user/alice/notice", "/user/1/notice", "/user/99/recive", "/user/nobody/recive",
		"/user//recive", "/user/recive", "/user/ bob/recive", "/user/bob /recive", "/user/02/recive", "/user/+2/recive",
		"/user/bob/recive/", "/user/bob/recive/x", "/user/bob/../alice/recive", "/user/*/recive", "/user/bob/receive", "//user/bob/recive",
		"user/bob/recive", "/user/bob", "/user/bob/", "/user/bob/send/status", "/user/queue/recive", "/user/queue", "/user/queue/",
		"/user/queue/status/", "/user/queue/Status", "/user/queue/receive/status", "/queue/status", "/topic/all", "/", "x", ">",
		"/socket/chat/send", "/socket/chat/recive", "/socket/chat/init", "/user/bob/queue/status",
	} {
		t.Run(destination, func(t *testing.T) {
			t.Parallel()
			b := connect(t, s.addr, "t-bob")
			b.raw("SUBSCRIBE\nid:1\nreceipt:r1\ndestination:" + destination + "\n\n\x00")
			if f := b.fails("not-allowed", 1008); f.Headers["receipt-id"] != "r1" {
				t.Error("headers:", f.Headers)
			}
		})
	}
}

func TestSendElsewhere(t *testing.T) {
	t.Parallel()
	eachDoor(t, func(t *testing.T, d door) {
		s := serve(t, fiberchat.Config{})
		b := online(t, s.addr, "bob")
		for _, destination := range []string{
			"/user/2/recive", "/user/bob/recive", "/user/alice/recive", "/user/1/recive", sendStatus, receiveStatus, failures,
			"/user/queue/delivered", "/socket/chat/receive", "/socket/chat/send/", "/socket/chat/Send", "/socket/chat", "socket/chat/send", "/", "x",
		} {
			a := d.online(t, s.addr, "alice")
			a.raw("SEND\ndestination:" + destination + "\nreceipt:r1\n\n" + `{"id":9,"chatID":"f","sender":"carol","reciver":"bob","content":"forged","time":1,"senderId":3,"reciverId":2}` + "\x00")
			if f := a.fails("not-allowed", 1008); f.Headers["receipt-id"] != "r1" {
				t.Error("headers:", f.Headers)
			}
		}
		b.nothing()
		if got := b.pending(); len(got) > 0 {
			t.Error("stored:", got)
		}
	})
}

// TestNameOfDigits: bob's id is 2, and 1's own name is "2".
func TestNameOfDigits(t *testing.T) {
	t.Parallel()
	p := newPeople("2", "bob", "carol")
	s := serve(t, fiberchat.Config{Authenticator: p, Directory: p})
	two, bob, carol := connect(t, s.addr, "t-2"), connect(t, s.addr, "t-bob"), online(t, s.addr, "carol")
	two.subscribe("/user/2/recive")
	two.subscribe("/user/1/recive")
	bob.subscribe("/user/2/recive")

	carol.tell("m1", 2, "for bob")
	if got := bob.message("/user/2/recive").message(t); got.ReceiverName != "bob" {
		t.Error(got)
	}
	two.nothing()
	carol.tell("m2", 1, "for 2")
	for _, d := range []string{"/user/2/recive", "/user/1/recive"} {
		if got := two.message(d).message(t); got.ReceiverName != "2" || got.Content != "for 2" {
			t.Error(got)
		}
	}
	bob.nothing()
	two.raw("SUBSCRIBE\nid:9\ndestination:/user/bob/recive\n\n\x00")
	two.fails("not-allowed", 1008)
}

func TestBothSpellingsGetTwo(t *testing.T) {
	t.Parallel()
	eachDoor(t, func(t *testing.T, d door) {
		s := serve(t, fiberchat.Config{})
		a, b := online(t, s.addr, "alice"), d.connect(t, s.addr, "t-bob")
		byName, byID := b.subscribe("/user/bob/recive"), b.subscribe("/user/2/recive")
		b.subscribe(receiveStatus)
		a.tell("m1", 2, "x")
		one, two := b.message("/user/bob/recive"), b.message("/user/2/recive")
		if one.Headers["subscription"] != byName || two.Headers["subscription"] != byID || one.Body != two.Body {
			t.Error(one, two)
		}
		if one.Headers["message-id"] == two.Headers["message-id"] {
			t.Error("message-id is not unique:", one, two)
		}
		b.confirmed("m1", 0)
		b.confirmed("m1", 0)
		b.nothing()
	})
}

func TestSameDestinationTwice(t *testing.T) {
	t.Parallel()
	s := serve(t, fiberchat.Config{})
	a, b := online(t, s.addr, "alice"), connect(t, s.addr, "t-bob")
	first, second := b.subscribe("/user/bob/recive"), b.subscribe("/user/bob/recive")
	a.tell("m1", 2, "x")
	if f, g := b.next(), b.next(); f.Headers["subscription"] != first || g.Headers["subscription"] != second {
		t.Error(f, g)
	}
	b.unsubscribe(first)
	a.tell("m2", 2, "x")
	if f := b.message("/user/bob/recive"); f.Headers["subscription"] != second {
		t.Error(f)
	}
	b.nothing()
}

func TestEverySessionGetsTheMessage(t *testing.T) {
	t.Parallel()
	s := serve(t, fiberchat.Config{})
	a := online(t, s.addr, "alice")
	var bobs []*client
	for _, d := range []door{native, native, sockws, xhr} {
		bobs = append(bobs, d.online(t, s.addr, "bob"))
	}
	a2 := online(t, s.addr, "alice")
	a.tell("m1", 2, "x")
	for _, b := range bobs {
		if got := b.message("/user/bob/recive").message(t); got.ChatID != "m1" {
			t.Error(got)
		}
	}
	bobs[1].confirmed("m1", 0)
	for _, c := range append(bobs, a, a2) { // statuses go to their own session only
		c.nothing()
	}
}

func TestMessageIDIsUniqueInTheConnection(t *testing.T) {
	t.Parallel()
	s := serve(t, fiberchat.Config{})
	a, b := online(t, s.addr, "alice"), online(t, s.addr, "bob")
	a.subscribe("/user/1/recive")
	b.tell("m1", 1, "x")
	a.say("m1", 2, "x")
	for range 5 {
		a.send("/socket/chat/send", "")
	}
	seen := make(map[string]bool)
	for range 2 + 1 + 5 {
		id := a.next().Headers["message-id"]
		if id == "" || seen[id] {
			t.Errorf("message-id %q again", id)
		}
		seen[id] = true
	}
	a.nothing()
}

func TestUnsubscribe(t *testing.T) {
	t.Parallel()
	eachDoor(t, func(t *testing.T, d door) {
		s := serve(t, fiberchat.Config{})
		a, b := online(t, s.addr, "alice"), d.connect(t, s.addr, "t-bob")
		id := b.subscribe("/user/bob/recive")
		a.tell("m1", 2, "x")
		b.message("/user/bob/recive")
		b.unsubscribe(id)
		a.tell("m2", 2, "x")
		b.nothing()
		b.subscribe("/user/bob/recive")
		a.tell("m3", 2, "x")
		if got := b.message("/user/bob/recive").message(t); got.ChatID != "m3" {
			t.Error(got)
		}
		if got := b.pending(); !slices.Equal(got, []string{"m1", "m2", "m3"}) {
			t.Error("pending:", got)
		}
	})
}
