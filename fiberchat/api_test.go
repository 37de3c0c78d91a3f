package fiberchat_test

import (
	"context"
	"errors"
	"strings"
	"testing"
	"time"

	"fiberchat.example/fiberchat"
	"fiberchat.example/fiberchat/chat"
)

func TestSendForServerCode(t *testing.T) {
	t.Parallel()
	ctx := context.Background()
	s := serve(t, fiberchat.Config{CanSend: func(context.Context, chat.User, chat.User) error { return errors.New("no") }})
	a, b := online(t, s.addr, "alice"), online(t, s.addr, "bob")
	before := time.Now().Truncate(time.Millisecond)
	m, err := s.chat.Send(ctx, 1, 2, "你好")
	if err != nil {
		t.Fatal(err)
	}
	got := b.message("/user/bob/recive").message(t)
	want := chat.Message{ID: m.ID, ChatID: m.ChatID, SenderID: 1, ReceiverID: 2, SenderName: "alice", ReceiverName: "bob", Content: "你好", Time: m.Time}
	if got != want || m.ID <= 0 || m.ChatID == "" || len(m.ChatID) > 64 || m.Time.Before(before) || m.SenderName != "alice" || m.Content != "你好" {
		t.Errorf("sent %+v, got %+v", m, got)
	}
	b.confirmed(m.ChatID, 0)
	a.nothing() // no status: no session sent it

	again, err := s.chat.Send(ctx, 1, 2, "你好")
	if err != nil || again.ChatID == m.ChatID || again.ID <= m.ID {
		t.Errorf("the second is %+v, %v", again, err)
	}
	b.message("/user/bob/recive")
	if _, err := s.chat.Send(ctx, 1, 3, "to carol, who is not online"); err != nil {
		t.Error(err)
	}
	for name, err := range map[string]error{
		"unknown sender":   second(s.chat.Send(ctx, 99, 2, "x")),
		"unknown receiver": second(s.chat.Send(ctx, 1, 99, "x")),
		"receiver 0":       second(s.chat.Send(ctx, 1, 0, "x")),
		"receiver -1":      second(s.chat.Send(ctx, 1, -1, "x")),
	} {
		if !errors.Is(err, chat.ErrNotFound) {
			t.Errorf("%s: %v", name, err)
		}
	}
	for name, err := range map[string]error{
		"empty":     second(s.chat.Send(ctx, 1, 2, "")),
		"too large": second(s.chat.Send(ctx, 1, 2, strings.Repeat("x", 48<<10+1))),
		"NUL":       second(s.chat.Send(ctx, 1, 2, "a\x00")),
		"not UTF-8": second(s.chat.Send(ctx, 1, 2, "a\xff")),
		"to self":   second(s.chat.Send(ctx, 1, 1, "x")),
	} {
		if err == nil || errors.Is(err, chat.ErrNotFound) {
			t.Errorf("%s: %v", name, err)
		}
	}
	b.nothing()
	if err := s.chat.Close(ctx); err != nil {
		t.Fatal(err)
	}
	if _, err := s.chat.Send(ctx, 1, 2, "x"); !errors.Is(err, fiberchat.ErrClosed) {
		t.Error("after Close:", err)
	}
	if _, err := s.chat.Conversation(ctx, 1, 2, chat.Page{}, 1); !errors.Is(err, fiberchat.ErrClosed) {
		t.Error("after Close:", err)
	}
	s.chat.Revoke("id-alice")
	s.chat.Disconnect(2)
	if err := s.chat.Close(ctx); err != nil {
		t.Error("closed again:", err)
	}
}

func second(_ chat.Message, err error) error { return err }

func TestConversation(t *testing.T) {
	t.Parallel()
	ctx := context.Background()
	s := serve(t, fiberchat.Config{})
	a, b := online(t, s.addr, "alice"), online(t, s.addr, "bob")
	a.tell("m1", 2, "one")
	b.message("/user/bob/recive")
	b.tell("m1", 1, "two")
	b.confirmed("m1", 0)
	a.message("/user/alice/recive")
	a.tell("m2", 3, "to carol")
	a.tell("m3", 2, "three")

	all, err := s.chat.Conversation(ctx, 1, 2, chat.Page{}, 10)
	if err != nil {
		t.Fatal(err)
	}
	var contents []string
	for _, m := range all {
		contents = append(contents, m.Content)
	}
	if got := strings.Join(contents, ","); got != "three,two,one" {
		t.Error(got)
	}
	other, err := s.chat.Conversation(ctx, 2, 1, chat.Page{Before: all[0].ID}, 1)
	if err != nil || len(other) != 1 || other[0] != all[1] {
		t.Error(other, err)
	}
	none, err := s.chat.Conversation(ctx, 2, 3, chat.Page{}, 10)
	if err != nil || len(none) != 0 {
		t.Error(none, err)
	}
}
