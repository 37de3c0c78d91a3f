package storetest

import (
	"strings"
	"testing"

	"fiberchat.example/fiberchat/chat"
)

// testConfirmAmongMany confirms without ids where many senders chose one
// msgID: each Confirmation, be it in one call with others, means the message
// that the rules say, and has all of it.
func testConfirmAmongMany(t *testing.T, s chat.Store) {
	const senders = 30
	var all []chat.Message
	for i := range senders {
		m := message(int64(100+i), bob, "same", strings.Repeat("x", i+1))
		if i%3 == 2 {
			m.ReceiverID = eve
		}
		if m = mustSave(t, s, m); m.ReceiverID == bob {
			all = append(all, m)
		}
	}
	some := []chat.Range{{After: all[3].ID, UpTo: all[6].ID}, {After: all[8].ID, UpTo: all[9].ID}}
	named := func(sent []chat.Range) chat.Op {
		return confirm(chat.Confirmation{ReceiverID: bob, ChatID: "same", Sent: sent})
	}
	other := mustSave(t, s, message(ann, bob, "other", "x"))
	r := apply(t, s, named(never), named(some), named(some), confirm(chat.Confirmation{ReceiverID: bob, ChatID: "other"}), named(some))
	for i, want := range []chat.Message{all[0], all[4], all[5], other, all[6]} {
		if r[i].Err != nil || !r[i].Changed {
			t.Errorf("confirmation %d: %v, changed %v", i, r[i].Err, r[i].Changed)
		}
		wantMessage(t, r[i].Message, confirmed(want))
	}
	r = append(apply(t, s, named(some)), apply(t, s, named(some), named(never))...)
	for i, want := range []chat.Message{all[9], all[0], all[0]} {
		if r[i].Err != nil || r[i].Changed != (i == 0) {
			t.Errorf("confirmation %d later: %v, changed %v", i, r[i].Err, r[i].Changed)
		}
		wantMessage(t, r[i].Message, confirmed(want))
	}
	left := append(append([]chat.Message{}, all[1:4]...), all[7:9]...)
	wantMessages(t, pending(t, s, bob, 0, senders), append(left, all[10:]...)...)
}
