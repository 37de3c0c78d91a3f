package sqlstore_test

import (
	"context"
	"encoding/json"
	"fmt"
	"log"
	"os"
	"path/filepath"
	"time"

	"fiberchat.example/fiberchat/chat"
	"fiberchat.example/sqlstore"
)

// openExample is a store with two users who have talked.
func openExample() (store *sqlstore.Store, dir string, end func()) {
	dir, err := os.MkdirTemp("", "sqlstore")
	if err != nil {
		log.Fatal(err)
	}
	if store, err = sqlstore.Open(filepath.Join(dir, "chat.db")); err != nil {
		log.Fatal(err)
	}
	ctx := context.Background()
	for _, name := range []string{"wususu", "liaojiekx"} {
		if _, err := store.CreateUser(ctx, name, "", "correct horse"); err != nil {
			log.Fatal(err)
		}
	}
	for i, text := range []string{"起来聊天", "聊什么"} {
		m := chat.Message{
			ChatID: fmt.Sprint("m", i), SenderID: int64(1 + i), ReceiverID: int64(2 - i),
			Content: text, Time: time.UnixMilli(1504712402000),
		}
		if _, err := store.Apply(ctx, []chat.Op{{Save: &m}}); err != nil {
			log.Fatal(err)
		}
	}
	return store, dir, func() {
		store.Close()
		os.RemoveAll(dir)
	}
}

// A job that runs once a day keeps a copy of each.
func ExampleStore_Backup() {
	store, dir, end := openExample()
	defer end()

	path := filepath.Join(dir, time.Now().Format("chat-2006-01-02.db"))
	if err := store.Backup(context.Background(), path); err != nil {
		log.Fatal(err)
	}
	info, err := os.Stat(path)
	if err != nil {
		log.Fatal(err)
	}
	fmt.Println(info.Mode(), store.Backup(context.Background(), path) != nil)
	// Output: -rw------- true
}

// What a user has written and was sent, as lines of JSON.
func ExampleStore_Export() {
	store, _, end := openExample()
	defer end()

	type line struct {
		From, To int64
		Text     string
		Time     time.Time
	}
	out := json.NewEncoder(os.Stdout)
	if err := store.Export(context.Background(), 1, func(m chat.Message) error {
		return out.Encode(line{m.SenderID, m.ReceiverID, m.Content, m.Time})
	}); err != nil {
		log.Fatal(err)
	}
	// Output:
	// {"From":1,"To":2,"Text":"起来聊天","Time":"2017-09-06T15:40:02Z"}
	// {"From":2,"To":1,"Text":"聊什么","Time":"2017-09-06T15:40:02Z"}
}

// A user asks to be deleted, and is connected.
func ExampleStore_Forget() {
	store, _, end := openExample()
	defer end()
	ctx := context.Background()

	if _, err := store.SignOutAll(ctx, 1); err != nil {
		log.Fatal(err)
	}
	// chats.Disconnect(1)
	messages, err := store.Forget(ctx, 1)
	fmt.Println(messages, err)
	_, err = store.SignIn(ctx, "wususu", "correct horse")
	fmt.Println(err)
	// A minute later, for what others may have written meanwhile:
	messages, err = store.Forget(ctx, 1)
	fmt.Println(messages, err)
	// Output:
	// 2 <nil>
	// sqlstore: wrong name or password
	// 0 <nil>
}

// A user has a new password, and every device signs in again.
func ExampleStore_SetPassword() {
	store, _, end := openExample()
	defer end()
	ctx := context.Background()
	if _, err := store.SignIn(ctx, "wususu", "correct horse"); err != nil {
		log.Fatal(err)
	}

	if err := store.SetPassword(ctx, 1, "battery staple"); err != nil {
		log.Fatal(err)
	}
	ended, err := store.SignOutAll(ctx, 1)
	if err != nil {
		log.Fatal(err)
	}
	// for _, id := range ended { chats.Revoke(id) }
	_, err = store.SignIn(ctx, "wususu", "battery staple")
	fmt.Println(len(ended), err)
	// Output: 1 <nil>
}

// Whoever did not come for half a year will not come.
func ExampleStore_PurgeUnconfirmed() {
	store, _, end := openExample()
	defer end()
	ctx := context.Background()

	deleted, err := store.PurgeUnconfirmed(ctx, time.Now().AddDate(0, -6, 0))
	fmt.Println(deleted, err)
	_, err = store.PurgeUnconfirmed(ctx, time.Now())
	fmt.Println(err)
	// Output:
	// 2 <nil>
	// sqlstore: purge: messages are too young to be deleted: want a time at least 720h0m0s ago
}
