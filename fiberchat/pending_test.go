package fiberchat_test

import (
	"testing"

	"fiberchat.example/fiberchat"
)

func TestMaxPendingHoldsUntilTheReceiverConfirms(t *testing.T) {
	t.Parallel()
	s := serve(t, fiberchat.Config{Limits: fiberchat.Limits{Pending: 2}})
	a := online(t, s.addr, "alice")
	for _, id := range []string{"m1", "m2"} {
		a.send("/socket/chat/send", `{"msgID":"`+id+`","reciverId":2,"content":"x"}`)
		a.message(sendStatus).wantBody(t, success(id))
	}
	third := `{"msgID":"m3","reciverId":2,"content":"x"}`
	a.send("/socket/chat/send", third)
	a.message(failures).wantBody(t, `{"msgID":"m3","code":-400,"status":"失败","content":{"error":"RateLimited","message":"the receiver has too many unconfirmed messages, try again later"}}`)

	a.tell("m2", 2, "x") // the same again: it is stored, whatever there is beside it
	a.say("m2", 2, "other")
	a.refused("m2", -401, "MsgIDReused")

	b := online(t, s.addr, "bob")
	b.send("/socket/chat/recive", `{"msgID":"m1"}`)
	b.message(receiveStatus)
	a.send("/socket/chat/send", third)
	a.message(sendStatus).wantBody(t, success("m3"))
	if got := b.message("/user/bob/recive").message(t).ChatID; got != "m3" {
		t.Error("got", got)
	}
}
