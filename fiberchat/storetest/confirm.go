package storetest

import (
	"errors"
	"slices"
	"testing"
	"time"

	"fiberchat.example/fiberchat/chat"
)

// always and never are values of Confirmation.Sent.
var (
	always = upTo(1 << 40)
	never  []chat.Range
)

func upTo(id int64) []chat.Range { return []chat.Range{{UpTo: id}} }

func testConfirmRules(t *testing.T, s chat.Store) {
	// For each case bob gets "x" from ann, then from eve, then "y" from ann,
	// and has confirmed some. All ids are by place in this list.
	for i, c := range []struct {
		name                string
		confirmed           []int
		id                  int // place of the message that ID names, -1: none
		chatID              string
		sentAfter, sentUpTo int // the messages above the one place and up to the other were sent, -1: from the first, none
		want                int // place, -1: ErrNotFound
		changed             bool
	}{
		{"ID alone", nil, 1, "", -1, -1, 1, true},
		{"ID and ChatID", nil, 1, "x", -1, -1, 1, true},
		{"ID wins over the oldest", nil, 1, "x", -1, 2, 1, true},
		{"ID of another ChatID", nil, 2, "x", -1, 2, -1, false},
		{"ID confirmed before", []int{1}, 1, "x", -1, 2, 1, false},
		{"oldest that was sent", nil, -1, "x", -1, 2, 0, true},
		{"oldest that was sent and is open", []int{0}, -1, "x", -1, 1, 1, true},
		{"sent is unconfirmed, an older one is confirmed", []int{0}, -1, "x", -1, 2, 1, true},
		{"the next was not sent: repetition", []int{0}, -1, "x", -1, 0, 0, false},
		{"nothing sent, one confirmed: repetition", []int{1}, -1, "x", -1, -1, 1, false},
		{"nothing sent, none confirmed: oldest", nil, -1, "x", -1, -1, 0, true},
		{"all confirmed", []int{0, 1}, -1, "y", -1, -1, 2, true},
		{"ChatID in another case", nil, -1, "X", -1, 2, -1, false},
		{"no such ChatID", nil, -1, "z", -1, 2, -1, false},
		{"no ChatID, no ID", nil, -1, "", -1, 2, -1, false},
		{"the oldest was not sent to this session", nil, -1, "x", 0, 2, 1, true},
		{"only a confirmed one was sent: repetition", []int{1}, -1, "x", 0, 2, 1, false},
		{"none was sent, none confirmed: oldest", nil, -1, "x", 1, 2, 0, true},
	} {
		ann, bob, eve := int64(10*i+11), int64(10*i+12), int64(10*i+13)
		m := []chat.Message{
			mustSave(t, s, message(ann, bob, "x", "one")),
			mustSave(t, s, message(eve, bob, "x", "two")),
			mustSave(t, s, message(ann, bob, "y", "three")),
		}
		for _, k := range c.confirmed {
			apply(t, s, confirm(chat.Confirmation{ReceiverID: bob, ID: m[k].ID}))
		}
		r := chat.Confirmation{ReceiverID: bob, ChatID: c.chatID}
		if c.id >= 0 {
			r.ID = m[c.id].ID
		}
		if c.sentUpTo >= 0 {
			r.Sent = upTo(m[c.sentUpTo].ID)
		}
		if c.sentAfter >= 0 {
			// After another range, which holds none of them.
			r.Sent = []chat.Range{{UpTo: m[0].ID - 1}, {After: m[c.sentAfter].ID, UpTo: m[c.sentUpTo].ID}}
		}
		before := pending(t, s, bob, 0, 10)
		got := apply(t, s, confirm(r))[0]
		after := pending(t, s, bob, 0, 10)
		if got.Changed != c.changed {
			t.Errorf("%s: changed is %v", c.name, got.Changed)
		}
		switch {
		case c.want < 0 && !errors.Is(got.Err, chat.ErrNotFound):
			t.Errorf("%s: %+v, want ErrNotFound", c.name, got)
		case c.want >= 0 && got.Err != nil:
			t.Errorf("%s: %v", c.name, got.Err)
		case c.want >= 0:
			wantMessage(t, got.Message, confirmed(m[c.want]))
		}
		if !c.changed {
			wantMessages(t, after, before...)
			continue
		}
		if len(after) != len(before)-1 {
			t.Errorf("%s: pending %v, then %v", c.name, ids(before), ids(after))
		}
		for _, p := range after {
			if p.ID == m[c.want].ID {
				t.Errorf("%s: %d is still pending", c.name, p.ID)
			}
		}
	}
}

