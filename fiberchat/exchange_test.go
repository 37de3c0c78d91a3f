package fiberchat_test

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"fiberchat.example/fiberchat"
)

func TestFiveSteps(t *testing.T) {
	t.Parallel()
	eachDoor(t, func(t *testing.T, d door) {
		s := serve(t, fiberchat.Config{})
		a, b := d.online(t, s.addr, "alice"), d.online(t, s.addr, "bob")

		before := time.Now().UnixMilli()
		a.say("m1", 2, "起来聊天")
		a.message(sendStatus).wantBody(t, success("m1"))
		m := b.message("/user/bob/recive")
		got := m.message(t)
		at := got.Time.UnixMilli()
		if got.ID <= 0 || at < before || at > time.Now().UnixMilli() {
			t.Errorf("id %d, time %d", got.ID, at)
		}
		m.wantBody(t, fmt.Sprintf(`{"id":%d,"chatID":"m1","sender":"alice","reciver":"bob","content":"起来聊天","time":%d,"senderId":1,"reciverId":2}`, got.ID, at))
		if m.Headers["content-type"] != "application/json" || m.Headers["subscription"] != "s1" || m.Headers["message-id"] == "" {
			t.Error("headers:", m.Headers)
		}
		b.confirmed("m1", 0)
		a.nothing()
		b.nothing()
		if left := b.pending(); len(left) > 0 {
			t.Error("left to replay:", left)
		}
	})
}

func TestReceiverIsNumberOrString(t *testing.T) {
	t.Parallel()
	s := serve(t, fiberchat.Config{})
	a, b := online(t, s.addr, "alice"), online(t, s.addr, "bob")
	for i, to := range []string{`2`, `"2"`, `"\u0032"`, ` 2 `} {
		id := fmt.Sprint("m", i)
		a.send("/socket/chat/send", `{"msgID":"`+id+`","content":"x","reciverId":`+to+`}`)
		a.message(sendStatus).wantBody(t, success(id))
		if got := b.message("/user/bob/recive").message(t); got.ChatID != id || got.ReceiverID != 2 {
			t.Error(to, got)
		}
	}
}

func TestContentOrMessage(t *testing.T) {
	t.Parallel()
	s := serve(t, fiberchat.Config{})
	a, b := online(t, s.addr, "alice"), online(t, s.addr, "bob")
	for i, c := range []struct{ fields, want string }{
		{`"content":"new"`, "new"},
		{`"message":"old"`, "old"},
		{`"content":"new","message":"old"`, "new"},
		{`"message":"old","content":"new"`, "new"},
		{`"content":null,"message":"old"`, "old"},
		{`"content":"new","message":{"a":[1,"}"]}`, "new"},
		{`"content":"x","type":"text","extra":[{"content":"inner"}]`, "x"},
	} {
		id := fmt.Sprint("m", i)
		a.send("/socket/chat/send", `{"msgID":"`+id+`","reciverId":2,`+c.fields+`}`)
		a.message(sendStatus).wantBody(t, success(id))
		if got := b.message("/user/bob/recive").message(t); got.Content != c.want {
			t.Errorf("%s gave %q, want %q", c.fields, got.Content, c.want)
		}
	}
}

// TestContentArrivesAsSent sends what JSON and STOMP have to carry safely.
func TestContentArrivesAsSent(t *testing.T) {
	t.Parallel()
	texts := []string{
		"x", " ", "\n", "\"\\/\b\f\n\r\t", "a\nb:c\\d\r\n", "<b>&amp;</b>", "\u2028\u2029", "\u007f\u0001\u001f", "\ufffd\ufffe\uffff",
		"你好，世界 🐱👨‍👩‍👧 e\u0301", strings.Repeat("😀", 48<<10/4), strings.Repeat("a", 48<<10),
	}
	eachDoor(t, func(t *testing.T, d door) {
		s := serve(t, fiberchat.Config{})
		a, b := d.online(t, s.addr, "alice"), d.online(t, s.addr, "bob")
		for i, text := range texts {
			id := fmt.Sprint("m", i)
			a.tell(id, 2, text)
			if got := b.message("/user/bob/recive").message(t); got.Content != text {
				t.Errorf("%.80q came as %.80q", text, got.Content)
			}
		}
	})
}

func TestLoneSurrogateBecomesReplacement(t *testing.T) {
	t.Parallel()
	s := serve(t, fiberchat.Config{})
	a, b := online(t, s.addr, "alice"), online(t, s.addr, "bob")
	for i, c := range []struct{ spelt, want string }{
		{`a\ud800b`, "a\ufffdb"}, {`\udc00`, "\ufffd"}, {`\ud800\ud800`, "\ufffd\ufffd"}, {`\ud83d\ude00`, "😀"}, {`\ud800\u0041`, "\ufffdA"},
	} {
		id := fmt.Sprint("m", i)
		a.send("/socket/chat/send", `{"msgID":"`+id+`","reciverId":2,"content":"`+c.spelt+`"}`)
		a.message(sendStatus).wantBody(t, success(id))
		if got := b.message("/user/bob/recive").message(t).Content; got != c.want {
			t.Errorf("%s came as %q, want %q", c.spelt, got, c.want)
		}
	}
}

func TestDeliveredGoesToSessionsThatAsked(t *testing.T) {
	t.Parallel()
	s := serve(t, fiberchat.Config{})
	a1, a2, a3 := online(t, s.addr, "alice"), online(t, s.addr, "alice"), online(t, s.addr, "alice")
	a1.subscribe("/user/queue/delivered")
	a2.subscribe("/user/queue/delivered")
	b, c := online(t, s.addr, "bob"), online(t, s.addr, "carol")
	c.subscribe("/user/queue/delivered")

	a1.tell("m1", 2, "hello")
	m := b.message("/user/bob/recive").message(t)
	a1.nothing()
	before := time.Now().UnixMilli()
	b.confirmed("m1", 0)
	for _, a := range []*client{a1, a2} {
		f := a.message("/user/queue/delivered")
		var at int64
		prefix := fmt.Sprintf(`{"msgID":"m1","code":200,"status":"已送达","content":{"id":%d,"reciverId":2,"time":`, m.ID)
		if _, err := fmt.Sscanf(strings.TrimPrefix(f.Body, prefix), "%d}}", &at); err != nil || !strings.HasPrefix(f.Body, prefix) {
			t.Fatal("body:", f.Body)
		}
		if at < before || at > time.Now().UnixMilli() {
			t.Error("time:", at)
		}
	}
	b.confirmed("m1", 0) // changes nothing, so nobody hears of it
	for _, other := range []*client{a1, a2, a3, b, c} {
		other.nothing()
	}
}
