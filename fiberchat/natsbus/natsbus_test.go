package natsbus_test

import (
	"context"
	"os"
	"testing"
	"time"

	"github.com/nats-io/nats.go"
	"go.uber.org/goleak"

	"fiberchat.example/fiberchat"
	"fiberchat.example/fiberchat/natsbus"
)

var _ fiberchat.Bus = (*natsbus.Bus)(nil)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// connect returns a connection to the NATS server of NATS_URL, by default on
// this machine.
func connect(t *testing.T, options ...nats.Option) *nats.Conn {
	t.Helper()
	url := os.Getenv("NATS_URL")
	if url == "" {
		url = nats.DefaultURL
	}
	nc, err := nats.Connect(url, options...)
	if err != nil {
		if os.Getenv("CI") == "true" {
			t.Fatal("no NATS server at ", url, ": ", err)
		}
		t.Skip("SKIPPED: no NATS server at ", url, ": ", err)
	}
	t.Cleanup(nc.Close)
	return nc
}

func open(t *testing.T) *natsbus.Bus {
	t.Helper()
	b := natsbus.New(connect(t))
	t.Cleanup(b.Close)
	return b
}

func within(t *testing.T) context.Context {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), 20*time.Second)
	t.Cleanup(cancel)
	return ctx
}

func await[T any](t *testing.T, c <-chan T) (v T) {
	t.Helper()
	select {
	case v = <-c:
	case <-time.After(20 * time.Second):
		t.Fatal("nothing came")
	}
	return v
}

func TestWhatIsPublishedReachesTheSubscribersOfTheTopic(t *testing.T) {
	t.Parallel()
	a, b := open(t), open(t)
	topic := nats.NewInbox()
	got := make(chan string, 10)
	for _, bus := range []*natsbus.Bus{a, b} {
		cancel, err := bus.Subscribe(within(t), topic, func(data []byte) { got <- string(data) })
		if err != nil {
			t.Fatal(err)
		}
		defer cancel()
	}
	if err := a.Publish(within(t), topic+".other", []byte("not for us")); err != nil {
		t.Fatal(err)
	}
	if err := a.Publish(within(t), topic, []byte("hint")); err != nil {
		t.Fatal(err)
	}
	for range 2 {
		if s := await(t, got); s != "hint" {
			t.Fatal("got", s)
		}
	}
}

func TestCancelEndsOneSubscriptionOfTwo(t *testing.T) {
	t.Parallel()
	b := open(t)
	topic := nats.NewInbox()
	first, second := make(chan string, 10), make(chan string, 10)
	cancel, err := b.Subscribe(within(t), topic, func(data []byte) { first <- string(data) })
	if err != nil {
		t.Fatal(err)
	}
	cancelSecond, err := b.Subscribe(within(t), topic, func(data []byte) { second <- string(data) })
	if err != nil {
		t.Fatal(err)
	}
	defer cancelSecond()
	cancel()
	if err := b.Publish(within(t), topic, []byte("x")); err != nil {
		t.Fatal(err)
	}
	await(t, second)
	if len(first) != 0 {
		t.Error("the cancelled subscription got", <-first)
	}
}

// TestSlowServerKeepsTheSubscription: it stands once the server has it,
// although nobody waited for that.
func TestSlowServerKeepsTheSubscription(t *testing.T) {
	t.Parallel()
	b := open(t)
	topic := nats.NewInbox()
	got := make(chan string, 10)
	ctx, end := context.WithDeadline(t.Context(), time.Now())
	defer end()
	cancel, err := b.Subscribe(ctx, topic, func(data []byte) { got <- string(data) })
	if err != nil {
		t.Fatal(err)
	}
	defer cancel()
	// One connection: what is published on it follows the subscription.
	if err := b.Publish(within(t), topic, []byte("hint")); err != nil {
		t.Fatal(err)
	}
	if s := await(t, got); s != "hint" {
		t.Fatal("got", s)
	}
}

func TestReconnectIsAGap(t *testing.T) {
	t.Parallel()
	nc := connect(t, nats.MaxReconnects(-1), nats.ReconnectWait(10*time.Millisecond))
	b := natsbus.New(nc)
	t.Cleanup(b.Close)
	gap, got := make(chan struct{}, 10), make(chan string, 10)
	b.OnGap(func() { gap <- struct{}{} })
	topic := nats.NewInbox()
	cancel, err := b.Subscribe(within(t), topic, func(data []byte) { got <- string(data) })
	if err != nil {
		t.Fatal(err)
	}
	defer cancel()
	if err := nc.ForceReconnect(); err != nil {
		t.Fatal(err)
	}
	await(t, gap)
	if err := b.Publish(within(t), topic, []byte("after")); err != nil {
		t.Fatal(err)
	}
	if s := await(t, got); s != "after" {
		t.Fatal("got", s)
	}
	if !b.Up() {
		t.Error("Up is false on a connection that stands")
	}
}

func TestClosedConnectionIsAnError(t *testing.T) {
	t.Parallel()
	nc := connect(t)
	closed := natsbus.New(nc)
	t.Cleanup(closed.Close)
	nc.Close()
	if _, err := closed.Subscribe(within(t), nats.NewInbox(), func([]byte) {}); err == nil {
		t.Error("want an error on a closed connection")
	}
	if err := closed.Publish(within(t), "x", nil); err == nil {
		t.Error("want an error on a closed connection")
	}
	if closed.Up() {
		t.Error("Up is true on a closed connection")
	}
}
