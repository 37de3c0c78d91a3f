package fiberchat_test

import (
	"errors"
	"net/http"
	"testing"

	"fiberchat.example/fiberchat"
	"fiberchat.example/fiberchat/chat"
	"fiberchat.example/fiberchat/chattest"
)

// TestForgetTogetherWithDisconnect: what an app does when a user asks to be
// deleted, while that user is connected and others have unread messages.
func TestForgetTogetherWithDisconnect(t *testing.T) {
	t.Parallel()
	eachDoor(t, func(t *testing.T, d door) {
		store := openStore(t)
		tokens := make(map[string]string)
		for _, name := range []string{"alice", "bob", "carol"} {
			if _, err := store.CreateUser(t.Context(), name, "", "correct horse"); err != nil {
				t.Fatal(err)
			}
			in, err := store.SignIn(t.Context(), name, "correct horse")
			if err != nil {
				t.Fatal(err)
			}
			tokens[name] = in.Token
		}
		app := newApp()
		ch, err := fiberchat.New(app, fiberchat.Config{Store: store})
		if err != nil {
			t.Fatal(err)
		}
		s := &server{t: t, app: app, chat: ch, addr: listen(t, app)}
		online := func(name string) *client {
			c := d.connect(t, s.addr, tokens[name])
			for _, destination := range []string{"/user/" + name + "/recive", sendStatus, receiveStatus, failures} {
				c.subscribe(destination)
			}
			return c
		}
		identity, err := store.Authenticate(t.Context(), tokens["alice"])
		if err != nil {
			t.Fatal(err)
		}
		ticket := s.ticket(identity)
		alice, carol := online("alice"), online("carol")
		alice.tell("to-bob", 2, "x")
		carol.tell("to-bob-too", 2, "x")
		alice.tell("to-carol", 3, "x")
		carol.message("/user/carol/recive")
		carol.tell("to-alice", 1, "x")
		alice.message("/user/alice/recive")

		ended, err := store.SignOutAll(t.Context(), 1)
		if err != nil || len(ended) != 1 {
			t.Fatal(ended, err)
		}
		for _, id := range ended {
			s.chat.Revoke(id)
		}
		s.chat.Disconnect(1)
		if n, err := store.Forget(t.Context(), 1); n != 3 || err != nil {
			t.Errorf("Forget: %d, %v", n, err)
		}
		alice.expires(d)
		for _, token := range []string{tokens["alice"], ticket} {
			if _, err := d.open(s.addr, "", token); !errors.Is(err, chattest.Refused{Status: http.StatusUnauthorized}) {
				t.Error("connecting again gave", err)
			}
		}
		carol.send("/socket/chat/recive", `{"msgID":"to-carol"}`)
		carol.refused("to-carol", -404, "MessageNotFound")
		bob := online("bob")
		if got := bob.pending(); len(got) != 1 || got[0] != "to-bob-too" {
			t.Error("bob's init brings", got)
		}
		if history, err := s.chat.Conversation(t.Context(), 3, 1, chat.Page{}, 10); len(history) != 0 || err != nil {
			t.Error("carol's copy is", history, err)
		}
		carol.tell("to-bob-at-last", 2, "x") // and the others talk on
		if got := bob.message("/user/bob/recive").message(t).ChatID; got != "to-bob-at-last" {
			t.Error(got)
		}
	})
}
