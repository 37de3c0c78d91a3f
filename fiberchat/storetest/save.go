package storetest

import (
	"errors"
	"fmt"
	"reflect"
	"strings"
	"testing"
	"time"

	"fiberchat.example/fiberchat/chat"
)

func testNoOps(t *testing.T, s chat.Store) {
	for _, ops := range [][]chat.Op{nil, {}} {
		if results, err := s.Apply(t.Context(), ops); len(results) != 0 || err != nil {
			t.Errorf("no ops: %v, %v", results, err)
		}
	}
}

func testSave(t *testing.T, s chat.Store) {
	m := message(ann, bob, "1", "hello")
	m.ID = 4711 // the store gives its own
	given := m
	r := apply(t, s, chat.Op{Save: &given})[0]
	if r.Err != nil || !r.Changed || r.Message.ID <= 0 {
		t.Fatalf("save: %+v", r)
	}
	if !reflect.DeepEqual(given, m) {
		t.Errorf("Apply changed its argument: %+v", given)
	}
	m.ID = r.Message.ID
	wantMessage(t, r.Message, m)
	wantMessages(t, pending(t, s, bob, 0, 10), m)
	wantMessages(t, pending(t, s, ann, 0, 10))
}

// testCallersOps writes over everything that it gave to Apply.
func testCallersOps(t *testing.T, s chat.Store) {
	m, c := message(ann, bob, "1", "hello"), chat.Confirmation{ReceiverID: bob, ChatID: "1", Sent: upTo(1 << 40), Time: noon.Add(time.Second)}
	ops := []chat.Op{{Save: &m}, {Confirm: &c}}
	r := apply(t, s, ops...)
	want := message(ann, bob, "1", "hello")
	want.ID = r[0].Message.ID
	m, c = message(eve, ann, "2", "other"), chat.Confirmation{}
	clear(ops)
	wantMessage(t, r[0].Message, want)
	wantMessage(t, r[1].Message, confirmed(want))
	wantMessages(t, inbox(t, s, bob, 0, 10), confirmed(want))
}

func testSaveOrder(t *testing.T, s chat.Store) {
	var last int64
	for batch := range 3 {
		var ops []chat.Op
		for i := range 200 {
			ops = append(ops, save(message(ann+int64(i%3), bob+int64(i%5)+3, fmt.Sprint(batch, "-", i), "x")))
		}
		for i, r := range apply(t, s, ops...) {
			if r.Err != nil || !r.Changed || r.Message.ID <= last || r.Message.ChatID != ops[i].Save.ChatID {
				t.Fatalf("op %d after id %d: %+v", i, last, r)
			}
			last = r.Message.ID
		}
	}
}

func testSaveAgain(t *testing.T, s chat.Store) {
	m := message(ann, bob, "1", "hello")
	again := m // sent later, under another name: still the same message
	again.Time, again.SenderName = noon.Add(time.Hour), "renamed"
	r := apply(t, s, save(m), save(again))
	if r[0].Err != nil || r[1].Err != nil || !r[0].Changed || r[1].Changed {
		t.Fatalf("twice in one call: %+v", r)
	}
	m.ID = r[0].Message.ID
	wantMessage(t, r[1].Message, m)

	r = apply(t, s, save(again))
	if r[0].Err != nil || r[0].Changed {
		t.Fatalf("in a later call: %+v", r)
	}
	wantMessage(t, r[0].Message, m)

	apply(t, s, confirm(chat.Confirmation{ReceiverID: bob, ID: m.ID}))
	r = apply(t, s, save(again), save(message(ann, bob, "2", "next")))
	if r[0].Err != nil || r[0].Changed {
		t.Fatalf("after it was confirmed: %+v", r)
	}
	wantMessage(t, r[0].Message, confirmed(m))
	wantMessages(t, pending(t, s, bob, 0, 10), r[1].Message)
}

func testConflict(t *testing.T, s chat.Store) {
	m := mustSave(t, s, message(ann, bob, "1", "hello"))
	r := apply(t, s,
		save(message(ann, bob, "2", "before")),
		save(message(ann, eve, "1", "hello")),
		save(message(ann, bob, "1", "Hello")),
		save(message(ann, bob, "1", "hello ")),
		save(message(ann, bob, "3", "after")),
	)
	for i := 1; i <= 3; i++ {
		if !errors.Is(r[i].Err, chat.ErrConflict) || r[i].Changed {
			t.Errorf("op %d: %+v, want ErrConflict", i, r[i])
		}
		wantMessage(t, r[i].Message, m)
	}
	if r[0].Err != nil || r[4].Err != nil {
		t.Errorf("the others were harmed: %v, %v", r[0].Err, r[4].Err)
	}
	wantMessages(t, pending(t, s, bob, 0, 10), m, r[0].Message, r[4].Message)
	wantMessages(t, pending(t, s, eve, 0, 10))
}

