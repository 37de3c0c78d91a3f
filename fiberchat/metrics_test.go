package fiberchat_test

import (
	"context"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/prometheus/client_golang/prometheus"

	"fiberchat.example/fiberchat"
	"fiberchat.example/fiberchat/chat"
	"fiberchat.example/fiberchat/storetest"
)

// gathered returns the metrics by name and labels; histograms by their counts.
func gathered(t *testing.T, from *prometheus.Registry) map[string]float64 {
	t.Helper()
	families, err := from.Gather()
	if err != nil {
		t.Fatal(err)
	}
	values := make(map[string]float64)
	for _, f := range families {
		for _, m := range f.GetMetric() {
			name := strings.TrimPrefix(f.GetName(), "fiberchat_")
			for _, l := range m.GetLabel() {
				name += " " + l.GetValue()
			}
			values[name] = m.GetGauge().GetValue() + m.GetCounter().GetValue() + float64(m.GetHistogram().GetSampleCount())
		}
	}
	return values
}

// TestMetricsCount what happened.
func TestMetricsCount(t *testing.T) {
	t.Parallel()
	metrics := prometheus.NewRegistry()
	p := newPeople("alice", "bob")
	p.until["t-old"] = time.Now().Add(-time.Hour)
	s := serve(t, fiberchat.Config{Authenticator: p, Directory: p, Registerer: metrics, Limits: fiberchat.Limits{SendRate: 0.5}, CanSend: func(_ context.Context, from, _ chat.User) error {
		if from.Name == "bob" {
			panic("a bug of the app")
		}
		return nil
	}})
	a, b := online(t, s.addr, "alice"), sockws.online(t, s.addr, "bob")
	a.tell("m1", 2, "x")
	m := b.message("/user/bob/recive").message(t)
	a.tell("m1", 2, "x") // repeated
	a.say("m2", 1, "x")  // beyond the rate, and refused when it was waited for
	a.refused("m2", -400, "ToSelf")
	b.confirmed("m1", m.ID)
	b.confirmed("m1", m.ID)
	b.say("m3", 1, "x")
	b.tryAgain("m3")
	b.pending()
	get(t, s.addr, "/client?srect=nonsense", "")

	got := gathered(t, metrics)
	for name, want := range map[string]float64{
		"sessions native": 1, "sessions websocket": 1,
		"operations_total send done": 1, "operations_total send repeated": 1, "operations_total send refused": 2, "operations_total send failed": 0,
		"operations_total receive done": 1, "operations_total receive repeated": 1, "operations_total receive refused": 0,
		"commit_operations": 4, "commit_duration_seconds": 4,
		"replays_total": 1, "replayed_messages_total": 0, "rate_limited_total": 1, "panics_total": 1,
		"auth_failures_total unauthorized": 1, "auth_failures_total expired": 0, "slow_clients_total": 0,
	} {
		// Labels stand in the order of their names: op and outcome.
		if v, ok := got[name]; v != want || !ok && want != 0 {
			t.Errorf("%s is %v (%v), want %v", name, v, ok, want)
		}
	}
	for _, direction := range []string{"in", "out"} {
		if got["frames_total "+direction] < 10 {
			t.Errorf("frames %s: %v", direction, got["frames_total "+direction])
		}
	}
	if t.Failed() {
		t.Log(fmt.Sprint(got))
	}
}

// blindStore shows nothing to a node that catches up.
type blindStore struct{ *storetest.Memory }

func (blindStore) Unconfirmed(context.Context, int64, int) ([]chat.Ref, error) { return nil, nil }

func (blindStore) UnconfirmedNotices(context.Context, int64, int) ([]chat.Ref, error) {
	return nil, nil
}

// TestPublications are what brings messages and notices to other nodes, not the
// look in the store.
func TestPublications(t *testing.T) {
	t.Parallel()
	c := newCluster(t, 2, blindStore{storetest.NewMemory()})
	a, b := c.online(t, 0, "alice"), c.online(t, 1, "bob")
	for i := range 3 {
		a.tell(fmt.Sprint("m", i), 2, "x")
		if got := b.message("/user/bob/recive").message(t).ChatID; got != fmt.Sprint("m", i) {
			t.Error("got", got)
		}
	}
	b.subscribe(bobsNotices)
	for range 3 {
		b.notice("x", c.nodes[0].notify("x", none{}))
	}
}
