package fiberchat_test

import (
	"context"
	"errors"
	"fmt"
	"regexp"
	"strings"
	"testing"

	"fiberchat.example/fiberchat"
	"fiberchat.example/fiberchat/chat"
	"fiberchat.example/fiberchat/storetest"
)

const (
	sentQueue          = "/user/queue/sent"
	readQueue          = "/user/queue/read"
	conversationsQueue = "/user/queue/conversations"
	historyQueue       = "/user/queue/history"
	syncQueue          = "/user/queue/sync"
)

// asking is a session with the failures and these subscriptions.
func (d door) asking(t testing.TB, addr, token string, destinations ...string) *client {
	t.Helper()
	c := d.connect(t, addr, token)
	c.subscribe(failures)
	for _, destination := range destinations {
		c.subscribe(destination)
	}
	return c
}

// ask SENDs with a receipt, which comes after the answer, the body of which it
// returns; none when queue is empty.
func (c *client) ask(destination, body, queue string) (answer string) {
	c.t.Helper()
	c.raw("SEND\ndestination:" + destination + "\nreceipt:ask\n\n" + body + "\x00")
	if queue != "" {
		answer = c.message(queue).Body
	}
	c.receipt("ask")
	return answer
}

// onWire is a message as answers have it.
func onWire(m chat.Message) string {
	confirmed := ""
	if !m.ConfirmedAt.IsZero() {
		confirmed = fmt.Sprintf(`,"confirmedTime":%d`, m.ConfirmedAt.UnixMilli())
	}
	return fmt.Sprintf(`{"id":%d,"chatID":%q,"sender":%q,"reciver":%q,"content":%q,"time":%d,"senderId":%d,"reciverId":%d%s}`,
		m.ID, m.ChatID, m.SenderName, m.ReceiverName, m.Content, m.Time.UnixMilli(), m.SenderID, m.ReceiverID, confirmed)
}

func allOnWire(messages ...chat.Message) string {
	var all []string
	for _, m := range messages {
		all = append(all, onWire(m))
	}
	return strings.Join(all, ",")
}

// says stores a message, by the server.
func (s *server) says(from, to int64, content string) chat.Message {
	s.t.Helper()
	m, err := s.chat.Send(context.Background(), from, to, content)
	if err != nil {
		s.t.Fatal(err)
	}
	return m
}

func wantAnswer(t testing.TB, got, want string) {
	t.Helper()
	if got != want {
		t.Errorf("answer\n%s\nwant\n%s", got, want)
	}
}

func TestConversations(t *testing.T) {
	t.Parallel()
	eachDoor(t, func(t *testing.T, d door) {
		s := serve(t, fiberchat.Config{})
		a := d.asking(t, s.addr, "t-alice", conversationsQueue)
		wantAnswer(t, a.ask("/socket/chat/conversations", `{}`, conversationsQueue), `{"conversations":[],"before":0,"more":false}`)
		one := s.says(1, 2, "one")
		two := s.says(2, 1, "two")
		three := s.says(3, 1, "三")
		s.says(2, 3, "not alice's")
		if err := s.chat.MarkRead(context.Background(), 2, 1, one.ID); err != nil {
			t.Fatal(err)
		}
		withCarol := fmt.Sprintf(`{"uid":3,"uname":"carol","last":%s,"unread":1,"readByMe":0,"readByThem":0}`, onWire(three))
		withBob := fmt.Sprintf(`{"uid":2,"uname":"bob","last":%s,"unread":1,"readByMe":0,"readByThem":%d}`, onWire(two), one.ID)
		wantAnswer(t, a.ask("/socket/chat/conversations", `{"limit":50}`, conversationsQueue),
			fmt.Sprintf(`{"conversations":[%s,%s],"before":%d,"more":false}`, withCarol, withBob, two.ID))
		wantAnswer(t, a.ask("/socket/chat/conversations", `{"before":null,"limit":1}`, conversationsQueue),
			fmt.Sprintf(`{"conversations":[%s],"before":%d,"more":true}`, withCarol, three.ID))
		wantAnswer(t, a.ask("/socket/chat/conversations", fmt.Sprintf(`{"before":"%d","limit":1.0}`, three.ID), conversationsQueue),
			fmt.Sprintf(`{"conversations":[%s],"before":%d,"more":false}`, withBob, two.ID))
		wantAnswer(t, a.ask("/socket/chat/conversations", fmt.Sprintf(`{"before":%d}`, one.ID), conversationsQueue),
			fmt.Sprintf(`{"conversations":[],"before":%d,"more":false}`, one.ID))

		all, err := s.chat.Conversations(context.Background(), 1, 0, 10)
		if err != nil || len(all) != 2 || all[1].Other != (chat.User{ID: 2, Name: "bob"}) || all[1].Last != two || all[1].ReadByThem != one.ID {
			t.Errorf("conversations %+v, %v", all, err)
		}
	})
}

