package fiberchat_test

import (
	"context"
	"fmt"
	"strings"
	"testing"

	"fiberchat.example/fiberchat"
	"fiberchat.example/fiberchat/chat"
)

// TestSendRefused is every fault of a SEND's body. The connection stays, no
// RECEIPT comes, nothing is stored.
func TestSendRefused(t *testing.T) {
	t.Parallel()
	const kib48 = 48 << 10
	field := func(msgID, to, content string) string {
		return `{"msgID":` + msgID + `,"reciverId":` + to + `,"content":` + content + `}`
	}
	long := strings.Repeat("x", 65)
	for _, d := range []door{native, sockws} {
		t.Run(string(d), func(t *testing.T) {
			t.Parallel()
			s := serve(t, fiberchat.Config{})
			a, b := d.online(t, s.addr, "alice"), online(t, s.addr, "bob")
			for _, c := range []struct {
				body, msgID string
				code        int
				name        string
			}{
				{``, "", -401, "BadJSON"},
				{`null`, "", -401, "BadJSON"},
				{`[]`, "", -401, "BadJSON"},
				{`"m"`, "", -401, "BadJSON"},
				{`7`, "", -401, "BadJSON"},
				{`{`, "", -401, "BadJSON"},
				{`{}{}`, "", -401, "BadJSON"},
				{`{"msgID":"m","reciverId":2,"content":"x"`, "", -401, "BadJSON"},
				{`{"msgID":"m","reciverId":2,"content":"x",}`, "", -401, "BadJSON"},
				{`{'msgID':'m'}`, "", -401, "BadJSON"},
				{`{"msgID":"m","content":"` + "\n" + `"}`, "", -401, "BadJSON"},
				{`<xml/>`, "", -401, "BadJSON"},
				{strings.Repeat("[", 20_000), "", -401, "BadJSON"},
				{strings.Repeat(`{"a":`, 10_000), "", -401, "BadJSON"},
				{`{}`, "", -401, "MissingField"},
				{`{"reciverId":2,"content":"x"}`, "", -401, "MissingField"},
				{`{"msgid":"m","reciverId":2,"content":"x"}`, "", -401, "MissingField"},
				{`{"msgID":"m","content":"x"}`, "m", -401, "MissingField"},
				{`{"msgID":"m","receiverId":2,"content":"x"}`, "m", -401, "MissingField"},
				{`{"msgID":"m","reciverId":2}`, "m", -401, "MissingField"},
				{field(`null`, `2`, `"x"`), "", -401, "MissingField"},
				{field(`"m"`, `null`, `"x"`), "m", -401, "MissingField"},
				{field(`"m"`, `2`, `null`), "m", -401, "MissingField"},
				{field(`7`, `2`, `"x"`), "", -401, "BadField"},
				{field(`{}`, `2`, `"x"`), "", -401, "BadField"},
				{field(`true`, `2`, `"x"`), "", -401, "BadField"},
				{field(`""`, `2`, `"x"`), "", -401, "BadField"},
				{field(`"`+long+`"`, `2`, `"x"`), "", -401, "BadField"},
				{field(`"a b"`, `2`, `"x"`), "", -401, "BadField"},
				{field(`"a\u0000"`, `2`, `"x"`), "", -401, "BadField"},
				{field(`"a\u007f"`, `2`, `"x"`), "", -401, "BadField"},
				{field(`"a\n"`, `2`, `"x"`), "", -401, "BadField"},
				{field(`"é"`, `2`, `"x"`), "", -401, "BadField"},
				{field("\"\xff\"", `2`, `"x"`), "", -401, "BadField"},
				{field(`"m"`, `""`, `"x"`), "m", -401, "BadField"},
				{field(`"m"`, `"bob"`, `"x"`), "m", -401, "BadField"},
				{field(`"m"`, `" 2"`, `"x"`), "m", -401, "BadField"},
				{field(`"m"`, `2.5`, `"x"`), "m", -401, "BadField"},
				{field(`"m"`, `1e400`, `"x"`), "m", -401, "BadField"},
				{field(`"m"`, `9223372036854775808`, `"x"`), "m", -401, "BadField"},
				{field(`"m"`, `true`, `"x"`), "m", -401, "BadField"},
				{field(`"m"`, `[2]`, `"x"`), "m", -401, "BadField"},
				{field(`"m"`, `{"a":2}`, `"x"`), "m", -401, "BadField"},
				{field(`"m"`, `2`, `""`), "m", -401, "BadField"},
				{field(`"m"`, `2`, `7`), "m", -401, "BadField"},
				{field(`"m"`, `2`, `false`), "m", -401, "BadField"},
				{field(`"m"`, `2`, `["x"]`), "m", -401, "BadField"},
				{field(`"m"`, `2`, `"a\u0000b"`), "m", -401, "BadField"},
				{field(`"m"`, `2`, `"`+strings.Repeat("a", kib48+1)+`"`), "m", -400, "TooLarge"},
				{field(`"m"`, `2`, `"`+strings.Repeat("界", kib48/3)+`a"`), "m", -400, "TooLarge"},
				{field(`"m"`, `2`, `"`+strings.Repeat("a", 60<<10)+`"`), "m", -400, "TooLarge"},
				{field(`"m"`, `1`, `"x"`), "m", -400, "ToSelf"},
				{field(`"m"`, `"1"`, `"x"`), "m", -400, "ToSelf"},
				{field(`"m"`, `99`, `"x"`), "m", -404, "ReceiverNotFound"},
				{field(`"m"`, `0`, `"x"`), "m", -404, "ReceiverNotFound"},
				{field(`"m"`, `-2`, `"x"`), "m", -404, "ReceiverNotFound"},
			} {
				a.raw("SEND\ndestination:/socket/chat/send\n\n" + c.body + "\x00")
				a.refused(c.msgID, c.code, c.name)
				a.nothing()
				if t.Failed() {
					t.Fatalf("of %.100q", c.body)
				}
			}
			a.tell("m", 2, "still there")
			b.message("/user/bob/recive")
			b.nothing()
		})
	}
}