func testConfirmAgain(t *testing.T, s chat.Store) {
	m := mustSave(t, s, message(ann, bob, "1", "hello"))
	r := apply(t, s,
		confirm(chat.Confirmation{ReceiverID: bob, ChatID: "1", Sent: always}),
		confirm(chat.Confirmation{ReceiverID: bob, ChatID: "1", Sent: always}),
		confirm(chat.Confirmation{ReceiverID: bob, ChatID: "1", Sent: never}),
		confirm(chat.Confirmation{ReceiverID: bob, ID: m.ID}),
	)
	for i := range r {
		if r[i].Err != nil || r[i].Changed != (i == 0) {
			t.Errorf("confirm %d: %+v", i, r[i])
		}
		wantMessage(t, r[i].Message, confirmed(m))
	}
	wantMessages(t, pending(t, s, bob, 0, 10))
}

func testConfirmStranger(t *testing.T, s chat.Store) {
	m := mustSave(t, s, message(ann, bob, "1", "hello"))
	// One of eve's own under the same msgID must not open bob's to her.
	own := mustSave(t, s, message(ann+100, eve, "1", "hello"))
	apply(t, s, confirm(chat.Confirmation{ReceiverID: eve, ID: own.ID}))
	for i, r := range apply(t, s,
		confirm(chat.Confirmation{ReceiverID: eve, ID: m.ID}),
		confirm(chat.Confirmation{ReceiverID: eve, ID: m.ID, ChatID: "1", Sent: always}),
		confirm(chat.Confirmation{ReceiverID: ann, ChatID: "1", Sent: always}),
		confirm(chat.Confirmation{ReceiverID: bob, ID: own.ID, Sent: always}),
		confirm(chat.Confirmation{ReceiverID: bob, ID: 1 << 40, Sent: always}),
		confirm(chat.Confirmation{ReceiverID: bob, ID: -1, ChatID: "1", Sent: always}),
	) {
		if !errors.Is(r.Err, chat.ErrNotFound) || r.Changed || r.Message != (chat.Message{}) {
			t.Errorf("confirm %d: %+v, want ErrNotFound and nothing of the message", i, r)
		}
	}
	wantMessages(t, pending(t, s, bob, 0, 10), m)
}

func testSaveAndConfirm(t *testing.T, s chat.Store) {
	old := mustSave(t, s, message(ann, bob, "0", "old"))
	r := apply(t, s,
		confirm(chat.Confirmation{ReceiverID: bob, ChatID: "1", Sent: always}), // not saved yet
		save(message(ann, bob, "1", "one")),
		confirm(chat.Confirmation{ReceiverID: bob, ChatID: "1", Sent: always}),
		save(message(ann, bob, "1", "one")),
		save(message(ann, bob, "2", "two")),
		confirm(chat.Confirmation{ReceiverID: bob, ID: old.ID}),
	)
	if !errors.Is(r[0].Err, chat.ErrNotFound) {
		t.Errorf("confirm before its message: %+v", r[0])
	}
	for i, changed := range []bool{false, true, true, false, true, true} {
		if i > 0 && (r[i].Err != nil || r[i].Changed != changed) {
			t.Errorf("op %d: %+v", i, r[i])
		}
	}
	wantMessage(t, r[2].Message, confirmed(r[1].Message))
	wantMessage(t, r[3].Message, confirmed(r[1].Message))
	wantMessage(t, r[5].Message, confirmed(old))
	wantMessages(t, pending(t, s, bob, 0, 10), r[4].Message)
}

