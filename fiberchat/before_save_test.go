package fiberchat_test

import (
	"context"
	"fmt"
	"strings"
	"sync"
	"sync/atomic"
	"testing"

	"github.com/prometheus/client_golang/prometheus"

	"fiberchat.example/fiberchat"
	"fiberchat.example/fiberchat/chat"
)

// TestBeforeSave: the content may be changed, or refused, and nothing else.
func TestBeforeSave(t *testing.T) {
	t.Parallel()
	eachDoor(t, func(t *testing.T, d door) {
		s := serve(t, fiberchat.Config{
			CanSend: func(_ context.Context, _, to chat.User) error {
				if to.Name == "carol" {
					return chat.ErrForbidden
				}
				return nil
			},
			BeforeSave: func(_ context.Context, m *chat.Message) error {
				if m.ReceiverName == "carol" || m.SenderName != "alice" || m.ID != 0 || m.Time.IsZero() {
					t.Errorf("asked about %+v", m)
				}
				if strings.Contains(m.Content, "spam") {
					return chat.Refuse("Spam", "not here")
				}
				*m = chat.Message{ID: 99, ChatID: "other", SenderID: 3, ReceiverID: 3, SenderName: "eve", Content: strings.ToUpper(m.Content)}
				return nil
			},
		})
		a, b := d.online(t, s.addr, "alice"), d.online(t, s.addr, "bob")
		a.tell("m1", 2, "hello")
		got := b.message("/user/bob/recive").message(t)
		if want := (chat.Message{ID: 1, ChatID: "m1", SenderID: 1, ReceiverID: 2, SenderName: "alice", ReceiverName: "bob", Content: "HELLO", Time: got.Time}); got != want {
			t.Errorf("got %+v, want %+v", got, want)
		}
		a.say("m2", 2, "spam")
		if text := a.refused("m2", -303, "Spam"); text != "not here" {
			t.Error(text)
		}
		a.say("m3", 3, "x")
		a.refused("m3", -303, "Forbidden")
		a.tell("m2", 2, "ham") // what was refused was not stored
		b.message("/user/bob/recive")
		if _, err := s.chat.Send(t.Context(), 1, 2, "spam"); err != nil { // the app's own
			t.Error(err)
		}
	})
}

// TestBeforeSaveSeesAMessageOnce: what is stored is not shown again, and needs no
// equal content.
func TestBeforeSaveSeesAMessageOnce(t *testing.T) {
	t.Parallel()
	var asked atomic.Int64
	var closed atomic.Bool
	cfg := fiberchat.Config{
		Store: openStore(t),
		CanSend: func(context.Context, chat.User, chat.User) error {
			if closed.Load() {
				return chat.ErrForbidden
			}
			return nil
		},
		BeforeSave: func(_ context.Context, m *chat.Message) error {
			m.Content = fmt.Sprintf("%s, %d", m.Content, asked.Add(1))
			return nil
		},
	}
	s := serve(t, cfg)
	a, b := online(t, s.addr, "alice"), online(t, s.addr, "bob")
	a.tell("m1", 2, "one")
	a.tell("m1", 2, "one")
	a.tell("m1", 2, "another")
	a.say("m1", 3, "one")
	a.refused("m1", -401, "MsgIDReused")
	closed.Store(true)
	a.tell("m1", 2, "one")
	a = online(t, serve(t, cfg).addr, "alice") // as after a restart
	a.tell("m1", 2, "one")
	if got := b.message("/user/bob/recive").message(t); got.Content != "one, 1" {
		t.Error(got)
	}
	b.nothing()
	if n := asked.Load(); n != 1 {
		t.Errorf("asked %d times", n)
	}
}

// TestBeforeSaveOfOneMessageAtOnce: however often and over however many
// sessions a message comes at the same time, it is shown once.
func TestBeforeSaveOfOneMessageAtOnce(t *testing.T) {
	t.Parallel()
	var mu sync.Mutex
	asked := map[string]int{}
	s := serve(t, fiberchat.Config{BeforeSave: func(_ context.Context, m *chat.Message) error {
		mu.Lock()
		defer mu.Unlock()
		asked[m.ChatID]++
		m.Content = fmt.Sprint(len(asked), asked[m.ChatID])
		return nil
	}})
	b := online(t, s.addr, "bob")
	const times, messages = 5, 8
	var frames strings.Builder
	for i := range messages {
		for range times {
			frames.WriteString("SEND\ndestination:/socket/chat/send\n\n" + sendBody(fmt.Sprint("m", i), 2, "x") + "\x00")
		}
	}
	var sessions []*client
	for range 3 {
		sessions = append(sessions, online(t, s.addr, "alice"))
	}
	for _, a := range sessions {
		a.raw(frames.String())
	}
	for _, a := range sessions {
		for i := range messages {
			for range times {
				a.message(sendStatus).wantBody(t, success(fmt.Sprint("m", i)))
			}
		}
	}
	for range messages {
		b.message("/user/bob/recive")
	}
	b.nothing()
	mu.Lock()
	defer mu.Unlock()
	for id, n := range asked {
		if n != 1 {
			t.Errorf("%s was shown %d times", id, n)
		}
	}
}