func testSaveAgainBesideOthers(t *testing.T, s chat.Store) {
	old := mustSave(t, s, message(ann, bob, "b", "old"))
	r := apply(t, s,
		save(message(ann, bob, "a", "new")),
		save(message(eve, bob, "b", "of eve")),
		save(message(ann, bob, "b", "other")),
		save(message(ann, bob, "b", "old")),
		save(message(eve, bob, "a", "of eve")),
	)
	for _, i := range []int{0, 1, 4} {
		if r[i].Err != nil || !r[i].Changed {
			t.Errorf("op %d, a new message: %+v", i, r[i])
		}
	}
	if !errors.Is(r[2].Err, chat.ErrConflict) || r[2].Changed {
		t.Errorf("another content: %+v, want ErrConflict", r[2])
	}
	if r[3].Err != nil || r[3].Changed {
		t.Errorf("a repetition: %+v", r[3])
	}
	wantMessage(t, r[3].Message, old)
	wantMessages(t, pending(t, s, bob, 0, 10), old, r[0].Message, r[1].Message, r[4].Message)
}

func testPerSender(t *testing.T, s chat.Store) {
	a := mustSave(t, s, message(ann, bob, "same", "from ann"))
	e := mustSave(t, s, message(eve, bob, "same", "from eve"))
	wantMessages(t, pending(t, s, bob, 0, 10), a, e)
}

func testBytes(t *testing.T, s chat.Store) {
	var want []chat.Message
	for _, id := range []string{
		"abc", "ABC", "Abc", "a", "a.", "a_", "a%", `a\`, `a'`, `a"`, "0", "00", "0x0", "1e0", "1", "~", "!", "?1", "$1", ":x", "{p}",
		strings.Repeat("f", 64), strings.Repeat("F", 64), strings.Repeat("f", 63),
	} {
		want = append(want, mustSave(t, s, message(ann, bob, id, "to "+id)))
	}
	wantMessages(t, pending(t, s, bob, 0, 100), want...)
	r := apply(t, s, confirm(chat.Confirmation{ReceiverID: bob, ChatID: "ABC", Sent: always}))[0]
	if r.Err != nil || !r.Changed {
		t.Fatalf("confirm: %+v", r)
	}
	wantMessage(t, r.Message, confirmed(want[1]))
}

func testContent(t *testing.T, s chat.Store) {
	var all []rune // every character of the lowest plane that is text
	for c := rune(1); c < 0x10000; c++ {
		if c < 0xD800 || c > 0xDFFF {
			all = append(all, c)
		}
	}
	chinese := strings.Repeat("起来聊天😀", 48<<10/16)
	for i, content := range []string{
		"x", " ", "\n", " a ", "\r\n\t", `'; DROP TABLE messages; --`, `{"a":"\u0000"}`, "$1 ? {p} %s", "é", "e\u0301", "🏴\u200d☠\ufe0f\U0001F1E8\U0001F1F3",
		chinese, string(all[:16<<10]), string(all[16<<10 : 32<<10]), string(all[32<<10 : 48<<10]), string(all[48<<10:]),
	} {
		m := message(ann, bob, fmt.Sprint(i), content)
		m.SenderName, m.ReceiverName = "吴苏苏 😀", "O'Neil \"x\""
		m.ID = mustSave(t, s, m).ID
		got := pending(t, s, bob, m.ID-1, 1)
		wantMessages(t, got, m)
		if r := apply(t, s, save(m))[0]; r.Err != nil || r.Changed {
			t.Errorf("content %d again: changed %v, %v", i, r.Changed, r.Err)
		}
	}
}

func testTime(t *testing.T, s chat.Store) {
	east := time.FixedZone("east", 8*3600)
	for i, at := range []time.Time{
		time.UnixMilli(1504712402000), time.UnixMilli(1504712402001).In(east), time.UnixMilli(4102444799999), time.UnixMilli(0),
	} {
		m := message(ann, bob, fmt.Sprint(i), "x")
		m.Time = at
		stored := mustSave(t, s, m)
		m.ID = stored.ID
		wantMessage(t, stored, m)
		wantMessages(t, pending(t, s, bob, m.ID-1, 1), m)
	}
}