func testConfirmBeforeItsMessage(t *testing.T, s chat.Store) {
	old := mustSave(t, s, message(ann, bob, "0", "old"))
	// Most stores give the next ids to what is saved here.
	r := apply(t, s,
		confirm(chat.Confirmation{ReceiverID: bob, ID: old.ID + 1}),
		confirm(chat.Confirmation{ReceiverID: bob, ID: old.ID + 2, ChatID: "2"}),
		confirm(chat.Confirmation{ReceiverID: bob, ChatID: "2", Sent: always}),
		save(message(ann, bob, "1", "one")),
		save(message(ann, bob, "2", "two")),
		save(message(eve, bob, "2", "three")),
		confirm(chat.Confirmation{ReceiverID: bob, ChatID: "2", Sent: always}),
		save(message(eve, bob, "1", "four")),
	)
	for i := range 3 {
		if !errors.Is(r[i].Err, chat.ErrNotFound) || r[i].Changed {
			t.Errorf("confirm %d: %+v, want ErrNotFound", i, r[i])
		}
	}
	for i := 3; i < len(r); i++ {
		if r[i].Err != nil || !r[i].Changed {
			t.Errorf("op %d: %+v", i, r[i])
		}
	}
	wantMessage(t, r[6].Message, confirmed(r[4].Message))
	wantMessages(t, pending(t, s, bob, 0, 10), old, r[3].Message, r[5].Message, r[7].Message)
}

// testConfirmedAt confirms at different times, within a call and again.
func testConfirmedAt(t *testing.T, s chat.Store) {
	at := func(c chat.Confirmation, seconds int) chat.Op {
		c.ReceiverID, c.Time = bob, noon.Add(time.Duration(seconds)*time.Second)
		return chat.Op{Confirm: &c}
	}
	want := func(got, m chat.Message, seconds int) {
		t.Helper()
		m.ConfirmedAt = noon.Add(time.Duration(seconds) * time.Second)
		wantMessage(t, got, m)
	}
	before := mustSave(t, s, message(ann, eve, "0", "x"))
	given := message(ann, bob, "1", "x")
	given.ConfirmedAt = noon // the store's to say
	r := apply(t, s, save(given), save(given))
	given.ConfirmedAt = time.Time{}
	given.ID = r[0].Message.ID
	one := given
	wantMessage(t, r[0].Message, one)
	wantMessage(t, r[1].Message, one)
	two, three := mustSave(t, s, message(ann, bob, "2", "x")), mustSave(t, s, message(ann, bob, "3", "x"))
	r = apply(t, s,
		save(given),
		at(chat.Confirmation{ID: two.ID}, 20),
		at(chat.Confirmation{ChatID: "1"}, 10),
		at(chat.Confirmation{ChatID: "1"}, 30),
		save(given),
		save(message(ann, bob, "2", "x")),
	)
	wantMessage(t, r[0].Message, one) // not yet
	want(r[1].Message, two, 20)
	want(r[2].Message, one, 10)
	want(r[3].Message, one, 10) // a repetition changes nothing
	want(r[4].Message, one, 10)
	want(r[5].Message, two, 20)
	r = apply(t, s, at(chat.Confirmation{ID: one.ID}, 40), save(given))
	want(r[0].Message, one, 10)
	want(r[1].Message, one, 10)

	all := inbox(t, s, bob, 0, 10)
	want(all[0], one, 10)
	want(all[1], two, 20)
	wantMessage(t, all[2], three)
	for _, page := range []chat.Page{{}, {After: before.ID}} {
		both := conversation(t, s, ann, bob, page, 10)
		if page.After == 0 {
			slices.Reverse(both)
		}
		wantMessages(t, both, all...)
	}
	// In whole milliseconds UTC, as the message's own time.
	c := chat.Confirmation{ReceiverID: bob, ID: three.ID, Time: time.UnixMilli(1504712402001).In(time.FixedZone("east", 8*3600)).Add(789)}
	three.ConfirmedAt = time.UnixMilli(1504712402001)
	wantMessage(t, apply(t, s, chat.Op{Confirm: &c})[0].Message, three)
	wantMessage(t, inbox(t, s, bob, two.ID, 1)[0], three)
}
