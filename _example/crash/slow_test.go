package crash

import (
	"fmt"
	"strings"
	"testing"
)

// TestSlowReceiver: a receiver that stops reading is cut off when its queue
// is full, holds nobody up, and finds everything by init.
func TestSlowReceiver(t *testing.T) {
	t.Parallel()
	s := serve(t)
	a, b := user(1), user(2)
	slow, err := connectBy(&narrow, s.addr, b.token)
	if err != nil {
		t.Fatal(err)
	}
	defer slow.close()
	// The receipt shows that the subscription stands before the first message.
	if err := slow.subscribe(b); err != nil {
		t.Fatal(err)
	}
	if err := slow.init(); err != nil {
		t.Fatal(err)
	}
	if _, err := slow.until(func(f frame) bool { return f.receipt() == initDone }); err != nil {
		t.Fatal(err)
	}

	// Many times what the kernel's buffers and the queue hold together.
	const messages = 2000
	padding := strings.Repeat("长", 4096)
	sender, err := connect(s.addr, a.token)
	if err != nil {
		t.Fatal(err)
	}
	defer sender.close()
	others := connectBoth(t, s.addr, user(3), user(4))
	for n := range messages {
		if err := sender.send(b, fmt.Sprint("m", n), padding); err != nil {
			t.Fatal(err)
		}
		f, err := sender.until(func(f frame) bool { return f.on() == onStatus || f.on() == onFailure })
		if err != nil || f.on() == onFailure {
			t.Fatalf("message %d to a slow receiver: %v %v", n, f, err)
		}
		if n%50 == 0 {
			others.exchange(t, n)
		}
	}

	came := expectInOrder(t, slow, func(frame) bool { return false })
	t.Logf("the slow receiver was cut after %d of %d messages", came, messages)
	if came == messages {
		t.Error("the slow receiver was not cut")
	}
	again, err := connect(s.addr, b.token)
	if err != nil {
		t.Fatal(err)
	}
	defer again.close()
	if err := again.init(); err != nil {
		t.Fatal(err)
	}
	if err := again.subscribe(b); err != nil {
		t.Fatal(err)
	}
	if came := expectInOrder(t, again, func(f frame) bool { return f.receipt() == initDone }); came != messages {
		t.Errorf("init brought %d of %d messages", came, messages)
	}
}

// expectInOrder reads until the end or until the connection is lost, and
// returns how many messages came: m0, m1 and so on.
func expectInOrder(t *testing.T, c *client, end func(frame) bool) (came int) {
	t.Helper()
	for {
		f, err := c.read()
		if err != nil || end(f) {
			return came
		}
		if f.on() != onMessage {
			continue
		}
		m, err := f.message()
		if err != nil {
			t.Fatal(err)
		}
		if m.ChatID != fmt.Sprint("m", came) {
			t.Fatalf("message %d is %s", came, m.ChatID)
		}
		came++
	}
}
