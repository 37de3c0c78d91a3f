package chat_test

import (
	"context"
	"errors"
	"fmt"

	"fiberchat.example/fiberchat/chat"
)

// A rule for who may write, as fiberchat's Config.CanSend takes it: the
// client's program goes by the name, its user reads the text.
func ExampleRefuse() {
	mayWrite := func(from, to chat.User) error {
		if to.Name == "the shop" {
			return chat.Refuse("NoOrder", "order something first")
		}
		return nil
	}
	err := mayWrite(chat.User{ID: 1, Name: "wususu"}, chat.User{ID: 2, Name: "the shop"})
	fmt.Println(err, errors.Is(err, chat.ErrForbidden))
	// Output: chat: refused: NoOrder: order something first true
}

// Users and tokens of the app's own, as two functions.
func ExampleAuthenticatorFunc() {
	var sessions chat.AuthenticatorFunc = func(_ context.Context, token string) (chat.Identity, error) {
		if token != "secret" {
			return chat.Identity{}, chat.ErrUnauthorized
		}
		return chat.Identity{TokenID: "session 7", User: chat.User{ID: 1, Name: "wususu"}}, nil
	}
	var users chat.DirectoryFunc = func(_ context.Context, id int64) (chat.User, error) {
		if id != 1 {
			return chat.User{}, chat.ErrNotFound
		}
		return chat.User{ID: 1, Name: "wususu"}, nil
	}
	identity, err := sessions.Authenticate(context.Background(), "secret")
	fmt.Println(identity.User.Name, err)
	_, err = users.UserByID(context.Background(), 2)
	fmt.Println(err)
	// Output:
	// wususu <nil>
	// chat: not found
}
