package fiberchat_test

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/gofiber/fiber/v2"
	"github.com/prometheus/client_golang/prometheus"

	"fiberchat.example/fiberchat"
	"fiberchat.example/fiberchat/chat"
	"fiberchat.example/fiberchat/chattest"
)

// goesAway wants 1001. A client that polls may be between two polls when the
// server stops to listen: it finds nobody.
func (c *client) goesAway(d door) {
	c.t.Helper()
	rest, err := c.Ended()
	for _, f := range rest {
		if f.Headers["destination"] != sendStatus && !strings.Contains(f.Body, `"code":-300`) {
			c.t.Error("got", f)
		}
	}
	if how := (chattest.Closed{}); errors.As(err, &how) && how.Code != 1001 || !errors.As(err, &how) && d != xhr {
		c.t.Error("ended by", err)
	}
}

// TestShutdown: the app's shutdown closes every session by itself.
func TestShutdown(t *testing.T) {
	t.Parallel()
	for _, m := range mounts {
		t.Run(m.name, func(t *testing.T) {
			t.Parallel()
			metrics := prometheus.NewRegistry()
			cfg, _ := configFor(t, fiberchat.Config{Registerer: metrics})
			app := newApp()
			if _, err := fiberchat.New(m.router(app), cfg); err != nil {
				t.Fatal(err)
			}
			addr := listen(t, app)
			clients := make(map[door]*client)
			for _, d := range []door{native, sockws, xhr} {
				l, err := d.open(addr, m.prefix, "t-alice")
				if err != nil {
					t.Fatal(err)
				}
				c := newClient(t, l)
				clients[d] = c
				if d != sockws { // one of them has not connected yet
					c.hello()
				}
			}
			type end struct {
				err error
				up  int
			}
			done := make(chan end, 1)
			go func() { // joined below
				err := app.Shutdown()
				done <- end{err, sessionsUp(t, metrics)}
			}()
			for d, c := range clients {
				c.goesAway(d)
			}
			if end := <-done; end.err != nil || end.up > 0 {
				t.Errorf("Shutdown gave %v and left %d sessions", end.err, end.up)
			}
		})
	}
}

func TestClose(t *testing.T) {
	t.Parallel()
	cfg, _ := configFor(t, fiberchat.Config{})
	app := newApp()
	app.Get("/other", func(c *fiber.Ctx) error { return c.SendString("ok") })
	ch, err := fiberchat.New(app, cfg)
	if err != nil {
		t.Fatal(err)
	}
	addr := listen(t, app)
	var clients []*client
	for _, d := range []door{native, sockws, xhr} {
		clients = append(clients, d.connect(t, addr, "t-alice"))
	}
	var closers sync.WaitGroup
	for range 3 {
		closers.Go(func() {
			if err := ch.Close(context.Background()); err != nil {
				t.Error(err)
			}
		})
	}
	for _, c := range clients {
		c.closes(1001)
	}
	closers.Wait()
	ended, cancel := context.WithCancel(context.Background())
	cancel()
	if err := ch.Close(ended); err != nil {
		t.Error("closed already:", err)
	}
	// The app goes on without chat, and the caller's store stays open.
	if resp, body := get(t, addr, "/other", ""); resp.StatusCode != http.StatusOK {
		t.Error(resp.Status, body)
	}
	if resp, body := get(t, addr, "/client?srect=t-alice", ""); resp.StatusCode != http.StatusServiceUnavailable {
		t.Error("the native door:", resp.Status, body)
	}
	sockws.dial(t, addr, "t-alice").closes(1001)
	if _, err := xhr.open(addr, "", "t-alice"); !errors.Is(err, chattest.Closed{Code: 1001}) {
		t.Error("polling gave", err)
	}
	fill(t, cfg.Store, 0, 1, "x")
	ch.Disconnect(1)
	ch.Revoke("id-alice")
}

// TestCloseKeepsToItsContext: a store that hangs is not waited for.
func TestCloseKeepsToItsContext(t *testing.T) {
	t.Parallel()
	store := &faultyStore{Store: openStore(t)}
	stuck, release := make(chan struct{}), make(chan struct{})
	store.breakApply(func(ctx context.Context, ops []chat.Op) ([]chat.Result, error) {
		close(stuck)
		<-release // whatever ctx says
		return store.Store.Apply(context.WithoutCancel(ctx), ops)
	})
	s := serve(t, fiberchat.Config{Store: store})
	a := online(t, s.addr, "alice")
	a.say("m1", 2, "x")
	<-stuck
	ctx, cancel := context.WithTimeout(context.Background(), quick)
	defer cancel()
	if err := s.chat.Close(ctx); !errors.Is(err, context.DeadlineExceeded) {
		t.Error("Close:", err)
	}
	close(release)
	if err := s.chat.Close(context.Background()); err != nil {
		t.Error("the second waits for the first:", err)
	}
	if got := conversation(t, store.Store, 1, 2); len(got) != 1 {
		t.Error("stored:", got)
	}
	if _, err := s.chat.Send(context.Background(), 1, 2, "x"); !errors.Is(err, fiberchat.ErrClosed) {
		t.Error("Send:", err)
	}
}

