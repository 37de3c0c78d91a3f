package fiberchat_test

import (
	"context"
	"log/slog"
	"strings"
	"sync"
	"testing"

	"fiberchat.example/fiberchat"
)

// recorder is a slog.Handler that keeps what is logged.
type recorder struct {
	with []slog.Attr
	kept *records
}

type records struct {
	mu  sync.Mutex
	all []record
}

type record struct {
	level   slog.Level
	message string
	attrs   map[string]string
}

func (*recorder) Enabled(context.Context, slog.Level) bool { return true }

func (r *recorder) WithAttrs(attrs []slog.Attr) slog.Handler {
	return &recorder{append(r.with[:len(r.with):len(r.with)], attrs...), r.kept}
}

func (r *recorder) WithGroup(string) slog.Handler { return r }

func (r *recorder) Handle(_ context.Context, from slog.Record) error {
	to := record{from.Level, from.Message, make(map[string]string)}
	add := func(a slog.Attr) bool {
		to.attrs[a.Key] = a.Value.String()
		return true
	}
	for _, a := range r.with {
		add(a)
	}
	from.Attrs(add)
	r.kept.mu.Lock()
	defer r.kept.mu.Unlock()
	r.kept.all = append(r.kept.all, to)
	return nil
}

// TestFaultsOfClientsAreLogged at Debug, with the user, and without anything
// that is a secret.
func TestFaultsOfClientsAreLogged(t *testing.T) {
	t.Parallel()
	eachDoor(t, func(t *testing.T, d door) {
		kept := new(records)
		s := serve(t, fiberchat.Config{Logger: slog.New(&recorder{kept: kept})})
		a, b := d.online(t, s.addr, "alice"), d.online(t, s.addr, "bob")
		a.say("private-id", 1, "private text")
		a.refused("private-id", -400, "ToSelf")
		a.raw("SEND\ndestination:/private\n\nprivate text\x00")
		a.fails("not-allowed", 1008)
		b.raw("SEND\nprivate\n\nprivate text\x00")
		b.fails("bad-frame", 1002)
		if err := s.chat.Close(t.Context()); err != nil {
			t.Fatal(err)
		}

		want := map[string]string{ // by user and message
			"1 request failed":                    "ToSelf",
			"1 session ended with an ERROR frame": "stomp: not-allowed: ",
			"2 session ended with an ERROR frame": "stomp: bad-frame: ",
		}
		for _, r := range kept.all {
			key := r.attrs["user"] + " " + r.message
			text, known := want[key]
			if !known || r.level != slog.LevelDebug || !strings.HasPrefix(r.attrs["error"], text) || r.attrs["transport"] == "" {
				t.Errorf("logged %+v", r)
			}
			delete(want, key)
			for name, value := range r.attrs {
				if strings.Contains(value, "private") || strings.Contains(value, "t-") && name != "error" {
					t.Errorf("the log has %s=%s", name, value)
				}
			}
		}
		if len(want) > 0 {
			t.Errorf("not logged: %v", want)
		}
	})
}
