package sqlstore_test

import (
	"context"
	"fmt"
	"log"
	"os"
	"path/filepath"
	"time"

	"github.com/jmoiron/sqlx"

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

// Chat's tables stand in the app's own database, under a prefix.
func ExampleNew() {
	dir, err := os.MkdirTemp("", "sqlstore")
	if err != nil {
		log.Fatal(err)
	}
	defer os.RemoveAll(dir)
	db, err := sqlx.Open("sqlite3", "file:"+filepath.Join(dir, "app.db")+"?_journal_mode=WAL&_synchronous=FULL&_busy_timeout=5000")
	if err != nil {
		log.Fatal(err)
	}
	defer db.Close()
	store, err := sqlstore.New(db, sqlstore.Config{TablePrefix: "talk_"})
	if err != nil {
		log.Fatal(err)
	}
	defer store.Close()

	var tables []string
	err = db.Select(&tables, "SELECT name FROM sqlite_master WHERE type = 'table' AND name LIKE 'talk_%' ORDER BY name")
	fmt.Println(tables, err)
	// Output: [talk_messages talk_migrations talk_pairs talk_reads talk_tokens talk_users talk_users_gone] <nil>
}

// A job that runs once a day keeps a year.
func ExampleStore_Purge() {
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

	deleted, err := store.Purge(context.Background(), time.Now().AddDate(-1, 0, 0))
	fmt.Println(deleted, err)
	// Output: 0 <nil>
}

// A limit on sign-ins counts all spellings of a name together.
func ExampleNameKey() {
	fmt.Println(sqlstore.NameKey("Ann") == sqlstore.NameKey("ａｎｎ"), sqlstore.NameKey("ann") == sqlstore.NameKey("anna"))
	// Output: true false
}
