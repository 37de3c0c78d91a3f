package fiberchat_test

import (
	"bytes"
	"context"
	"errors"
	"net"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/gofiber/fiber/v2"

	"fiberchat.example/fiberchat"
	"fiberchat.example/fiberchat/chat"
	"fiberchat.example/fiberchat/chattest"
	"fiberchat.example/fiberchat/storetest"
)

// await waits until a condition holds that other goroutines bring about.
func await(t *testing.T, what string, holds func() bool) {
	t.Helper()
	deadline := time.After(patience)
	for !holds() {
		select {
		case <-time.After(5 * time.Millisecond):
		case <-deadline:
			t.Fatal(what, "does not come to be")
		}
	}
}

func presence(t *testing.T, ch *fiberchat.Chat, id int64) chat.Presence {
	t.Helper()
	got, err := ch.Online(t.Context(), id)
	if err != nil || len(got) != 1 || got[0].UserID != id {
		t.Fatalf("Online(%d): %+v, %v", id, got, err)
	}
	return got[0]
}

// TestOnline: two nodes on one database see each other's users come and go.
func TestOnline(t *testing.T) {
	t.Parallel()
	eachDoor(t, func(t *testing.T, d door) {
		c := newCluster(t, 2, openStore(t))
		here, there := c.nodes[0].chat, c.nodes[1].chat
		begun := time.Now().Truncate(time.Millisecond)
		a := d.connect(t, c.nodes[0].addr, "t-alice")
		if p := presence(t, here, 1); !p.Online || p.LastSeen.Before(begun) {
			t.Errorf("at home: %+v", p)
		}
		if p := presence(t, here, 2); p != (chat.Presence{UserID: 2}) {
			t.Errorf("who never came: %+v", p)
		}
		await(t, "alice online on the other node", func() bool { return presence(t, there, 1).Online })
		if p := presence(t, there, 1); p.LastSeen.Before(begun) || p.LastSeen.Location() != time.UTC {
			t.Errorf("on the other node: %+v", p)
		}

		b := d.connect(t, c.nodes[1].addr, "t-alice.2")
		a.Close()
		await(t, "the end of the session", func() bool { return len(here.Sessions(1)) == 0 })
		await(t, "alice online by her other session", func() bool { return presence(t, here, 1).Online })
		left := time.Now().Truncate(time.Millisecond)
		b.Close()
		await(t, "alice offline", func() bool { return !presence(t, here, 1).Online && !presence(t, there, 1).Online })
		at := presence(t, here, 1)
		if at.LastSeen.Before(left) || at.LastSeen.After(time.Now()) || at != presence(t, there, 1) {
			t.Errorf("left after %v: %+v, %+v", left, at, presence(t, there, 1))
		}

		carol := d.connect(t, c.nodes[1].addr, "t-carol")
		await(t, "carol online", func() bool { return presence(t, here, 3).Online })
		got, err := here.Online(t.Context(), 3, 99, 1, 3, -1, 0)
		if err != nil || len(got) != 6 || !got[0].Online || !got[3].Online || got[2] != at ||
			got[1] != (chat.Presence{UserID: 99}) || got[4] != (chat.Presence{UserID: -1}) || got[5] != (chat.Presence{}) {
			t.Errorf("%+v, %v", got, err)
		}
		if err := there.Close(t.Context()); err != nil {
			t.Fatal(err)
		}
		if p := presence(t, here, 3); p.Online || p.LastSeen.Before(left) {
			t.Errorf("after the end of her node: %+v", p)
		}
		_, _ = carol.Ended()
	})
}

// TestLastSeenIsKept over a restart.
func TestLastSeenIsKept(t *testing.T) {
	t.Parallel()
	store := openStore(t)
	first := serve(t, fiberchat.Config{Store: store})
	online(t, first.addr, "alice")
	if err := first.chat.Close(t.Context()); err != nil {
		t.Fatal(err)
	}
	second := serve(t, fiberchat.Config{Store: store})
	if p := presence(t, second.chat, 1); p.Online || time.Since(p.LastSeen) > time.Minute {
		t.Errorf("got %+v", p)
	}
}

// plainStore is a store and nothing else.
type plainStore struct{ chat.Store }

// sharedStore is one that several nodes can share.
type sharedStore struct{ chat.Store }

func (sharedStore) Unconfirmed(context.Context, int64, int) ([]chat.Ref, error) { return nil, nil }

