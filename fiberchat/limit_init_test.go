package fiberchat_test

import (
	"testing"

	"fiberchat.example/fiberchat"
)

// What costs the store and stores nothing has a limit of its own, which does
// not touch those who confirm what they were sent.
func TestInitsAndUnknownConfirmationsAreLimited(t *testing.T) {
	t.Parallel()
	s := serve(t, fiberchat.Config{Limits: fiberchat.Limits{SendRate: 0.001}}) // bursts of 1
	a, b := online(t, s.addr, "alice"), online(t, s.addr, "bob")
	a.send("/socket/chat/send", `{"msgID":"m1","reciverId":2,"content":"x"}`)
	a.message(sendStatus)
	m1 := b.message("/user/bob/recive").message(t)
	b.pending()
	b.confirmed("m1", m1.ID) // inits do not use up what confirmations have
	b.send("/socket/chat/recive", `{"msgID":"never"}`)
	b.refused("never", -404, "MessageNotFound")
	b.send("/socket/chat/recive", `{"msgID":"never"}`) // waits
	a.raw("SEND\ndestination:/socket/chat/init\nreceipt:i1\n\n\x00")
	a.receipt("i1")
	a.raw("SEND\ndestination:/socket/chat/init\nreceipt:i2\n\n\x00") // waits
	for id, c := range []*client{a, b} {
		s.chat.Disconnect(int64(id + 1))
		c.fails("disconnected", 1008) // and nothing before
	}
}
