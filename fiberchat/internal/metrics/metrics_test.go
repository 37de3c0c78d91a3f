package metrics

import (
	"strings"
	"testing"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/testutil"
)

func TestNamesFollowTheConventions(t *testing.T) {
	t.Parallel()
	r := prometheus.NewPedanticRegistry()
	s := New()
	err := s.Register(r, func() float64 { return 7 }, func() float64 { return 1 })
	if err != nil {
		t.Fatal(err)
	}
	s.Sessions.WithLabelValues("native").Inc()
	s.AuthFailures.WithLabelValues("expired").Inc()
	s.Commit(3, time.Millisecond)
	problems, err := testutil.GatherAndLint(r)
	if err != nil {
		t.Fatal(err)
	}
	for _, p := range problems {
		t.Errorf("%s: %s", p.Metric, p.Text)
	}
	const want = "# HELP fiberchat_queue_bytes Bytes that wait to be sent to clients.\n# TYPE fiberchat_queue_bytes gauge\nfiberchat_queue_bytes 7\n"
	if err := testutil.GatherAndCompare(r, strings.NewReader(want), "fiberchat_queue_bytes"); err != nil {
		t.Error(err)
	}
}

func TestSecondSetOnOneRegistererIsRefusedAndLeavesNothing(t *testing.T) {
	t.Parallel()
	r := prometheus.NewRegistry()
	taken := prometheus.NewGauge(prometheus.GaugeOpts{Name: "fiberchat_queue_bytes", Help: "Bytes that wait to be sent to clients."})
	r.MustRegister(taken)
	if err := New().Register(r, func() float64 { return 0 }, nil); err == nil {
		t.Fatal("want an error")
	}
	r.Unregister(taken)
	if err := New().Register(r, func() float64 { return 0 }, nil); err != nil {
		t.Fatal("the first try left something behind:", err)
	}
}
