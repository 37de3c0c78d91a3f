package fiberchat_test

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"runtime"
	"strings"
	"testing"
	"time"

	"github.com/prometheus/client_golang/prometheus"

	"fiberchat.example/fiberchat"
	"fiberchat.example/fiberchat/chat"
	"fiberchat.example/fiberchat/storetest"
)

const appQueue = "/user/queue/app/"

// sendTo sends a frame that wants a receipt.
func (c *client) sendTo(destination, receipt, body string) {
	c.t.Helper()
	c.raw("SEND\ndestination:" + destination + "\nreceipt:" + receipt + "\n\n" + body + "\x00")
}

// TestHandle: a request, its reply and its receipt; the reply is for the
// asking session alone.
func TestHandle(t *testing.T) {
	t.Parallel()
	eachDoor(t, func(t *testing.T, d door) {
		s := serve(t, fiberchat.Config{})
		var kept []*fiberchat.Request // of one session, so of one goroutine at a time
		s.chat.Handle("/app/echo", func(_ context.Context, r *fiberchat.Request) error {
			kept = append(kept, r)
			return errors.Join(r.Reply("echo", map[string]any{"from": r.From.Name, "body": string(r.Body)}), r.Reply("nobody/listens", nil))
		})
		a, beside := d.connect(t, s.addr, "t-alice"), d.connect(t, s.addr, "t-alice.2")
		a.subscribe(appQueue + "echo")
		a.subscribe(appQueue + "Echo")
		twice := a.subscribe(appQueue + "echo")
		beside.subscribe(appQueue + "echo")
		for i, body := range []string{"起来聊天", "", "<&>\n"} {
			receipt := fmt.Sprint("r", i)
			a.sendTo("/app/echo", receipt, body)
			for range 2 {
				f := a.message(appQueue + "echo")
				var got struct{ From, Body string }
				f.json(t, &got)
				if got.From != "alice" || got.Body != body || f.Headers["content-type"] != "application/json" {
					t.Error("got", f)
				}
			}
			a.receipt(receipt)
		}
		a.unsubscribe(twice)
		a.send("/app/echo", "without a receipt")
		a.message(appQueue + "echo")
		a.nothing()
		beside.nothing()
		if len(kept) != 4 || string(kept[0].Body) != "起来聊天" || kept[0].From != (chat.User{ID: 1, Name: "alice"}) {
			t.Error("the handler got", kept)
		}
		// A request may be answered when the handler has returned.
		if err := kept[0].Reply("echo", "late"); err != nil {
			t.Error(err)
		}
		a.message(appQueue+"echo").wantBody(t, `"late"`)
	})
}

// TestHandlersAnswer: what a handler returns is what its client hears.
func TestHandlersAnswer(t *testing.T) {
	t.Parallel()
	metrics := prometheus.NewRegistry()
	s := serve(t, fiberchat.Config{Registerer: metrics, Timeouts: fiberchat.Timeouts{Store: quick}})
	s.chat.Handle("/app/do", func(ctx context.Context, r *fiberchat.Request) error {
		switch string(r.Body) {
		case "forbidden":
			return fmt.Errorf("not now: %w", chat.ErrForbidden)
		case "refused":
			return chat.Refuse("NotFriends", "you are not friends yet")
		case "error":
			return errSecret
		case "panic":
			panic(errSecret)
		case "slow":
			<-ctx.Done()
			return ctx.Err()
		case "exit":
			runtime.Goexit()
		}
		return nil
	})
	a := online(t, s.addr, "alice")
	tried := 0
	for _, c := range []struct {
		body, name, text string
		code             int
	}{
		{"forbidden", "Forbidden", "the server does not allow this", -303},
		{"refused", "NotFriends", "you are not friends yet", -303},
		{"error", "Internal", "the server could not do it, try again", -300},
		{"panic", "Internal", "the server could not do it, try again", -300},
		{"slow", "Internal", "the server could not do it, try again", -300},
		{"exit", "Internal", "the server could not do it, try again", -300},
	} {
		a.send("/app/do", c.body)
		if text := a.refused("", c.code, c.name); text != c.text {
			t.Errorf("%s: %q", c.body, text)
		}
		// A client that asked for a receipt gets the only other answer there is.
		b := online(t, s.addr, "bob")
		b.sendTo("/app/do", "r1", c.body)
		b.refused("", c.code, c.name)
		token, code := "refused", 1008
		if c.code == -300 {
			tried++
			token, code = "try-again", 1013
		}
		if e := b.fails(token, code); e.Headers["receipt-id"] != "r1" {
			t.Error("got", e)
		}
	}
	a.sendTo("/app/do", "r2", "well")
	a.receipt("r2")
	a.nothing()
	if n := strings.Count(s.logs.String(), "level=ERROR msg=\"handle a frame\" destination=/app/do"); n != 2*tried {
		t.Errorf("%d errors were logged, want %d", n, 2*tried)
	}
	got := gathered(t, metrics)
	for name, want := range map[string]float64{
		"operations_total app done": 1, "operations_total app refused": 4, "operations_total app failed": float64(2 * tried), "panics_total": 2,
	} {
		if got[name] != want {
			t.Errorf("%s is %v, want %v", name, got[name], want)
		}
	}
}

