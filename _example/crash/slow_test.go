package crash

import (
	"fmt"
	"strings"
	"testing"

	"fiberchat.example/fiberchat/chattest"
)

// TestSlowReceiver: a receiver that stops reading is cut off when its queue
// is full, holds nobody up, and finds everything by init.
func TestSlowReceiver(t *testing.T) {
	t.Parallel()
	s := serve(t)
	a, b := user(1), user(2)
	slow, err := connect(s.addr, b.Token, narrow)
	if err != nil {
		t.Fatal(err)
	}
	defer slow.Cut()
	// The receipt shows that the subscription stands before the first message.
	if err := slow.Subscribe(chattest.Inbox(b.ID)); err != nil {
		t.Fatal(err)
	}
	if err := slow.Init(initDone); err != nil {
		t.Fatal(err)
	}
	if _, err := slow.Until(func(f chattest.Frame) bool { return f.Receipt() == initDone }); err != nil {
		t.Fatal(err)
	}

	// Many times what the kernel's buffers and the queue hold together.
	const messages = 2000
	padding := strings.Repeat("长", 4096)
	sender, err := connect(s.addr, a.Token)
	if err != nil {
		t.Fatal(err)
	}
	defer sender.Cut()
	others := connectBoth(t, s.addr, user(3), user(4))
	for n := range messages {
		if err := sender.Send(fmt.Sprint("m", n), b.ID, padding); err != nil {
			t.Fatal(err)
		}
		f, err := sender.Until(func(f chattest.Frame) bool { return f.On(chattest.SendStatus) || f.On(chattest.Failures) })
		if err != nil || f.On(chattest.Failures) {
			t.Fatalf("message %d to a slow receiver: %v %v", n, f, err)
		}
		if n%50 == 0 {
			others.exchange(t, n)
		}
	}

	came := expectInOrder(t, slow, func(chattest.Frame) bool { return false })
	t.Logf("the slow receiver was cut after %d of %d messages", came, messages)
	if came == messages {
		t.Error("the slow receiver was not cut")
	}
	again, err := connect(s.addr, b.Token)
	if err != nil {
		t.Fatal(err)
	}
	defer again.Cut()
	if err := again.Init(initDone); err != nil {
		t.Fatal(err)
	}
	if err := again.Subscribe(chattest.Inbox(b.ID)); err != nil {
		t.Fatal(err)
	}
	if came := expectInOrder(t, again, func(f chattest.Frame) bool { return f.Receipt() == initDone }); came != messages {
		t.Errorf("init brought %d of %d messages", came, messages)
	}
}

// expectInOrder reads until the end or until the connection is lost, and
// returns how many messages came: m0, m1 and so on.
func expectInOrder(t *testing.T, c *chattest.Conn, end func(chattest.Frame) bool) (came int) {
	t.Helper()
	for {
		f, err := c.Read()
		if err != nil || end(f) {
			return came
		}
		if !f.IsMessage() {
			continue
		}
		m, err := f.Message()
		if err != nil {
			t.Fatal(err)
		}
		if m.ChatID != fmt.Sprint("m", came) {
			t.Fatalf("message %d is %s", came, m.ChatID)
		}
		came++
	}
}