func TestHistory(t *testing.T) {
	t.Parallel()
	eachDoor(t, func(t *testing.T, d door) {
		s := serve(t, fiberchat.Config{})
		a, b := d.asking(t, s.addr, "t-alice", historyQueue), d.asking(t, s.addr, "t-bob")
		wantAnswer(t, a.ask("/socket/chat/history", `{"uid":2}`, historyQueue), `{"uid":2,"messages":[],"more":false}`)
		one, two, three := s.says(1, 2, "one"), s.says(2, 1, "two"), s.says(1, 2, "three")
		s.says(1, 3, "to carol")
		if b.ask("/socket/chat/recive", fmt.Sprintf(`{"msgID":%q}`, one.ChatID), ""); true {
			page, err := s.chat.Conversation(context.Background(), 1, 2, chat.Page{Before: two.ID}, 1)
			if err != nil || page[0].ConfirmedAt.IsZero() {
				t.Fatal(page, err)
			}
			one = page[0]
		}
		ask := func(body, messages string, more bool) {
			t.Helper()
			wantAnswer(t, a.ask("/socket/chat/history", body, historyQueue), fmt.Sprintf(`{"uid":2,"messages":[%s],"more":%v}`, messages, more))
		}
		ask(`{"uid":2}`, allOnWire(three, two, one), false)
		ask(`{"uid":"2","limit":2}`, allOnWire(three, two), true)
		ask(fmt.Sprintf(`{"uid":2,"before":%d}`, two.ID), allOnWire(one), false)
		ask(`{"uid":2,"before":9223372036854775807,"limit":1}`, allOnWire(three), true)
		ask(`{"uid":2,"after":0,"limit":2}`, allOnWire(one, two), true)
		ask(fmt.Sprintf(`{"uid":2,"after":%d,"limit":200}`, one.ID), allOnWire(two, three), false)
		ask(`{"uid":2,"after":9223372036854775807}`, "", false)
		wantAnswer(t, a.ask("/socket/chat/history", `{"uid":99}`, historyQueue), `{"uid":99,"messages":[],"more":false}`)
		wantAnswer(t, a.ask("/socket/chat/history", `{"uid":1}`, historyQueue), `{"uid":1,"messages":[],"more":false}`)
		b.nothing() // it comes to the session that asked
	})
}

