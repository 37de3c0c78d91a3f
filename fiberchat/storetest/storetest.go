// Package storetest is the contract of chat.Store as tests, for our stores and
// for yours:
//
//	func TestStore(t *testing.T) {
//		storetest.Run(t, func(t *testing.T) chat.Store { return mystore.New(t.TempDir()) })
//	}
//
// NewMemory is a small store in memory that keeps the same contract, except for
// being durable: for tests of what lies above a store.
//
// # Files
//
//	storetest.go  Run
//	save.go       Saves: order, repetitions, conflicts
//	confirm.go    confirmations; confirm_many.go
//	read.go       Pending, Inbox, Last, Conversation
//	previous.go   Result.Previous
//	order.go      ids that become visible in order
//	shared.go     two stores on one database
//	presence.go   chat.PresenceStore
//	notices.go    chat.Notices; notices_shared.go
//	conversations.go  chat.Conversations
//	optional.go   chat.Unconfirmed, chat.Counter and chat.Finder
//	overdue.go    chat.OverdueQueue
//	memory.go     Memory; memory_conversations.go, memory_notices.go, memory_overdue.go,
//	              memory_presence.go
package storetest

import (
	"context"
	"fmt"
	"reflect"
	"strconv"
	"testing"
	"time"

	"fiberchat.example/fiberchat/chat"
)

// Run checks the contract. open returns an empty store, a fresh one at each
// call, and cleans up with t.Cleanup.
func Run(t *testing.T, open func(t *testing.T) chat.Store) {
	for _, test := range []struct {
		name string
		run  func(*testing.T, chat.Store)
	}{
		{"no operations", testNoOps},
		{"save", testSave},
		{"ops are the caller's again", testCallersOps},
		{"save in order", testSaveOrder},
		{"save again", testSaveAgain},
		{"save again with another receiver or content", testConflict},
		{"save again beside others under the same msgIDs", testSaveAgainBesideOthers},
		{"msgID is unique per sender", testPerSender},
		{"msgID is compared byte by byte", testBytes},
		{"content comes back as it was", testContent},
		{"time is in milliseconds UTC", testTime},
		{"confirm names a message", testConfirmRules},
		{"confirm again", testConfirmAgain},
		{"confirm by another user", testConfirmStranger},
		{"confirm among many under one msgID", testConfirmAmongMany},
		{"save and confirm in one call", testSaveAndConfirm},
		{"confirm in one call before its message", testConfirmBeforeItsMessage},
		{"confirmed at", testConfirmedAt},
		{"previous", testPrevious},
		{"pending", testPending},
		{"inbox", testInbox},
		{"last", testLast},
		{"conversation", testConversation},
		{"cancelled context", testCancelled},
		{"visible in order of id", func(t *testing.T, s chat.Store) { visibleInOrder(t, []chat.Store{s, s}) }},
	} {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			test.run(t, open(t))
		})
	}
}

// RunShared checks what the contract says of two stores on one database, as
// two processes have it, or one after a restart.
func RunShared(t *testing.T, openTwo func(t *testing.T) (a, b chat.Store)) {
	for _, test := range []struct {
		name string
		run  func(t *testing.T, a, b chat.Store)
	}{
		{"what one stored the other has", testSharedState},
		{"previous", testSharedPrevious},
		{"one message saved through both", testSharedSave},
		{"one message confirmed through both", testSharedConfirm},
		{"one sender's msgIDs saved to others through both", testSharedSender},
		{"visible in order of id", func(t *testing.T, a, b chat.Store) { visibleInOrder(t, []chat.Store{a, b}) }},
	} {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			a, b := openTwo(t)
			test.run(t, a, b)
		})
	}
}

// The users of the tests. A store of messages needs no accounts for them.
const (
	ann int64 = iota + 1
	bob
	eve
)

var noon = time.Date(2017, 9, 6, 12, 0, 0, int(123*time.Millisecond), time.UTC)

