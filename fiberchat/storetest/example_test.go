package storetest_test

import (
	"context"
	"fmt"
	"log"

	"fiberchat.example/fiberchat/chat"
	"fiberchat.example/fiberchat/storetest"
)

// A test of what lies above a store needs no file.
func ExampleNewMemory() {
	store := storetest.NewMemory()
	_, err := store.Apply(context.Background(), []chat.Op{
		{Save: &chat.Message{ChatID: "m1", SenderID: 1, ReceiverID: 2, Content: "起来聊天"}},
		{Confirm: &chat.Confirmation{ReceiverID: 2, ChatID: "m1"}},
		{Save: &chat.Message{ChatID: "m2", SenderID: 1, ReceiverID: 2, Content: "走吧"}},
	})
	if err != nil {
		log.Fatal(err)
	}
	pending, err := store.Pending(context.Background(), 2, 0, 10)
	fmt.Println(len(pending), pending[0].Content, err)
	// Output: 1 走吧 <nil>
}
