package redisbus_test

import (
	"os"
	"testing"

	"github.com/redis/go-redis/v9"
	"go.uber.org/goleak"

	"fiberchat.example/fiberchat/bustest"
	"fiberchat.example/fiberchat/redisbus"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// server returns the options of a Redis server that answers: REDIS_URL, by
// default on this machine.
func server(t *testing.T) *redis.Options {
	t.Helper()
	name := os.Getenv("REDIS_URL")
	if name == "" {
		name = "redis://127.0.0.1:6379"
	}
	o, err := redis.ParseURL(name)
	if err != nil {
		t.Fatal("REDIS_URL is no URL of Redis")
	}
	o.ContextTimeoutEnabled = true
	client := redis.NewClient(o)
	defer client.Close()
	if err := client.Ping(t.Context()).Err(); err != nil {
		if os.Getenv("CI") == "true" {
			t.Fatal("no Redis server at ", o.Addr, ": ", err)
		}
		t.Skip("SKIPPED: no Redis server at ", o.Addr, ": ", err)
	}
	return o
}

func connect(t *testing.T, o redis.Options, addr string) *redis.Client {
	o.Addr = addr
	client := redis.NewClient(&o)
	t.Cleanup(func() { client.Close() })
	return client
}

func TestBus(t *testing.T) {
	t.Parallel()
	for name, protocol := range map[string]int{"RESP2": 2, "RESP3": 3} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			o := *server(t)
			o.Protocol = protocol
			bustest.Run(t, o.Addr, func(t *testing.T, addr, name string) bustest.Bus {
				b := redisbus.New(connect(t, o, addr), redisbus.Config{Channel: name})
				t.Cleanup(b.Close)
				return b
			})
		})
	}
}

func TestClosedClientIsAnError(t *testing.T) {
	t.Parallel()
	o := server(t)
	client := connect(t, *o, o.Addr)
	b := redisbus.New(client)
	t.Cleanup(b.Close)
	client.Close()
	if err := b.Publish(t.Context(), nil); err == nil {
		t.Error("want an error from a closed client")
	}
	if b.Up() {
		t.Error("Up is true with a closed client")
	}
	cancel, err := b.Subscribe(t.Context(), func([]byte) {})
	if err != nil {
		t.Fatal(err)
	}
	cancel() // a subscription that cannot be made does not hold up its end
}
