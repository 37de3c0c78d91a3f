package fiberchat_test

import (
	"context"
	"errors"
	"strings"
	"testing"

	"fiberchat.example/fiberchat"
	"fiberchat.example/fiberchat/chat"
)

// TestSendAs: the same msgID is the same message, whoever repeats it, also
// after a restart.
func TestSendAs(t *testing.T) {
	t.Parallel()
	ctx := t.Context()
	store := openStore(t)
	s := serve(t, fiberchat.Config{Store: store, CanSend: func(context.Context, chat.User, chat.User) error { return chat.ErrForbidden }})
	a, b := online(t, s.addr, "alice"), online(t, s.addr, "bob")
	m, err := s.chat.SendAs(ctx, 1, 2, "order-7", "it is on its way")
	if err != nil {
		t.Fatal(err)
	}
	if got := b.message("/user/bob/recive").message(t); got != m || got.ChatID != "order-7" {
		t.Errorf("got %+v, want %+v", got, m)
	}
	a.tell("order-7", 2, "it is on its way") // the client's own is the same
	for _, s := range []*server{s, serve(t, fiberchat.Config{Store: store})} {
		if again, err := s.chat.SendAs(ctx, 1, 2, "order-7", "it is on its way"); err != nil || again != m {
			t.Errorf("again: %+v, %v", again, err)
		}
	}
	b.nothing()
	for name, err := range map[string]error{
		"another content":  second(s.chat.SendAs(ctx, 1, 2, "order-7", "no")),
		"another receiver": second(s.chat.SendAs(ctx, 1, 3, "order-7", "it is on its way")),
	} {
		if !errors.Is(err, chat.ErrConflict) {
			t.Errorf("%s: %v", name, err)
		}
	}
	for name, msgID := range map[string]string{"empty": "", "long": strings.Repeat("x", 65), "space": "a b", "not ASCII": "é", "NUL": "\x00"} {
		if _, err := s.chat.SendAs(ctx, 1, 2, msgID, "x"); err == nil {
			t.Errorf("a msgID that is %s was taken", name)
		}
	}
	if _, err := s.chat.SendAs(ctx, 1, 2, strings.Repeat("~", 64), "x"); err != nil {
		t.Error(err)
	}
	if _, err := s.chat.SendAs(ctx, 1, 99, "m", "x"); !errors.Is(err, chat.ErrNotFound) {
		t.Error(err)
	}
	if err := s.chat.Close(ctx); err != nil {
		t.Fatal(err)
	}
	if _, err := s.chat.SendAs(ctx, 1, 2, "m", "x"); !errors.Is(err, fiberchat.ErrClosed) {
		t.Error("after Close:", err)
	}
}

func TestMayWrite(t *testing.T) {
	t.Parallel()
	ctx := t.Context()
	s := serve(t, fiberchat.Config{CanSend: func(ctx context.Context, from, to chat.User) error {
		switch {
		case from.Name == "alice" && to.Name == "bob":
			return nil
		case from.Name == "alice":
			return chat.Refuse("NotFriends", "not yet")
		case to.Name == "alice":
			panic(errSecret)
		}
		return errSecret
	}})
	if err := s.chat.MayWrite(ctx, 1, 2); err != nil {
		t.Error(err)
	}
	var refusal *chat.RefusalError
	if err := s.chat.MayWrite(ctx, 1, 3); !errors.Is(err, chat.ErrForbidden) || !errors.As(err, &refusal) || refusal.Name != "NotFriends" {
		t.Error(err)
	}
	if err := s.chat.MayWrite(ctx, 2, 3); !errors.Is(err, errSecret) || errors.Is(err, chat.ErrForbidden) {
		t.Error(err)
	}
	if err := s.chat.MayWrite(ctx, 2, 1); err == nil || errors.Is(err, chat.ErrForbidden) {
		t.Error("panic:", err)
	}
	for _, to := range []int64{99, 0, -1} {
		if err := s.chat.MayWrite(ctx, to, to); !errors.As(err, &refusal) || refusal.Name != "ToSelf" {
			t.Error("to oneself:", err)
		}
		if err := s.chat.MayWrite(ctx, 1, to); !errors.Is(err, chat.ErrNotFound) {
			t.Error(to, err)
		}
	}
	if err := s.chat.MayWrite(ctx, 1, 1); err == nil || errors.Is(err, chat.ErrNotFound) {
		t.Error("to oneself:", err)
	}
	if err := serve(t, fiberchat.Config{}).chat.MayWrite(ctx, 1, 2); err != nil {
		t.Error("without CanSend:", err)
	}
	if err := s.chat.Close(ctx); err != nil {
		t.Fatal(err)
	}
	if err := s.chat.MayWrite(ctx, 1, 2); !errors.Is(err, fiberchat.ErrClosed) {
		t.Error("after Close:", err)
	}
}