// TestCloseAnswersWhatWasTaken: a message at the store when Close begins is
// stored, and its sender answered before the 1001.
func TestCloseAnswersWhatWasTaken(t *testing.T) {
	t.Parallel()
	eachDoor(t, func(t *testing.T, d door) {
		store := &faultyStore{Store: openStore(t)}
		s := serve(t, fiberchat.Config{Store: store})
		stuck, release := make(chan struct{}), make(chan struct{})
		a, b := d.online(t, s.addr, "alice"), d.online(t, s.addr, "bob")
		store.breakApply(func(ctx context.Context, ops []chat.Op) ([]chat.Result, error) {
			close(stuck)
			<-release
			return store.Store.Apply(ctx, ops)
		})
		a.say("m1", 2, "x")
		<-stuck
		done := make(chan error, 1)
		go func() { done <- s.chat.Close(context.Background()) }() // joined below
		for {                                                      // Close has begun when the door refuses
			if resp, _ := get(t, s.addr, "/client?srect=t-carol", ""); resp.StatusCode == http.StatusServiceUnavailable {
				break
			}
		}
		close(release)
		a.message(sendStatus).wantBody(t, success("m1"))
		a.closes(1001)
		b.message("/user/bob/recive")
		b.closes(1001)
		if err := <-done; err != nil {
			t.Error(err)
		}
	})
}

// TestShutdownUnderLoad: what was answered 200 is stored.
func TestShutdownUnderLoad(t *testing.T) {
	t.Parallel()
	const senders = 3
	store := openStore(t)
	var names []string
	for i := range senders + 1 {
		names = append(names, fmt.Sprint("user", i))
	}
	p := newPeople(names...)
	// A starved test's clients may be slow to read; this is not about them.
	s := serve(t, fiberchat.Config{Store: store, Authenticator: p, Directory: p, Limits: fiberchat.Limits{SendRate: -1, Queued: 64 << 20}})
	var clients []*client
	for i := range senders {
		d := []door{native, sockws, xhr}[i]
		c := d.online(t, s.addr, names[i])
		clients = append(clients, c)
		go func() { // ends with the connection, which the server closes
			for n := 0; ; n++ {
				if c.Conn.Raw("SEND\ndestination:/socket/chat/send\n\n"+sendBody(fmt.Sprint("m", n), senders+1, "x")+"\x00") != nil {
					return
				}
			}
		}()
	}
	for _, c := range clients { // all are under way
		c.message(sendStatus)
	}
	done := make(chan error, 1)
	go func() { done <- s.app.Shutdown() }() // joined below
	// All at once: one that is not read misses why its connection ends.
	var reading sync.WaitGroup
	answered := make([]int, senders)
	for i, c := range clients {
		reading.Go(func() {
			rest, _ := c.Ended()
			for _, f := range rest {
				switch {
				case f.Headers["destination"] == sendStatus:
					answered[i]++
				case f.Headers["destination"] == failures && strings.Contains(f.Body, `"code":-300`):
				default:
					t.Error("got", f)
				}
			}
		})
	}
	reading.Wait()
	for i, c := range clients {
		c.goesAway([]door{native, sockws, xhr}[i])
		stored := conversation(t, store, int64(i+1), senders+1)
		if len(stored) < answered[i]+1 {
			t.Errorf("sender %d: %d messages answered 200, %d stored", i, answered[i]+1, len(stored))
		}
	}
	if err := <-done; err != nil {
		t.Error(err)
	}
	for line := range strings.Lines(s.logs.String()) {
		if strings.Contains(line, "level=ERROR") {
			t.Error("logged:", line)
		}
	}
}

// TestCloseDuringReplay: a replay to a client that does not read ends too.
func TestCloseDuringReplay(t *testing.T) {
	t.Parallel()
	for _, d := range []door{native, sockws} {
		t.Run(string(d), func(t *testing.T) {
			t.Parallel()
			store := openStore(t)
			fill(t, store, 0, 300, strings.Repeat("x", 40<<10))
			s := serve(t, fiberchat.Config{Store: store})
			l, err := d.open(s.addr, "", "t-bob")
			if err != nil {
				t.Fatal(err)
			}
			defer l.Cut()
			if err := l.Raw("CONNECT\naccept-version:1.2\n\n\x00SUBSCRIBE\nid:1\ndestination:/user/2/recive\n\n\x00SEND\ndestination:/socket/chat/init\n\n\x00"); err != nil {
				t.Fatal(err)
			}
			if _, err := l.Read(); err != nil {
				t.Fatal(err)
			}
			ctx, cancel := context.WithTimeout(context.Background(), time.Second)
			defer cancel()
			// Whether it goes in peace or is cut: it is over, and nothing leaks.
			if err := s.chat.Close(ctx); err != nil && !errors.Is(err, context.DeadlineExceeded) {
				t.Error(err)
			}
			if err := s.chat.Close(context.Background()); err != nil {
				t.Error(err)
			}
		})
	}
}