// A second device learns all that it missed, in pages.
func TestSync(t *testing.T) {
	t.Parallel()
	eachDoor(t, func(t *testing.T, d door) {
		s := serve(t, fiberchat.Config{})
		a := d.asking(t, s.addr, "t-alice", syncQueue)
		wantAnswer(t, a.ask("/socket/chat/sync", `{}`, syncQueue), `{"messages":[],"next":0,"more":false}`)
		one, two := s.says(1, 2, "one"), s.says(2, 1, "two")
		s.says(2, 3, "not alice's")
		three := s.says(3, 1, "three")
		ask := func(body, messages string, next int64, more bool) {
			t.Helper()
			wantAnswer(t, a.ask("/socket/chat/sync", body, syncQueue), fmt.Sprintf(`{"messages":[%s],"next":%d,"more":%v}`, messages, next, more))
		}
		ask(`{"after":0}`, allOnWire(one, two, three), three.ID, false)
		ask(`{"after":0,"limit":2}`, allOnWire(one, two), two.ID, true)
		ask(fmt.Sprintf(`{"after":%d,"limit":2}`, two.ID), allOnWire(three), three.ID, false)
		ask(fmt.Sprintf(`{"after":%d}`, three.ID), "", three.ID, false)
		ask(`{"after":9007199254740991}`, "", three.ID, false) // of another database
	})
}

// What a client sent before it asks is in the answer.
func TestAskSeesWhatWasSentBefore(t *testing.T) {
	t.Parallel()
	s := serve(t, fiberchat.Config{})
	a := native.asking(t, s.addr, "t-alice", historyQueue)
	var frames strings.Builder
	for i := range 100 {
		fmt.Fprintf(&frames, "SEND\ndestination:/socket/chat/send\n\n%s\x00", sendBody(fmt.Sprint("m", i), 2, "x"))
	}
	a.raw(frames.String() + "SEND\ndestination:/socket/chat/history\n\n{\"uid\":2,\"limit\":1}\x00")
	if body := a.message(historyQueue).Body; !strings.Contains(body, `"chatID":"m99"`) {
		t.Error("the newest is", body)
	}
}

var readTime = regexp.MustCompile(`,"time":[0-9]{13}}$`)

func (c *client) wantRead(reader, sender, id int64) {
	c.t.Helper()
	body := c.message(readQueue).Body
	wantAnswer(c.t, readTime.ReplaceAllString(body, "}"), fmt.Sprintf(`{"readerId":%d,"senderId":%d,"id":%d}`, reader, sender, id))
}

func TestRead(t *testing.T) {
	t.Parallel()
	eachDoor(t, func(t *testing.T, d door) {
		s := serve(t, fiberchat.Config{})
		sender := d.asking(t, s.addr, "t-alice", readQueue)
		phone, laptop := d.asking(t, s.addr, "t-bob", readQueue), d.asking(t, s.addr, "t-bob.2", readQueue)
		stranger := d.asking(t, s.addr, "t-carol", readQueue)
		one, two := s.says(1, 2, "one"), s.says(1, 2, "two")
		read := func(body string) { phone.ask("/socket/chat/read", body, "") }
		read(fmt.Sprintf(`{"senderId":1,"id":%d}`, one.ID))
		read(fmt.Sprintf(`{"senderId":1,"id":%d}`, one.ID)) // changes nothing
		read(`{"senderId":"1","id":9007199254740991}`)      // no further than what is there
		read(fmt.Sprintf(`{"senderId":1,"id":%d}`, one.ID)) // nor back
		read(`{"senderId":3,"id":5}`)                       // carol has sent nothing
		read(`{"senderId":2,"id":5}`)
		for _, c := range []*client{sender, laptop} {
			c.wantRead(2, 1, one.ID)
			c.wantRead(2, 1, two.ID)
			c.nothing()
		}
		if err := s.chat.MarkRead(context.Background(), 1, 2, 1<<40); err != nil {
			t.Error(err)
		}
		three := s.says(1, 2, "three")
		if err := s.chat.MarkRead(context.Background(), 2, 1, three.ID); err != nil {
			t.Error(err)
		}
		for _, c := range []*client{sender, phone, laptop} {
			c.wantRead(2, 1, three.ID)
			c.nothing()
		}
		stranger.nothing()
	})
}

