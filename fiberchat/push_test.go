package fiberchat_test

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"math"
	"strings"
	"testing"

	"github.com/prometheus/client_golang/prometheus"

	"fiberchat.example/fiberchat"
	"fiberchat.example/fiberchat/chat"
	"fiberchat.example/fiberchat/storetest"
)

// json reads the frame's body.
func (f frame) json(t testing.TB, into any) {
	t.Helper()
	if err := json.Unmarshal([]byte(f.Body), into); err != nil {
		t.Fatalf("%v: %v", f, err)
	}
}

// TestTyping is the recipe: whoever may write to somebody may show that he
// does, wherever they are.
func TestTyping(t *testing.T) {
	t.Parallel()
	eachDoor(t, func(t *testing.T, d door) {
		c := newCluster(t, 2, nil)
		for _, node := range c.nodes {
			node.chat.Handle("/app/typing", func(ctx context.Context, r *fiberchat.Request) error {
				var to struct{ UID int64 }
				if err := json.Unmarshal(r.Body, &to); err != nil {
					return chat.Refuse("BadJSON", "what is that?")
				}
				if to.UID == 3 {
					return chat.ErrForbidden
				}
				return node.chat.Push(ctx, to.UID, "typing", map[string]int64{"uid": r.From.ID})
			})
		}
		a := d.connect(t, c.nodes[0].addr, "t-alice")
		a.subscribe(failures)
		a.subscribe(appQueue + "typing")
		var bobs []*client
		for _, node := range []int{0, 1, 1} {
			b := d.connect(t, c.nodes[node].addr, "t-bob")
			b.subscribe(appQueue + "typing")
			bobs = append(bobs, b)
		}
		silent, carol := d.connect(t, c.nodes[1].addr, "t-bob"), d.connect(t, c.nodes[1].addr, "t-carol")
		silent.subscribe(appQueue + "other")
		carol.subscribe(appQueue + "typing")
		for range 3 {
			a.send("/app/typing", `{"uid":2}`)
			for _, b := range bobs {
				b.message(appQueue+"typing").wantBody(t, `{"uid":1}`)
			}
		}
		a.send("/app/typing", `{"uid":3}`)
		a.refused("", -303, "Forbidden")
		a.send("/app/typing", "?")
		a.refused("", -303, "BadJSON")
		for _, c := range append(bobs, a, silent, carol) {
			c.nothing()
		}
	})
}

// TestPushesKeepOrder: those of one goroutine, on all nodes.
func TestPushesKeepOrder(t *testing.T) {
	t.Parallel()
	c := newCluster(t, 2, nil)
	var bobs []*client
	for node := range c.nodes {
		b := c.online(t, node, "bob")
		b.subscribe(appQueue + "n")
		bobs = append(bobs, b)
	}
	const n = 500
	for i := range n {
		if err := c.nodes[0].chat.Push(t.Context(), 2, "n", i); err != nil {
			t.Fatal(err)
		}
	}
	for _, b := range bobs {
		for i := range n {
			b.message(appQueue+"n").wantBody(t, fmt.Sprint(i))
		}
	}
}

// TestPushIsLiveOnly: who is away has missed it, and so have other nodes while
// the bus is away; here it comes all the same.
func TestPushIsLiveOnly(t *testing.T) {
	t.Parallel()
	c := newCluster(t, 2, nil)
	push := func(text string) {
		t.Helper()
		if err := c.nodes[0].chat.Push(t.Context(), 2, "q", text); err != nil {
			t.Error(err)
		}
	}
	push("to nobody")
	here, there := c.online(t, 0, "bob"), c.online(t, 1, "bob")
	here.subscribe(appQueue + "q")
	there.subscribe(appQueue + "q")
	c.buses[0].cut()
	push("without the bus")
	here.message(appQueue+"q").wantBody(t, `"without the bus"`)
	for c.busUp(t, 0) != 0 {
		push("until it shows")
		here.message(appQueue + "q")
	}
	c.buses[0].mend()
	a := c.online(t, 0, "alice")
	a.tell("m1", 2, "x") // as soon as it is published again
	here.message("/user/bob/recive")
	there.message("/user/bob/recive")
	push("with the bus")
	here.message(appQueue+"q").wantBody(t, `"with the bus"`)
	there.message(appQueue+"q").wantBody(t, `"with the bus"`)
	here.init()
	here.message("/user/bob/recive")
	here.receipt("init")
}

func TestPushErrors(t *testing.T) {
	t.Parallel()
	s := serve(t, fiberchat.Config{Store: storetest.NewMemory()})
	a := online(t, s.addr, "alice")
	a.subscribe(appQueue + "q")
	ended, cancel := context.WithCancel(t.Context())
	cancel()
	for _, c := range []struct {
		ctx   context.Context
		user  int64
		queue string
		body  any
		want  string
	}{
		{t.Context(), 1, "", 1, `queue ""`},
		{t.Context(), 1, "a b", 1, "queue"},
		{t.Context(), 1, strings.Repeat("x", 65), 1, "1 to 64"},
		{t.Context(), 1, "q", math.NaN(), "encode body"},
		{t.Context(), 1, "q", strings.Repeat("x", 4<<10-1), "4097 bytes"},
		{t.Context(), 0, "q", 1, "id 0"},
		{t.Context(), chat.MaxUserID + 1, "q", 1, "no user has the id"},
		{ended, 1, "q", 1, "context canceled"},
	} {
		if err := s.chat.Push(c.ctx, c.user, c.queue, c.body); err == nil || !strings.Contains(err.Error(), c.want) {
			t.Errorf("%.80q: %v, want %q", c.queue, err, c.want)
		}
	}
	a.nothing()
	if err := s.chat.Push(t.Context(), 1, "q", strings.Repeat("x", 4<<10-2)); err != nil {
		t.Error(err)
	}
	if f := a.message(appQueue + "q"); len(f.Body) != 4<<10 {
		t.Error(len(f.Body), "bytes came")
	}
	if err := s.chat.Close(t.Context()); err != nil {
		t.Error(err)
	}
	if err := s.chat.Push(t.Context(), 1, "q", 1); !errors.Is(err, fiberchat.ErrClosed) {
		t.Error("after Close:", err)
	}
}

// TestPushToAClientThatDoesNotRead does not wait for it: the client is closed
// when its queue is full.
func TestPushToAClientThatDoesNotRead(t *testing.T) {
	t.Parallel()
	metrics := prometheus.NewRegistry()
	cfg, _ := configFor(t, fiberchat.Config{Store: storetest.NewMemory(), Registerer: metrics})
	chats, addr := serveDeaf(t, native, cfg)
	a := online(t, addr, "alice")
	bob, err := native.open(addr, "", "t-bob")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(bob.Cut)
	if err := bob.Raw("CONNECT\naccept-version:1.2\n\n\x00SUBSCRIBE\nid:q\ndestination:" + appQueue + "q\n\n\x00"); err != nil {
		t.Fatal(err)
	}
	body := strings.Repeat("x", 4<<10-2)
	for gathered(t, metrics)["slow_clients_total"] == 0 {
		if err := chats.Push(t.Context(), 2, "q", body); err != nil {
			t.Fatal(err)
		}
	}
	a.nothing()
}
