package storetest

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"testing"

	"fiberchat.example/fiberchat/chat"
)

type conversationStore interface {
	chat.Store
	chat.Conversations
}

// RunConversations checks chat.Conversations, for stores that offer it. open
// returns an empty store and cleans up with t.Cleanup.
func RunConversations(t *testing.T, open func(t *testing.T) chat.Store) {
	for _, test := range []struct {
		name string
		run  func(*testing.T, conversationStore)
	}{
		{"conversations", testConversations},
		{"conversations in pages", testConversationPages},
		{"unread", testUnread},
		{"mark read", testMarkRead},
		{"since", testSince},
		{"since in pages", testSincePages},
		{"settled", testSettled},
		{"conversations of a cancelled context", testConversationsCancelled},
	} {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			test.run(t, open(t).(conversationStore))
		})
	}
}

func summaries(t testing.TB, s chat.Conversations, user, before int64, limit int) []chat.Summary {
	t.Helper()
	all, err := s.Conversations(t.Context(), user, before, limit)
	if err != nil {
		t.Fatalf("Conversations: %v", err)
	}
	return all
}

func mark(t testing.TB, s chat.Conversations, reader, sender, upTo, want int64, changed bool) {
	t.Helper()
	got, c, err := s.MarkRead(context.WithoutCancel(t.Context()), reader, sender, upTo)
	if err != nil || got != want || c != changed {
		t.Fatalf("mark read up to %d: %d, %v, %v, want %d, %v", upTo, got, c, err, want, changed)
	}
}

func since(t testing.TB, s chat.Conversations, user, after int64, limit int) []chat.Message {
	t.Helper()
	messages, err := s.Since(t.Context(), user, after, limit)
	if err != nil {
		t.Fatalf("Since: %v", err)
	}
	return messages
}

func wantSummary(t testing.TB, got, want chat.Summary) {
	t.Helper()
	wantMessage(t, got.Last, want.Last)
	got.Last, want.Last = chat.Message{}, chat.Message{}
	if got != want {
		t.Errorf("conversation %+v, want %+v", got, want)
	}
}

func testConversations(t *testing.T, s conversationStore) {
	if got := summaries(t, s, ann, 0, 10); len(got) != 0 {
		t.Errorf("%v in an empty store", got)
	}
	one := mustSave(t, s, message(ann, bob, "1", "hello"))
	two := mustSave(t, s, message(bob, ann, "2", "yes?"))
	three := message(eve, ann, "3", "hi")
	three.SenderName = "Eve, as she was called then"
	three = mustSave(t, s, three)
	mustSave(t, s, message(eve, bob, "4", "not ann's"))
	apply(t, s, confirm(chat.Confirmation{ReceiverID: ann, ID: two.ID}))
	mark(t, s, bob, ann, one.ID, one.ID, true)
	mark(t, s, ann, bob, two.ID, two.ID, true)
	all := summaries(t, s, ann, 0, 10)
	if len(all) != 2 {
		t.Fatalf("%d conversations: %+v", len(all), all)
	}
	wantSummary(t, all[0], chat.Summary{Other: chat.User{ID: eve, Name: three.SenderName}, Last: three, Unread: 1})
	wantSummary(t, all[1], chat.Summary{Other: chat.User{ID: bob, Name: "user2"}, Last: confirmed(two), ReadByMe: two.ID, ReadByThem: one.ID})

	// An answer brings the conversation to the top, under the name that it has.
	five := mustSave(t, s, message(ann, bob, "5", "well"))
	wantSummary(t, summaries(t, s, ann, 0, 1)[0],
		chat.Summary{Other: chat.User{ID: bob, Name: "user2"}, Last: five, ReadByMe: two.ID, ReadByThem: one.ID})
	if got := summaries(t, s, 999, 0, 10); len(got) != 0 {
		t.Errorf("%v of a stranger", got)
	}
}

func testConversationPages(t *testing.T, s conversationStore) {
	const others = 25
	var want []int64
	for i := range int64(others) {
		for round := range 2 { // both ways, so each is there once
			from, to := ann, 100+i
			if (i+int64(round))%2 == 0 {
				from, to = to, from
			}
			mustSave(t, s, message(from, to, fmt.Sprint(i, "-", round), "x"))
		}
		want = append(want, 100+i)
	}
	slices.Reverse(want)
	var got []int64
	for before := int64(0); ; {
		page := summaries(t, s, ann, before, 10)
		if len(page) > 10 {
			t.Fatalf("%d conversations, limit was 10", len(page))
		}
		for _, c := range page {
			got = append(got, c.Other.ID)
			before = c.Last.ID
		}
		if len(page) < 10 {
			break
		}
	}
	if !slices.Equal(got, want) {
		t.Errorf("with %v, want %v", got, want)
	}
	if got := summaries(t, s, ann, 0, 0); len(got) != 0 {
		t.Errorf("%d conversations, limit was 0", len(got))
	}
}