// The user's other sessions get what one sends, once it is stored.
func TestSent(t *testing.T) {
	t.Parallel()
	eachDoor(t, func(t *testing.T, d door) {
		s := serve(t, fiberchat.Config{})
		phone, laptop, old := d.online(t, s.addr, "alice"), d.asking(t, s.addr, "t-alice.2", sentQueue), d.asking(t, s.addr, "t-alice.3")
		phone.subscribe(sentQueue)
		bob := d.asking(t, s.addr, "t-bob", sentQueue)
		phone.tell("m1", 2, "one")
		phone.tell("m1", 2, "one") // a repetition is nothing new
		m := s.says(1, 3, "by the app")
		s.says(2, 1, "to alice, who did not send it")
		if got := laptop.message(sentQueue).message(t); got.ChatID != "m1" || got.SenderID != 1 || got.ReceiverID != 2 || got.Content != "one" {
			t.Errorf("got %+v", got)
		}
		laptop.message(sentQueue).wantBody(t, onWire(m))
		phone.message(sentQueue).wantBody(t, onWire(m))
		phone.message("/user/alice/recive")
		if got := bob.message(sentQueue).message(t); got.SenderID != 2 {
			t.Errorf("bob got %+v", got)
		}
		for _, c := range []*client{phone, laptop, old, bob} {
			c.nothing()
		}
	})
}

func TestSentAndReadAcrossNodes(t *testing.T) {
	t.Parallel()
	eachDoor(t, func(t *testing.T, d door) {
		c := newCluster(t, 3, openStore(t))
		phone := d.online(t, c.nodes[0].addr, "alice")
		phone.subscribe(sentQueue)
		phone.subscribe(readQueue)
		laptop := d.asking(t, c.nodes[1].addr, "t-alice.2", sentQueue, readQueue)
		bob, bobs := d.asking(t, c.nodes[2].addr, "t-bob", readQueue), d.asking(t, c.nodes[0].addr, "t-bob.2", readQueue)
		phone.tell("m1", 2, `a "senderId":3, as a text`)
		m := laptop.message(sentQueue).message(t)
		if m.ChatID != "m1" || m.SenderID != 1 {
			t.Errorf("got %+v", m)
		}
		bob.ask("/socket/chat/read", fmt.Sprintf(`{"senderId":1,"id":%d}`, m.ID), "")
		for _, session := range []*client{phone, laptop, bobs} {
			session.wantRead(2, 1, m.ID)
			session.nothing()
		}
		bob.nothing()
		bob.subscribe(syncQueue)
		if body := bob.ask("/socket/chat/sync", `{"after":0}`, syncQueue); !strings.Contains(body, `"chatID":"m1"`) {
			t.Error("sync on another node:", body)
		}
	})
}

// Without a store that can, what needs it says so; history needs it not.
func TestWithoutConversations(t *testing.T) {
	t.Parallel()
	s := serve(t, fiberchat.Config{Store: struct{ chat.Store }{storetest.NewMemory()}})
	a := native.asking(t, s.addr, "t-alice", conversationsQueue, historyQueue, syncQueue, readQueue)
	for destination, body := range map[string]string{
		"conversations": `{}`, "sync": `{"after":1}`, "read": `{"senderId":2,"id":1}`,
	} {
		a.send("/socket/chat/"+destination, body)
		a.refused("", -404, "NoSuchDestination")
	}
	m := s.says(1, 2, "x")
	wantAnswer(t, a.ask("/socket/chat/history", `{"uid":2}`, historyQueue), `{"uid":2,"messages":[`+onWire(m)+`],"more":false}`)
	_, err := s.chat.Conversations(context.Background(), 1, 0, 10)
	for _, err := range []error{err, s.chat.MarkRead(context.Background(), 1, 2, 1)} {
		if err == nil || !strings.Contains(err.Error(), "chat.Conversations") {
			t.Error("got", err)
		}
	}
	_ = s.chat.Close(context.Background())
	_, err = s.chat.Conversations(context.Background(), 1, 0, 10)
	for _, err := range []error{err, s.chat.MarkRead(context.Background(), 1, 2, 1)} {
		if !errors.Is(err, fiberchat.ErrClosed) {
			t.Error("closed:", err)
		}
	}
}