// TestInvalidUTF8 needs a binary door: SockJS carries text only.
func TestInvalidUTF8(t *testing.T) {
	t.Parallel()
	s := serve(t, fiberchat.Config{})
	a := online(t, s.addr, "alice")
	for _, content := range []string{"a\xff", "\xc0\x80", "\xed\xa0\x80", "\xf4\x90\x80\x80", "\\n\xff", "\xe4\xbd"} {
		body := `{"msgID":"m","reciverId":2,"content":"` + content + `"}`
		if err := a.Conn.Binary([]byte("SEND\ndestination:/socket/chat/send\n\n" + body + "\x00")); err != nil {
			t.Fatal(err)
		}
		a.refused("m", -401, "BadField")
	}
	// NUL itself, in a body that has a length.
	body := "{\"msgID\":\"m\",\"reciverId\":2,\"content\":\"a\x00\"}"
	a.raw(fmt.Sprintf("SEND\ndestination:/socket/chat/send\ncontent-length:%d\n\n%s\x00", len(body), body))
	a.refused("", -401, "BadJSON")
	a.nothing()
}

func TestMsgIDEdges(t *testing.T) {
	t.Parallel()
	s := serve(t, fiberchat.Config{})
	a, b := online(t, s.addr, "alice"), online(t, s.addr, "bob")
	var all strings.Builder
	for c := byte(0x21); c <= 0x7E; c++ {
		if c != '"' && c != '\\' {
			all.WriteByte(c)
		}
	}
	ids := []string{"x", strings.Repeat("x", 64), all.String()[:64], all.String()[len(all.String())-64:], `0`, `null`, `'`, `<a>`, `;drop`}
	for _, id := range ids {
		a.tell(id, 2, "x")
		if got := b.message("/user/bob/recive").message(t).ChatID; got != id {
			t.Errorf("msgID %q came as %q", id, got)
		}
		b.confirmed(id, 0)
	}
	// Spelt with escapes.
	a.send("/socket/chat/send", `{"msgID":"\u0061\"\\","reciverId":2,"content":"x"}`)
	a.message(sendStatus).wantBody(t, success(`a\"\\`))
	if got := b.message("/user/bob/recive").message(t).ChatID; got != `a"\` {
		t.Errorf("msgID came as %q", got)
	}
	// Byte by byte: case counts.
	a.tell("X", 2, "other")
	b.message("/user/bob/recive")
}

func TestMaxContent(t *testing.T) {
	t.Parallel()
	s := serve(t, fiberchat.Config{Limits: fiberchat.Limits{Content: 10}})
	a := online(t, s.addr, "alice")
	a.tell("m1", 2, "0123456789")
	a.tell("m2", 2, "界界界a")
	a.say("m3", 2, "0123456789a")
	if text := a.refused("m3", -400, "TooLarge"); !strings.Contains(text, "10") {
		t.Error("the limit is not named:", text)
	}
	a.say("m4", 2, "界界界界")
	a.refused("m4", -400, "TooLarge")
	a.send("/socket/chat/send", `{"msgID":"m5","reciverId":2,"content":"`+strings.Repeat(`\u0061`, 10)+`"}`)
	a.message(sendStatus).wantBody(t, success("m5"))
}

// TestContentHoweverSpelt: a text of the limit is taken also when JSON spells
// each byte with six, one beyond it is refused by its msgID, and the connection
// stays; only a frame that cannot be of either kind ends it.
func TestContentHoweverSpelt(t *testing.T) {
	t.Parallel()
	eachDoor(t, func(t *testing.T, d door) {
		s := serve(t, fiberchat.Config{})
		a, b := d.online(t, s.addr, "alice"), d.online(t, s.addr, "bob")
		const most = 48 << 10
		spelt := func(msgID string, n int) {
			a.send("/socket/chat/send", `{"msgID":"`+msgID+`","reciverId":2,"content":"`+strings.Repeat(`\u0007`, n)+`"}`)
		}
		spelt("m1", most)
		a.message(sendStatus).wantBody(t, success("m1"))
		if got := b.message("/user/bob/recive").message(t).Content; got != strings.Repeat("\a", most) {
			t.Errorf("%d bytes came", len(got))
		}
		spelt("m2", most+1)
		a.refused("m2", -400, "TooLarge")
		a.say("m3", 2, strings.Repeat("x", most+1))
		a.refused("m3", -400, "TooLarge")
		a.tell("m4", 2, strings.Repeat("x", most))
		b.message("/user/bob/recive")
		spelt("m5", most+2<<10)
		a.fails("frame-too-large", 1009)
	})
}

func TestCanSend(t *testing.T) {
	t.Parallel()
	s := serve(t, fiberchat.Config{CanSend: func(_ context.Context, from, to chat.User) error {
		if from.Name != "alice" || from.ID != 1 {
			return chat.Refuse("OnlyAlice", "only alice may write, not "+from.Name)
		}
		switch to.Name {
		case "bob":
			return fmt.Errorf("secret reason: %w", chat.ErrForbidden)
		case "carol":
			return nil
		}
		panic("no such user")
	}})
	a, b, c := online(t, s.addr, "alice"), online(t, s.addr, "bob"), online(t, s.addr, "carol")
	a.raw("SEND\ndestination:/socket/chat/send\n\n" + sendBody("m1", 2, "x") + "\x00")
	if text := a.refused("m1", -303, "Forbidden"); strings.Contains(text, "secret") {
		t.Error("the app's reason reached the client:", text)
	}
	a.nothing()
	a.tell("m1", 3, "x") // the msgID was not used up
	c.message("/user/carol/recive")
	b.say("m1", 3, "x")
	if text := b.refused("m1", -303, "OnlyAlice"); !strings.Contains(text, "only alice may write, not bob") {
		t.Error("the app's words did not reach the client:", text)
	}
	b.nothing()
	c.nothing()
}

// TestReceiptFollowsTheStatus: of a SEND, after the commit.
func TestReceiptFollowsTheStatus(t *testing.T) {
	t.Parallel()
	eachDoor(t, func(t *testing.T, d door) {
		s := serve(t, fiberchat.Config{})
		a, b := d.online(t, s.addr, "alice"), d.online(t, s.addr, "bob")
		a.raw("SEND\ndestination:/socket/chat/send\nreceipt:r1\n\n" + sendBody("m1", 2, "x") + "\x00")
		a.message(sendStatus)
		a.receipt("r1")
		b.message("/user/bob/recive")
		b.raw("SEND\ndestination:/socket/chat/recive\nreceipt:r2\n\n{\"msgID\":\"m1\"}\x00")
		b.message(receiveStatus)
		b.receipt("r2")
		// Without the subscription the RECEIPT is all that comes.
		quiet := d.connect(t, s.addr, "t-alice")
		quiet.raw("SEND\ndestination:/socket/chat/send\nreceipt:r3\n\n" + sendBody("m2", 2, "x") + "\x00")
		quiet.receipt("r3")
		quiet.raw("SEND\ndestination:/socket/chat/send\nreceipt:r4\n\n{}\x00")
		if e := quiet.fails("refused", 1008); e.Headers["receipt-id"] != "r4" {
			t.Error("got", e)
		}
	})
}

func TestMessagesOfAllSendersComeInOrder(t *testing.T) {
	t.Parallel()
	const each = 150
	s := serve(t, fiberchat.Config{Limits: fiberchat.Limits{SendRate: -1}})
	b := online(t, s.addr, "bob")
	for _, name := range []string{"alice", "carol"} {
		c := online(t, s.addr, name)
		go func() { // ends before the messages have come
			for i := range each {
				if err := c.Conn.Raw("SEND\ndestination:/socket/chat/send\n\n" + sendBody(fmt.Sprint(i), 2, "x") + "\x00"); err != nil {
					t.Error(err)
				}
			}
		}()
	}
	var last int64
	next := map[string]int{}
	for range 2 * each {
		m := b.message("/user/bob/recive").message(t)
		if m.ID <= last {
			t.Fatalf("id %d after %d", m.ID, last)
		}
		last = m.ID
		if m.ChatID != fmt.Sprint(next[m.SenderName]) {
			t.Fatalf("%s's %s came, want %d", m.SenderName, m.ChatID, next[m.SenderName])
		}
		next[m.SenderName]++
	}
}
