package bustest_test

import (
	"testing"

	"github.com/redis/go-redis/v9"

	"fiberchat.example/fiberchat/bustest"
	"fiberchat.example/fiberchat/redisbus"
)

// The test of a bus is one call. What stands here in test is the body of your
// TestBus; it is compiled and not run, since it needs a server.
func ExampleRun() {
	test := func(t *testing.T) {
		bustest.Run(t, "127.0.0.1:6379", func(t *testing.T, addr, name string) bustest.Bus {
			client := redis.NewClient(&redis.Options{Addr: addr, ContextTimeoutEnabled: true})
			t.Cleanup(func() { client.Close() })
			bus := redisbus.New(client, redisbus.Config{Channel: name})
			t.Cleanup(bus.Close) // before the client's, as clean-ups run backwards
			return bus
		})
	}
	_ = test
}