func testUnread(t *testing.T, s conversationStore) {
	var last chat.Message
	for i := range chat.MaxUnread + 5 {
		last = mustSave(t, s, message(bob, ann, fmt.Sprint(i), "x"))
		mustSave(t, s, message(ann, bob, fmt.Sprint("own ", i), "x")) // never unread
	}
	want := func(n int) {
		t.Helper()
		if got := summaries(t, s, ann, 0, 1)[0].Unread; got != n {
			t.Errorf("%d are unread, want %d", got, n)
		}
	}
	want(chat.MaxUnread)
	apply(t, s, confirm(chat.Confirmation{ReceiverID: ann, ID: last.ID})) // is not to read
	mark(t, s, ann, bob, last.ID-10, last.ID-10, true)                    // two ids a round
	want(5)
	mark(t, s, ann, bob, last.ID, last.ID, true)
	want(0)
}

func testMarkRead(t *testing.T, s conversationStore) {
	mark(t, s, ann, bob, 1<<60, 0, false)
	one := mustSave(t, s, message(bob, ann, "1", "x"))
	own := mustSave(t, s, message(ann, bob, "2", "x"))
	two := mustSave(t, s, message(bob, ann, "3", "x"))
	other := mustSave(t, s, message(eve, ann, "4", "x"))
	mark(t, s, ann, bob, one.ID-1, 0, false)
	mark(t, s, ann, bob, -1, 0, false)
	mark(t, s, ann, bob, own.ID, one.ID, true) // no more than what bob sent
	mark(t, s, ann, bob, own.ID, one.ID, false)
	mark(t, s, ann, bob, 1<<62, two.ID, true) // and not what he will send
	mark(t, s, ann, bob, other.ID, two.ID, false)
	mark(t, s, ann, bob, one.ID, two.ID, false) // only forward
	mark(t, s, eve, bob, 1<<62, 0, false)       // nothing was sent
	three := mustSave(t, s, message(bob, ann, "5", "x"))
	if c := summaries(t, s, ann, 0, 1)[0]; c.ReadByMe != two.ID || c.Unread != 1 {
		t.Errorf("%+v, want one unread", c)
	}
	mark(t, s, ann, bob, three.ID, three.ID, true)
}

func testSince(t *testing.T, s conversationStore) {
	wantMessages(t, since(t, s, ann, 0, 10))
	one := mustSave(t, s, message(ann, bob, "1", "x"))
	two := mustSave(t, s, message(bob, ann, "2", "x"))
	mustSave(t, s, message(eve, bob, "3", "not ann's"))
	own := mustSave(t, s, message(ann, ann, "4", "to herself, once"))
	five := mustSave(t, s, message(eve, ann, "5", "x"))
	apply(t, s, confirm(chat.Confirmation{ReceiverID: ann, ID: two.ID}))
	two = confirmed(two)
	wantMessages(t, since(t, s, ann, 0, 10), one, two, own, five)
	wantMessages(t, since(t, s, ann, 0, 2), one, two)
	wantMessages(t, since(t, s, ann, one.ID, 2), two, own)
	wantMessages(t, since(t, s, ann, five.ID, 10))
	wantMessages(t, since(t, s, ann, 0, 0))
	wantMessages(t, since(t, s, ann, -1, 1), one)
	wantMessages(t, since(t, s, 999, 0, 10))
}

// testSincePages has more streams than a page, and pages within one stream.
func testSincePages(t *testing.T, s conversationStore) {
	var want []chat.Message
	for i := range int64(120) {
		from, to := ann, 100+i%40
		if i > 80 {
			to = 100
		}
		if i%3 == 0 {
			from, to = to, from
		}
		want = append(want, mustSave(t, s, message(from, to, fmt.Sprint(i), "x")))
	}
	for _, limit := range []int{1, 7, 50} {
		var got []chat.Message
		for after := int64(0); ; after = got[len(got)-1].ID {
			page := since(t, s, ann, after, limit)
			if len(page) > limit {
				t.Fatalf("%d messages, limit was %d", len(page), limit)
			}
			if got = append(got, page...); len(page) < limit {
				break
			}
		}
		wantMessages(t, got, want...)
	}
}

func testSettled(t *testing.T, s conversationStore) {
	for i := range 5 {
		settled, err := s.Settled(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		m := mustSave(t, s, message(ann, 100+int64(i), fmt.Sprint(i), "x"))
		if m.ID <= settled {
			t.Errorf("%d came when all up to %d was settled", m.ID, settled)
		}
		// The messages of these tests are old.
		if settled, err = s.Settled(t.Context()); err != nil || settled < m.ID {
			t.Errorf("settled up to %d, %v, want %d", settled, err, m.ID)
		}
	}
}

func testConversationsCancelled(t *testing.T, s conversationStore) {
	m := mustSave(t, s, message(bob, ann, "1", "x"))
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	_, _, err1 := s.MarkRead(ctx, ann, bob, m.ID)
	_, err2 := s.Conversations(ctx, ann, 0, 10)
	_, err3 := s.Since(ctx, ann, 0, 10)
	_, err4 := s.Settled(ctx)
	for _, err := range []error{err1, err2, err3, err4} {
		if !errors.Is(err, context.Canceled) {
			t.Errorf("%v, want context.Canceled", err)
		}
	}
	mark(t, s, ann, bob, m.ID, m.ID, true)
}
