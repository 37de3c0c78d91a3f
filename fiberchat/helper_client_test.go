package fiberchat_test

import (
	"encoding/json"
	"errors"
	"fmt"
	"strconv"
	"testing"

	"fiberchat.example/fiberchat/chattest"
)

// client is a session of a user, whose frames a test looks at one by one.
type client struct {
	*chattest.Client
	t    testing.TB
	subs int
}

type frame struct{ chattest.Frame }

// dial opens a door without a STOMP CONNECT.
func (d door) dial(t testing.TB, addr, token string) *client {
	t.Helper()
	l, err := d.open(addr, "", token)
	if err != nil {
		t.Fatal(err)
	}
	return newClient(t, l)
}

func newClient(t testing.TB, conn *chattest.Conn) *client {
	return &client{Client: chattest.NewClient(t, conn), t: t}
}

// raw writes s as one text message.
func (c *client) raw(s string) {
	c.t.Helper()
	c.Raw(s)
}

// connect opens the door and connects with STOMP 1.2.
func (d door) connect(t testing.TB, addr, token string) *client {
	t.Helper()
	c := d.dial(t, addr, token)
	c.hello()
	return c
}

func (c *client) hello() {
	c.t.Helper()
	c.raw("CONNECT\naccept-version:1.2\nhost:x\n\n\x00")
	if f := c.next(); f.Command != "CONNECTED" {
		c.t.Fatal("want CONNECTED, got", f)
	}
}

// online is connect with the four subscriptions of the field's clients.
func (d door) online(t testing.TB, addr, name string) *client {
	t.Helper()
	c := d.connect(t, addr, "t-"+name)
	c.subscribe("/user/" + name + "/recive")
	c.subscribe(sendStatus)
	c.subscribe(receiveStatus)
	c.subscribe(failures)
	return c
}

func connect(t testing.TB, addr, token string) *client {
	t.Helper()
	return native.connect(t, addr, token)
}

func online(t testing.TB, addr, name string) *client {
	t.Helper()
	return native.online(t, addr, name)
}

// subscribe returns once the server has carried it out.
func (c *client) subscribe(destination string) string {
	c.t.Helper()
	c.subs++
	id := "s" + strconv.Itoa(c.subs)
	c.raw("SUBSCRIBE\nid:" + id + "\nreceipt:r-" + id + "\ndestination:" + destination + "\n\n\x00")
	c.receipt("r-" + id)
	return id
}

func (c *client) unsubscribe(id string) {
	c.t.Helper()
	c.raw("UNSUBSCRIBE\nid:" + id + "\nreceipt:u-" + id + "\n\n\x00")
	c.receipt("u-" + id)
}

func (c *client) send(destination, body string) {
	c.t.Helper()
	c.raw("SEND\ndestination:" + destination + "\n\n" + body + "\x00")
}

// say is step 1.
func (c *client) say(msgID string, to int64, content string) {
	c.t.Helper()
	c.send("/socket/chat/send", sendBody(msgID, to, content))
}

func sendBody(msgID string, to int64, content string) string {
	text, err := json.Marshal(content)
	if err != nil {
		panic(err) // strings always marshal
	}
	return fmt.Sprintf(`{"msgID":%q,"reciverId":%d,"content":%s}`, msgID, to, text)
}

// tell is steps 1 and 2.
func (c *client) tell(msgID string, to int64, content string) {
	c.t.Helper()
	c.say(msgID, to, content)
	c.message(sendStatus).wantBody(c.t, success(msgID))
}

// confirm is step 4; id 0 names none.
func (c *client) confirm(msgID string, id int64) {
	c.t.Helper()
	if id == 0 {
		c.send("/socket/chat/recive", fmt.Sprintf(`{"msgID":%q}`, msgID))
		return
	}
	c.send("/socket/chat/recive", fmt.Sprintf(`{"msgID":%q,"id":%d}`, msgID, id))
}

// confirmed is steps 4 and 5.
func (c *client) confirmed(msgID string, id int64) {
	c.t.Helper()
	c.confirm(msgID, id)
	c.message(receiveStatus).wantBody(c.t, success(msgID))
}

// init asks for what is not confirmed; receipt "init" follows it.
func (c *client) init() {
	c.t.Helper()
	c.raw("SEND\ndestination:/socket/chat/init\nreceipt:init\n\n\x00")
}

// pending returns the chatIDs of an init.
func (c *client) pending() []string {
	c.t.Helper()
	c.init()
	var ids []string
	for {
		f := c.next()
		if f.Command == "RECEIPT" && f.Headers["receipt-id"] == "init" {
			return ids
		}
		ids = append(ids, f.message(c.t).ChatID)
	}
}

// next returns the next frame.
func (c *client) next() frame {
	c.t.Helper()
	return frame{c.Frame()}
}

// message returns the next frame, which must be a MESSAGE of that destination.
func (c *client) message(destination string) frame {
	c.t.Helper()
	f := c.next()
	if f.Command != "MESSAGE" || f.Headers["destination"] != destination {
		c.t.Fatalf("want a MESSAGE of %s, got %s", destination, f)
	}
	return f
}

func (c *client) receipt(id string) {
	c.t.Helper()
	f := c.next()
	if f.Command != "RECEIPT" || f.Headers["receipt-id"] != id {
		c.t.Fatalf("want RECEIPT %s, got %s", id, f)
	}
}

// nothing checks that no frame is on its way.
func (c *client) nothing() {
	c.t.Helper()
	c.Nothing()
}

// fails wants an ERROR with that token and a close with that code.
func (c *client) fails(token string, code int) frame {
	c.t.Helper()
	f := c.next()
	if f.Command != "ERROR" || f.Headers["message"] != token {
		c.t.Fatalf("want ERROR %s, got %s", token, f)
	}
	c.closes(code)
	return f
}

func (c *client) closes(code int) {
	c.t.Helper()
	rest, err := c.Ended()
	if len(rest) > 0 {
		c.t.Fatal("want a close, got", rest[0])
	}
	if !errors.Is(err, chattest.Closed{Code: code}) {
		c.t.Fatalf("ended by %v, want close code %d", err, code)
	}
}