// TestNoHandler: what the app does not know is answered, and ends nothing.
func TestNoHandler(t *testing.T) {
	t.Parallel()
	s := serve(t, fiberchat.Config{})
	s.chat.Handle("/app/known", func(context.Context, *fiberchat.Request) error { return nil })
	a := online(t, s.addr, "alice")
	for _, destination := range []string{"/app/unknown", "/app/", "/app/known/", "/app/Known", "/app//known", "/app/../app/known"} {
		a.send(destination, "{}")
		a.refused("", -404, "NoSuchDestination")
	}
	a.sendTo("/app/known", "r1", "")
	a.receipt("r1")
	a.sendTo("/app/unknown", "r2", "")
	a.refused("", -404, "NoSuchDestination")
	a.fails("refused", 1008)
	for _, destination := range []string{"/app", "app/known", "/application", "/user/queue/app/known"} {
		b := online(t, s.addr, "bob")
		b.send(destination, "")
		b.fails("not-allowed", 1008)
	}
	// One that comes later is safe too.
	s.chat.Handle("/app/unknown", func(_ context.Context, r *fiberchat.Request) error { return r.Reply("q", r.Body) })
	b := online(t, s.addr, "bob")
	b.subscribe(appQueue + "q")
	b.send("/app/unknown", "x")
	b.message(appQueue+"q").wantBody(t, `"eA=="`)
}

// TestHandlerLimits: a body is bounded as a content is, and what is faster
// than the rate waits.
func TestHandlerLimits(t *testing.T) {
	t.Parallel()
	metrics := prometheus.NewRegistry()
	s := serve(t, fiberchat.Config{Registerer: metrics, Limits: fiberchat.Limits{Content: 1 << 10, SendRate: 2, SendBytes: 1 << 10}})
	sizes := make(chan int, 20)
	s.chat.Handle("/app/do", func(_ context.Context, r *fiberchat.Request) error {
		sizes <- len(r.Body)
		return nil
	})
	a := online(t, s.addr, "alice")
	a.send("/app/do", strings.Repeat("x", 1<<10))
	if n := <-sizes; n != 1<<10 {
		t.Error("the handler got", n, "bytes")
	}
	a.send("/app/do", strings.Repeat("x", 1<<10+1))
	a.refused("", -400, "TooLarge")
	for range 7 { // the burst is 8
		a.send("/app/do", "")
	}
	for range 7 {
		<-sizes
	}
	if n := gathered(t, metrics)["rate_limited_total"]; n != 1 {
		t.Errorf("%v frames had to wait", n)
	}
	a.nothing()
	b := online(t, s.addr, "bob")
	for range 17 { // the burst is 16 KiB
		b.send("/app/do", strings.Repeat("x", 1<<10))
		<-sizes
		if n := gathered(t, metrics)["rate_limited_total"]; n > 1 {
			return
		}
	}
	t.Error("17 KiB did not have to wait")
}

