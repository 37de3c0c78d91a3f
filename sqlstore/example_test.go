package sqlstore_test

import (
	"context"
	"fmt"
	"log"
	"os"
	"path/filepath"

	"fiberchat.example/sqlstore"
)

func ExampleOpen() {
	dir, err := os.MkdirTemp("", "sqlstore")
	if err != nil {
		log.Fatal(err)
	}
	defer os.RemoveAll(dir)
	store, err := sqlstore.Open(filepath.Join(dir, "chat.db"))
	if err != nil {
		log.Fatal(err)
	}
	defer store.Close()

	ctx := context.Background()
	if _, err := store.CreateUser(ctx, "wususu", "Wu Susu", "correct horse"); err != nil {
		log.Fatal(err)
	}
	in, err := store.SignIn(ctx, "WuSusu", "correct horse")
	if err != nil {
		log.Fatal(err)
	}
	identity, err := store.Authenticate(ctx, in.Token)
	fmt.Println(identity.User.ID, identity.User.Name, in.Account.DisplayName, err)
	// Output: 1 wususu Wu Susu <nil>
}
