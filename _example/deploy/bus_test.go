package deploy

import (
	"context"
	"net"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/nats-io/nats.go"
	"github.com/redis/go-redis/v9"

	"fiberchat.example/fiberchat"
	"fiberchat.example/fiberchat/natsbus"
	"fiberchat.example/fiberchat/redisbus"
)

const password = "12e5" // digits, which a configuration may take for a number

// TestNATSIsForTheNodes: with nats.conf, who has the password may meet at the
// bus's subject and nowhere else; nobody else gets in.
func TestNATSIsForTheNodes(t *testing.T) {
	t.Parallel()
	addr := freeAddr(t)
	host, port, _ := net.SplitHostPort(addr)
	conf := write(t, "nats.conf", read(t, "nats.conf"))
	serve(t, addr, []string{`NATS_PASSWORD="` + password + `"`}, program(t, "nats-server"), "-c", conf, "-a", host, "-p", port)

	for _, user := range []string{"", "fiberchat:wrong@"} {
		if nc, err := nats.Connect("nats://" + user + addr); err == nil {
			nc.Close()
			t.Errorf("%q gets in", user)
		}
	}
	refused := make(chan error, 10)
	connect := func() *nats.Conn {
		nc, err := nats.Connect("nats://fiberchat:"+password+"@"+addr, nats.ErrorHandler(func(_ *nats.Conn, _ *nats.Subscription, err error) { refused <- err }))
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(nc.Close)
		return nc
	}
	a, b := connect(), connect()
	busA, busB := natsbus.New(a), natsbus.New(b)
	t.Cleanup(busA.Close)
	t.Cleanup(busB.Close)
	meet(t, busA, busB)
	if err := a.Publish("elsewhere", nil); err != nil {
		t.Fatal(err)
	}
	select {
	case err := <-refused:
		if !strings.Contains(strings.ToLower(err.Error()), "permissions violation") {
			t.Error(err)
		}
	case <-time.After(patience):
		t.Error("a node may publish elsewhere")
	}
}

// TestRedisIsForTheNodes: the same with the README's Redis.
func TestRedisIsForTheNodes(t *testing.T) {
	t.Parallel()
	server := program(t, "redis-server")
	_, command, _ := strings.Cut(read(t, "README.md"), `command: ["sh", "-c", '`)
	command, _, ok := strings.Cut(command, `']`)
	if !ok {
		t.Fatal("README.md has no command for Redis")
	}
	addr := freeAddr(t)
	_, port, _ := net.SplitHostPort(addr)
	command = strings.NewReplacer("$$", "$", "redis-server", server, `\n" >`, `\nport `+port+`\n" >`, "/tmp/redis.conf", filepath.Join(t.TempDir(), "redis.conf")).Replace(command)
	serve(t, addr, []string{"REDIS_PASSWORD=" + password}, "sh", "-c", command)

	connect := func(user string) *redis.Client {
		o, err := redis.ParseURL("redis://" + user + addr)
		if err != nil {
			t.Fatal(err)
		}
		client := redis.NewClient(o)
		t.Cleanup(func() { client.Close() })
		return client
	}
	for _, user := range []string{"", "fiberchat:wrong@", ":" + password + "@"} {
		if err := connect(user).Publish(t.Context(), "fiberchat", "").Err(); err == nil {
			t.Errorf("%q may publish", user)
		}
	}
	a, b := connect("fiberchat:"+password+"@"), connect("fiberchat:"+password+"@")
	busA, busB := redisbus.New(a), redisbus.New(b)
	t.Cleanup(busA.Close)
	t.Cleanup(busB.Close)
	meet(t, busA, busB)
	for _, err := range []error{a.Publish(t.Context(), "elsewhere", "").Err(), a.Set(t.Context(), "key", "value", 0).Err()} {
		if err == nil || !strings.Contains(err.Error(), "NOPERM") {
			t.Errorf("a node may do more than it must: %v", err)
		}
	}
}

// meet wants what a publishes to come to b.
func meet(t *testing.T, a, b fiberchat.Bus) {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), patience)
	defer cancel()
	came := make(chan string, 10)
	stop, err := b.Subscribe(ctx, func(data []byte) { came <- string(data) })
	if err != nil {
		t.Fatal(err)
	}
	defer stop()
	if err := a.Publish(ctx, []byte("起来聊天")); err != nil {
		t.Fatal(err)
	}
	select {
	case got := <-came:
		if got != "起来聊天" {
			t.Errorf("got %q", got)
		}
	case <-ctx.Done():
		t.Fatal("nothing comes over the bus")
	}
}