// message returns one that is complete except for its ID.
func message(from, to int64, chatID, content string) chat.Message {
	name := func(id int64) string { return "user" + strconv.FormatInt(id, 10) }
	return chat.Message{
		ChatID: chatID, SenderID: from, ReceiverID: to, SenderName: name(from), ReceiverName: name(to),
		Content: content, Time: noon,
	}
}

func save(m chat.Message) chat.Op { return chat.Op{Save: &m} }

func confirm(r chat.Confirmation) chat.Op {
	r.Time = noon.Add(time.Second)
	return chat.Op{Confirm: &r}
}

// apply fails the test where the call fails; results' own errors are returned.
func apply(t testing.TB, s chat.Store, ops ...chat.Op) []chat.Result {
	t.Helper()
	results, err := s.Apply(context.WithoutCancel(t.Context()), ops)
	if err != nil {
		t.Fatalf("Apply: %v", err)
	}
	if len(results) != len(ops) {
		t.Fatalf("Apply: %d results for %d ops", len(results), len(ops))
	}
	return results
}

// mustSave stores one message that is not there yet and returns it with its ID.
func mustSave(t testing.TB, s chat.Store, m chat.Message) chat.Message {
	t.Helper()
	r := apply(t, s, save(m))[0]
	if r.Err != nil || !r.Changed || r.Message.ID <= 0 {
		t.Fatalf("save %q: %+v", m.ChatID, r)
	}
	return r.Message
}

// confirmed is m as it is after a confirm.
func confirmed(m chat.Message) chat.Message {
	m.ConfirmedAt = noon.Add(time.Second)
	return m
}

func wantMessage(t testing.TB, got, want chat.Message) {
	t.Helper()
	if !got.Time.Equal(want.Time) || got.Time.Location() != time.UTC {
		t.Errorf("time %v, want %v", got.Time, want.Time)
	}
	if !got.ConfirmedAt.Equal(want.ConfirmedAt) || got.ConfirmedAt.Location() != time.UTC {
		t.Errorf("confirmed at %v, want %v", got.ConfirmedAt, want.ConfirmedAt)
	}
	got.Time, want.Time, got.ConfirmedAt, want.ConfirmedAt = time.Time{}, time.Time{}, time.Time{}, time.Time{}
	if !reflect.DeepEqual(got, want) {
		t.Errorf("message %.300s\nwant    %.300s", fmt.Sprintf("%+v", got), fmt.Sprintf("%+v", want))
	}
}

func wantMessages(t testing.TB, got []chat.Message, want ...chat.Message) {
	t.Helper()
	if len(got) != len(want) {
		t.Fatalf("%d messages %v, want %d", len(got), ids(got), len(want))
	}
	for i := range got {
		wantMessage(t, got[i], want[i])
	}
}

func ids(messages []chat.Message) []int64 {
	var out []int64
	for _, m := range messages {
		out = append(out, m.ID)
	}
	return out
}

func pending(t testing.TB, s chat.Store, receiver, after int64, limit int) []chat.Message {
	t.Helper()
	messages, err := s.Pending(context.WithoutCancel(t.Context()), receiver, after, limit)
	if err != nil {
		t.Fatalf("Pending: %v", err)
	}
	return messages
}

func inbox(t testing.TB, s chat.Store, receiver, after int64, limit int) []chat.Message {
	t.Helper()
	messages, err := s.Inbox(context.WithoutCancel(t.Context()), receiver, after, limit)
	if err != nil {
		t.Fatalf("Inbox: %v", err)
	}
	return messages
}

func last(t testing.TB, s chat.Store, receiver int64) int64 {
	t.Helper()
	id, err := s.Last(context.WithoutCancel(t.Context()), receiver)
	if err != nil {
		t.Fatalf("Last: %v", err)
	}
	return id
}

func conversation(t testing.TB, s chat.Store, user, other int64, page chat.Page, limit int) []chat.Message {
	t.Helper()
	messages, err := s.Conversation(context.WithoutCancel(t.Context()), user, other, page, limit)
	if err != nil {
		t.Fatalf("Conversation: %v", err)
	}
	return messages
}