// TestHandlersKeepOrder: a handler finds what its session sent before, and the
// next frame waits for it.
func TestHandlersKeepOrder(t *testing.T) {
	t.Parallel()
	eachDoor(t, func(t *testing.T, d door) {
		s := serve(t, fiberchat.Config{})
		var steps []string
		s.chat.Handle("/app/first", func(ctx context.Context, r *fiberchat.Request) error {
			page, err := s.chat.Conversation(ctx, 1, 2, chat.Page{}, 100)
			steps = append(steps, fmt.Sprint("first after ", len(page)))
			return err
		})
		s.chat.Handle("/app/second", func(_ context.Context, r *fiberchat.Request) error {
			steps = append(steps, "second "+string(r.Body))
			return r.Reply("done", steps)
		})
		a := d.connect(t, s.addr, "t-alice")
		a.subscribe(appQueue + "done")
		var frames strings.Builder
		for i := range 3 {
			frames.WriteString("SEND\ndestination:/socket/chat/send\n\n" + sendBody(fmt.Sprint("m", i), 2, "x") + "\x00")
			frames.WriteString("SEND\ndestination:/app/first\n\n\x00")
		}
		frames.WriteString("SEND\ndestination:/app/second\n\nend\x00")
		a.raw(frames.String())
		a.message(appQueue+"done").wantBody(t, `["first after 1","first after 2","first after 3","second end"]`)
	})
}

// TestHandlerThatDoesNotReturn holds its own session and nobody else; the
// client is sent away all the same.
func TestHandlerThatDoesNotReturn(t *testing.T) {
	t.Parallel()
	s := serve(t, fiberchat.Config{Store: storetest.NewMemory(), Timeouts: fiberchat.Timeouts{Store: quick}})
	release, entered := make(chan struct{}), make(chan struct{}, 2)
	s.chat.Handle("/app/stuck", func(context.Context, *fiberchat.Request) error {
		entered <- struct{}{}
		<-release
		return nil
	})
	a, a2, b := online(t, s.addr, "alice"), sockws.connect(t, s.addr, "t-alice.2"), online(t, s.addr, "bob")
	a.send("/app/stuck", "")
	a2.send("/app/stuck", "")
	<-entered
	<-entered
	b.tell("m1", 1, "x") // which reaches them, though they cannot answer
	a.message("/user/alice/recive")
	s.chat.Revoke("id-alice")
	a.fails("token-expired", 1008)
	if got := len(s.chat.Sessions(1)); got != 1 {
		t.Error(got, "sessions of alice")
	}
	ended, cancel := context.WithCancel(t.Context())
	cancel()
	if err := s.chat.Close(ended); err != context.Canceled {
		t.Error("Close:", err)
	}
	if _, err := a2.Ended(); err == nil {
		t.Error("the other session is up")
	}
	close(release) // for the shutdown, which waits
}

// TestHandlersContextEnds with the session, and with Close.
func TestHandlersContextEnds(t *testing.T) {
	t.Parallel()
	s := serve(t, fiberchat.Config{Store: storetest.NewMemory(), Timeouts: fiberchat.Timeouts{Store: time.Hour}})
	entered, ended := make(chan struct{}), make(chan error)
	s.chat.Handle("/app/wait", func(ctx context.Context, _ *fiberchat.Request) error {
		entered <- struct{}{}
		<-ctx.Done()
		ended <- ctx.Err()
		return ctx.Err()
	})
	a, b := online(t, s.addr, "alice"), online(t, s.addr, "bob")
	a.send("/app/wait", "")
	<-entered
	s.chat.Disconnect(1)
	if err := <-ended; err != context.Canceled {
		t.Error("after Disconnect:", err)
	}
	a.fails("disconnected", 1008)
	b.send("/app/wait", "")
	<-entered
	closed := make(chan error)
	go func() { closed <- s.chat.Close(context.Background()) }() // joined below
	if err := <-ended; err != context.Canceled {
		t.Error("after Close:", err)
	}
	if err := <-closed; err != nil {
		t.Error("Close:", err)
	}
	b.closes(1001)
	if strings.Contains(s.logs.String(), "level=ERROR") {
		t.Error("that nobody waits any more is no error:", s.logs)
	}
}

