package chat_test

import (
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
