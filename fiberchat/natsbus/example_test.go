package natsbus_test

import (
	"context"
	"log"

	"github.com/gofiber/fiber/v2"
	_ "github.com/jackc/pgx/v5/stdlib"
	"github.com/nats-io/nats.go"

	"fiberchat.example/fiberchat"
	"fiberchat.example/fiberchat/natsbus"
	"fiberchat.example/sqlstore"
)

// A node of several: the database is shared, and NATS tells the others what is
// new. It is compiled and not run, since it needs both servers.
func ExampleNew() {
	store, err := sqlstore.Open("postgres://chat@db.internal/chat")
	if err != nil {
		log.Fatal(err)
	}
	defer store.Close()
	nc, err := nats.Connect("nats://nats.internal:4222", nats.RetryOnFailedConnect(true), nats.MaxReconnects(-1))
	if err != nil {
		log.Fatal(err)
	}
	defer nc.Close()
	bus := natsbus.New(nc)
	defer bus.Close()

	app := fiber.New()
	chats, err := fiberchat.New(app, fiberchat.Config{Store: store, Bus: bus})
	if err != nil {
		log.Fatal(err)
	}
	defer chats.Close(context.Background())
	log.Print(app.Listen(":8080"))
}
