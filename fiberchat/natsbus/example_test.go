package natsbus_test

import (
	"log"

	"github.com/nats-io/nats.go"

	"fiberchat.example/fiberchat/natsbus"
)

// The bus of a node among several. It is compiled and not run, since it needs
// a server.
func ExampleNew() {
	nc, err := nats.Connect("nats://nats.internal:4222",
		nats.RetryOnFailedConnect(true), // a node serves without NATS too
		nats.MaxReconnects(-1))
	if err != nil {
		log.Fatal(err)
	}
	defer nc.Close()
	bus := natsbus.New(nc, natsbus.Config{Subject: "fiberchat.shop"})
	defer bus.Close()
	// fiberchat.New(app, fiberchat.Config{Store: store, Bus: bus})
}