// TestHandleMisused: mistakes in the program are panics that say what is wrong.
func TestHandleMisused(t *testing.T) {
	t.Parallel()
	ch := serve(t, fiberchat.Config{Store: storetest.NewMemory()}).chat
	fine := func(context.Context, *fiberchat.Request) error { return nil }
	ch.Handle("/app/taken", fine)
	for destination, want := range map[string]string{
		"": "begin with /app/", "/app": "begin with /app/", "/app/": "begin with /app/", "app/x": "begin with /app/",
		"/socket/chat/send": "begin with /app/", "/app/taken": "has a handler already", "/app/nil": "is nil",
	} {
		func() {
			defer func() {
				if got := fmt.Sprint(recover()); !strings.HasPrefix(got, "fiberchat: Handle: ") || !strings.Contains(got, want) {
					t.Errorf("%q: panic %q, want %q in it", destination, got, want)
				}
			}()
			handler := fine
			if destination == "/app/nil" {
				handler = nil
			}
			ch.Handle(destination, handler)
		}()
	}
}

// TestReplyErrors: what cannot be sent is an error of the app's.
func TestReplyErrors(t *testing.T) {
	t.Parallel()
	s := serve(t, fiberchat.Config{Store: storetest.NewMemory(), Limits: fiberchat.Limits{Content: 1 << 10}})
	s.chat.Handle("/app/do", func(_ context.Context, r *fiberchat.Request) error {
		for _, c := range []struct {
			queue string
			body  any
		}{{"", 1}, {"a b", 1}, {"é", 1}, {strings.Repeat("x", 65), 1}, {"q", func() {}}, {"q", strings.Repeat("x", 1<<10)}} {
			if err := r.Reply(c.queue, c.body); err == nil || !strings.HasPrefix(err.Error(), "fiberchat: reply: ") {
				t.Errorf("%.80q: %v", c.queue, err)
			}
		}
		return r.Reply("q", strings.Repeat("x", 1<<10-2))
	})
	a := online(t, s.addr, "alice")
	a.subscribe(appQueue + "q")
	a.send("/app/do", "")
	if f := a.message(appQueue + "q"); len(f.Body) != 1<<10 {
		t.Error("got", f)
	}
	if err := new(fiberchat.Request).Reply("q", 1); err == nil {
		t.Error("a Request of nobody's was answered")
	}
}

// TestAppQueues: any queue may be subscribed to whose name is one.
func TestAppQueues(t *testing.T) {
	t.Parallel()
	s := serve(t, fiberchat.Config{Store: storetest.NewMemory()})
	a := online(t, s.addr, "alice")
	for _, queue := range []string{"x", "a/b/../c", "status", strings.Repeat("q", 64), `%2F*`, "/"} {
		a.subscribe(appQueue + queue)
		if err := s.chat.Push(t.Context(), 1, queue, queue); err != nil {
			t.Error(err)
		}
		a.message(appQueue + queue)
	}
	a.subscribe(appQueue + `a\cb\\c`) // as STOMP 1.2 escapes a:b\c
	if err := s.chat.Push(t.Context(), 1, `a:b\c`, 1); err != nil {
		t.Error(err)
	}
	a.message(appQueue + `a\cb\\c`)
	for _, queue := range []string{"", "a b", "é", strings.Repeat("q", 65), `tab\n`} {
		b := online(t, s.addr, "bob")
		b.raw("SUBSCRIBE\nid:q\ndestination:" + appQueue + queue + "\n\n\x00")
		b.fails("not-allowed", 1008)
	}
	for range 32 - 4 - 7 {
		a.subscribe(appQueue + "more")
	}
	a.raw("SUBSCRIBE\nid:q\ndestination:" + appQueue + "more\n\n\x00")
	a.fails("too-many-subscriptions", 1008)
}

// TestBodyIsTheHandlers: the next frames do not change it.
func TestBodyIsTheHandlers(t *testing.T) {
	t.Parallel()
	s := serve(t, fiberchat.Config{Store: storetest.NewMemory()})
	var bodies [][]byte
	s.chat.Handle("/app/keep", func(_ context.Context, r *fiberchat.Request) error {
		bodies = append(bodies, r.Body)
		return nil
	})
	a := online(t, s.addr, "alice")
	for i := range 20 {
		a.sendTo("/app/keep", "r", strings.Repeat(string(rune('a'+i)), 1000))
		a.receipt("r")
	}
	for i, body := range bodies {
		if !bytes.Equal(body, bytes.Repeat([]byte{byte('a' + i)}, 1000)) {
			t.Fatalf("body %d is %.10q", i, body)
		}
	}
}
