package redisbus_test

import (
	"github.com/redis/go-redis/v9"

	"fiberchat.example/fiberchat/redisbus"
)

// The bus of a node among several. It is compiled and not run, since it needs
// a server.
func ExampleNew() {
	client := redis.NewUniversalClient(&redis.UniversalOptions{
		Addrs:                 []string{"redis.internal:6379"},
		ContextTimeoutEnabled: true,
	})
	defer client.Close()
	bus := redisbus.New(client, redisbus.Config{Channel: "fiberchat.shop"})
	defer bus.Close()
	// fiberchat.New(app, fiberchat.Config{Store: store, Bus: bus})
}