func TestOnlineErrors(t *testing.T) {
	t.Parallel()
	memory := storetest.NewMemory()
	s := serve(t, fiberchat.Config{Store: memory})
	if _, err := s.chat.Online(t.Context(), make([]int64, 1001)...); err == nil || !strings.Contains(err.Error(), "at most 1000 ids") {
		t.Error("1001 ids:", err)
	}
	if got, err := s.chat.Online(t.Context(), make([]int64, 1000)...); err != nil || len(got) != 1000 {
		t.Error("1000 ids:", len(got), err)
	}
	if got, err := s.chat.Online(t.Context()); err != nil || len(got) != 0 {
		t.Error("no ids:", got, err)
	}
	ended, cancel := context.WithCancel(t.Context())
	cancel()
	if _, err := s.chat.Online(ended, 1); !errors.Is(err, context.Canceled) {
		t.Error("cancelled:", err)
	}
	if err := s.chat.Close(t.Context()); err != nil {
		t.Fatal(err)
	}
	if _, err := s.chat.Online(t.Context(), 1); !errors.Is(err, fiberchat.ErrClosed) {
		t.Error("closed:", err)
	}

	alone := serve(t, fiberchat.Config{Store: plainStore{memory}})
	online(t, alone.addr, "alice")
	if p := presence(t, alone.chat, 1); !p.Online {
		t.Errorf("this node alone: %+v", p)
	}
	if p := presence(t, alone.chat, 2); p != (chat.Presence{UserID: 2}) {
		t.Errorf("this node alone: %+v", p)
	}
	several := serve(t, fiberchat.Config{Store: sharedStore{memory}, Bus: new(broker).join(t)})
	if _, err := several.chat.Online(t.Context(), 1); err == nil || !strings.Contains(err.Error(), "chat.PresenceStore") {
		t.Error("several nodes:", err)
	}
}

// headed writes header lines into the request that a connection begins with.
type headed struct {
	net.Conn
	lines string
}

func (c *headed) Write(p []byte) (int, error) {
	n := len(p)
	if c.lines != "" {
		p = bytes.Replace(p, []byte("\r\n"), []byte("\r\n"+c.lines+"\r\n"), 1)
		c.lines = ""
	}
	if _, err := c.Conn.Write(p); err != nil {
		return 0, err
	}
	return n, nil
}

func TestSessions(t *testing.T) {
	t.Parallel()
	s := serve(t, fiberchat.Config{})
	begun := time.Now()
	a := native.connect(t, s.addr, "t-alice")
	a2, a3 := sockws.connect(t, s.addr, "t-alice.2"), xhr.connect(t, s.addr, "t-alice")
	online(t, s.addr, "bob")
	infos := s.chat.Sessions(1)
	if len(infos) != 3 {
		t.Fatalf("%+v", infos)
	}
	for i, want := range []fiberchat.SessionInfo{
		{TokenID: "id-alice", Transport: "native"}, {TokenID: "id-alice.2", Transport: "websocket"}, {TokenID: "id-alice", Transport: "xhr"},
	} {
		got := infos[i]
		if got.TokenID != want.TokenID || got.Transport != want.Transport || got.IP != "127.0.0.1" || got.Since.Before(begun) || i > 0 && got.Since.Before(infos[i-1].Since) {
			t.Errorf("session %d is %+v, want %+v", i, got, want)
		}
	}
	s.chat.Revoke("id-alice")
	if infos := s.chat.Sessions(1); len(infos) != 1 || infos[0].TokenID != "id-alice.2" {
		t.Errorf("after Revoke: %+v", infos)
	}
	a.fails("token-expired", 1008)
	a3.fails("token-expired", 1008)
	a2.Close()
	await(t, "the end of the session", func() bool { return len(s.chat.Sessions(1)) == 0 })
	if infos := s.chat.Sessions(99); len(infos) > 0 {
		t.Errorf("of nobody: %+v", infos)
	}
}

// TestSessionsBehindAProxy: the address is as the app's settings say.
func TestSessionsBehindAProxy(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		header, trusted, want string
	}{
		"trusted":   {"203.0.113.7", "127.0.0.1", "203.0.113.7"},
		"untrusted": {"203.0.113.7", "192.0.2.1", "127.0.0.1"},
		"too long":  {strings.Repeat("1", 1000), "127.0.0.1", strings.Repeat("1", 255)},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			app := fiber.New(fiber.Config{
				DisableStartupMessage: true, ReadBufferSize: 16 << 10,
				ProxyHeader: "X-Real-IP", EnableTrustedProxyCheck: true, TrustedProxies: []string{c.trusted},
			})
			cfg, _ := configFor(t, fiberchat.Config{Store: storetest.NewMemory()})
			ch, err := fiberchat.New(app, cfg)
			if err != nil {
				t.Fatal(err)
			}
			addr := listen(t, app)
			through := chattest.Through(func(ctx context.Context, network, addr string) (net.Conn, error) {
				conn, err := new(net.Dialer).DialContext(ctx, network, addr)
				return &headed{conn, "X-Real-IP: " + c.header}, err
			})
			for _, transport := range []string{"", "websocket", "xhr-streaming"} {
				conn, err := chattest.Open(t.Context(), addr, "t-alice", chattest.SockJS(transport), chattest.Patience(patience), through)
				if err != nil {
					t.Fatal(err)
				}
				newClient(t, conn).hello()
			}
			infos := ch.Sessions(1)
			if len(infos) != 3 || slices.ContainsFunc(infos, func(i fiberchat.SessionInfo) bool { return i.IP != c.want }) {
				t.Errorf("%+v, want %s", infos, c.want)
			}
		})
	}
}
