package fiberchat_test

import (
	"fmt"
	"testing"

	"fiberchat.example/fiberchat"
)

// What costs the store and stores nothing has a limit of its own, which does
// not touch those who confirm what they were sent.
func TestInitsAndUnknownConfirmationsAreLimited(t *testing.T) {
	t.Parallel()
	s := serve(t, fiberchat.Config{SendRate: 0.5}) // bursts of 2
	limited := func(msgID, what string) string {
		return `{"msgID":` + msgID + `,"code":-400,"status":"失败","content":{"error":"RateLimited","message":"too many ` + what + `, try again later"}}`
	}
	a, b := online(t, s.addr, "alice"), online(t, s.addr, "bob")
	a.send("/socket/chat/send", `{"msgID":"m1","reciverId":2,"content":"x"}`)
	a.message(sendStatus)
	for i := range 2 {
		a.raw(fmt.Sprintf("SEND\ndestination:/socket/chat/init\nreceipt:i%d\n\n\x00", i))
		a.receipt(fmt.Sprint("i", i))
	}
	a.raw("SEND\ndestination:/socket/chat/init\nreceipt:i2\n\n\x00")
	a.message(failures).wantBody(t, limited(`null`, "inits"))

	m1 := b.message("/user/bob/recive").message(t)
	for range 2 {
		b.pending()
	}
	b.confirmed("m1", m1.ID) // inits do not use up what confirmations have
	for range 2 {
		b.send("/socket/chat/recive", `{"msgID":"never"}`)
		b.message(failures).wantBody(t, `{"msgID":"never","code":-404,"status":"失败","content":{"error":"MessageNotFound","message":"no message with that msgID was sent to you"}}`)
	}
	b.send("/socket/chat/recive", `{"msgID":"never"}`)
	b.message(failures).wantBody(t, limited(`"never"`, "confirmations of unknown messages"))
}