// TestBeforeSaveOnTwoNodesAtOnce: both show it, one stores it, and both senders
// hear that it is stored.
func TestBeforeSaveOnTwoNodesAtOnce(t *testing.T) {
	t.Parallel()
	store := openStore(t)
	p := newPeople("alice", "bob")
	var both sync.WaitGroup
	both.Add(2)
	node := func(name string) *server {
		return serve(t, fiberchat.Config{Store: store, Authenticator: p, Directory: p, BeforeSave: func(_ context.Context, m *chat.Message) error {
			if m.ChatID == "m1" {
				both.Done()
				both.Wait()
			}
			m.Content = name
			return nil
		}})
	}
	x, y := node("x"), node("y")
	a1, a2 := online(t, x.addr, "alice"), online(t, y.addr, "alice")
	a1.say("m1", 2, "hello")
	a2.say("m1", 2, "hello")
	a1.message(sendStatus).wantBody(t, success("m1"))
	a2.message(sendStatus).wantBody(t, success("m1"))
	if got := online(t, x.addr, "bob").pending(); len(got) != 1 {
		t.Error("stored:", got)
	}
}

// TestBeforeSaveSpoils: what the app makes of a content is held to what a client may send.
func TestBeforeSaveSpoils(t *testing.T) {
	t.Parallel()
	metrics := prometheus.NewRegistry()
	s := serve(t, fiberchat.Config{Registerer: metrics, Limits: fiberchat.Limits{Content: 10}, BeforeSave: func(_ context.Context, m *chat.Message) error {
		m.Content = map[string]string{"empty": "", "long": strings.Repeat("x", 11), "NUL": "a\x00", "bytes": "a\xff", "most": strings.Repeat("x", 10)}[m.Content]
		return nil
	}})
	a, b := online(t, s.addr, "alice"), online(t, s.addr, "bob")
	for _, how := range []string{"empty", "long", "NUL", "bytes"} {
		a.say(how, 2, how)
		a.refused(how, -303, "Forbidden")
	}
	a.tell("most", 2, "most")
	if got := b.message("/user/bob/recive").message(t); got.Content != strings.Repeat("x", 10) {
		t.Error(got)
	}
	if n := strings.Count(s.logs.String(), "hook=BeforeSave"); n != 4 {
		t.Errorf("%d lines are logged", n)
	}
	if n := gathered(t, metrics)["hook_failures_total BeforeSave"]; n != 4 {
		t.Errorf("%v failures are counted", n)
	}
}

// TestBeforeSaveFails: the client is told to try again, and nobody else notices.
func TestBeforeSaveFails(t *testing.T) {
	t.Parallel()
	for _, fault := range faults {
		t.Run(fault.name, func(t *testing.T) {
			t.Parallel()
			metrics := prometheus.NewRegistry()
			var mended atomic.Bool
			s := serve(t, fiberchat.Config{Registerer: metrics, Timeouts: fiberchat.Timeouts{Store: quick * 10}, BeforeSave: func(ctx context.Context, m *chat.Message) error {
				if m.SenderName == "bob" || mended.Load() {
					return nil
				}
				return fault.do(ctx)
			}})
			a, b := online(t, s.addr, "alice"), online(t, s.addr, "bob")
			a.say("m1", 2, "x")
			b.tell("m1", 1, "y")
			for _, want := range []string{"notice", "message"} { // in any order
				switch f := a.next(); f.Headers["destination"] {
				case failures:
					if !strings.Contains(f.Body, `"code":-300`) || strings.Contains(f.Body, "secret") {
						t.Error(want, f.Body)
					}
				case "/user/alice/recive":
				default:
					t.Fatal(f)
				}
			}
			mended.Store(true)
			a.tell("m1", 2, "x")
			b.message("/user/bob/recive")
			if n := gathered(t, metrics)["hook_failures_total BeforeSave"]; n != 1 {
				t.Errorf("%v failures are counted", n)
			}
			if !strings.Contains(s.logs.String(), "hook=BeforeSave") {
				t.Error("nothing was logged")
			}
		})
	}
}

// TestBeforeSaveNeedsToFind: while nobody knows whether it is a repetition, it
// is not shown.
func TestBeforeSaveNeedsToFind(t *testing.T) {
	t.Parallel()
	for _, fault := range faults {
		t.Run(fault.name, func(t *testing.T) {
			t.Parallel()
			s := serve(t, fiberchat.Config{
				Store: &findless{openStore(t), fault}, Timeouts: fiberchat.Timeouts{Store: quick},
				BeforeSave: func(context.Context, *chat.Message) error {
					t.Error("it was shown")
					return nil
				},
			})
			a := online(t, s.addr, "alice")
			a.say("m1", 2, "x")
			a.tryAgain("m1")
		})
	}
}

type findless struct {
	chat.Store
	fault fault
}

func (s *findless) Find(ctx context.Context, _ int64, _ string) (chat.Message, error) {
	return chat.Message{}, s.fault.do(ctx)
}
