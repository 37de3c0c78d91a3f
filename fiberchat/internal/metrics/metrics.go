// Package metrics holds the Prometheus collectors of one Chat.
package metrics

import (
	"fmt"
	"time"

	"github.com/prometheus/client_golang/prometheus"
)

// Set is the collectors of one Chat. All of them work unregistered too.
type Set struct {
	Sessions      *prometheus.GaugeVec // by transport
	FramesIn      prometheus.Counter
	FramesOut     prometheus.Counter
	Sends         Outcomes
	Confirmations Outcomes
	App           Outcomes // SENDs to the app's own destinations
	SlowClients   prometheus.Counter
	Replays       prometheus.Counter
	Replayed      prometheus.Counter
	RateLimited   prometheus.Counter
	AuthFailures  *prometheus.CounterVec // by reason
	Panics        prometheus.Counter
	HookTime      *prometheus.HistogramVec // by hook, as the other two
	HookFailures  *prometheus.CounterVec
	HookDropped   *prometheus.CounterVec

	Notices, NoticeConfirmations Outcomes

	vectors    []prometheus.Collector // of the Outcomes and frames
	commitSize prometheus.Histogram
	commitTime prometheus.Histogram
}

// Outcomes counts one kind of operation by how it ended.
type Outcomes struct {
	Done     prometheus.Counter // stored or confirmed
	Repeated prometheus.Counter // it was so already
	Refused  prometheus.Counter // the client's fault
	Failed   prometheus.Counter // the store's fault, or the app's
}

// New returns a set that is registered nowhere yet.
func New() *Set {
	counter := func(name, help string) prometheus.Counter {
		return prometheus.NewCounter(prometheus.CounterOpts{Namespace: "fiberchat", Name: name, Help: help})
	}
	operations := prometheus.NewCounterVec(prometheus.CounterOpts{
		Namespace: "fiberchat", Name: "operations_total",
		Help: "Messages sent (op send) and confirmed (op receive), notices stored (op notify) and confirmed (op notice), and frames to the app's own destinations (op app), by outcome: done, repeated, refused, failed.",
	}, []string{"op", "outcome"})
	outcomes := func(op string) Outcomes {
		return Outcomes{
			Done:     operations.WithLabelValues(op, "done"),
			Repeated: operations.WithLabelValues(op, "repeated"),
			Refused:  operations.WithLabelValues(op, "refused"),
			Failed:   operations.WithLabelValues(op, "failed"),
		}
	}
	frames := prometheus.NewCounterVec(prometheus.CounterOpts{
		Namespace: "fiberchat", Name: "frames_total",
		Help: "STOMP frames from clients (direction in) and to them (out), without heart-beats.",
	}, []string{"direction"})
	s := &Set{
		Sessions: prometheus.NewGaugeVec(prometheus.GaugeOpts{
			Namespace: "fiberchat", Name: "sessions", Help: "Sessions that are up, by transport.",
		}, []string{"transport"}),
		FramesIn:      frames.WithLabelValues("in"),
		FramesOut:     frames.WithLabelValues("out"),
		Sends:         outcomes("send"),
		Confirmations: outcomes("receive"),
		App:           outcomes("app"),
		SlowClients:   counter("slow_clients_total", "Sessions closed because the client read too slowly."),
		Replays:       counter("replays_total", "Replays of unconfirmed messages that began."),
		Replayed:      counter("replayed_messages_total", "Messages that replays read from the store."),
		RateLimited:   counter("rate_limited_total", "Frames that waited because the user was faster than Limits.SendRate or Limits.SendBytes: messages, inits, and confirmations after too many that confirmed nothing."),
		AuthFailures: prometheus.NewCounterVec(prometheus.CounterOpts{
			Namespace: "fiberchat", Name: "auth_failures_total",
			Help: "Tokens refused, by reason: unauthorized, expired, error.",
		}, []string{"reason"}),
		Panics: counter("panics_total", "Panics that were recovered, of the app's code or of ours."),
		HookTime: prometheus.NewHistogramVec(prometheus.HistogramOpts{
			Namespace: "fiberchat", Name: "hook_duration_seconds", Help: "Duration of calls of the app's hooks.",
			Buckets: prometheus.ExponentialBuckets(0.0001, 4, 9),
		}, []string{"hook"}),
		HookFailures: prometheus.NewCounterVec(prometheus.CounterOpts{
			Namespace: "fiberchat", Name: "hook_failures_total",
			Help: "Calls of the app's hooks that failed: an error that is no refusal, a panic, a time-out.",
		}, []string{"hook"}),
		HookDropped: prometheus.NewCounterVec(prometheus.CounterOpts{
			Namespace: "fiberchat", Name: "hook_dropped_total",
			Help: "Calls of the app's hooks that were not made because too many waited.",
		}, []string{"hook"}),
		commitSize: prometheus.NewHistogram(prometheus.HistogramOpts{
			Namespace: "fiberchat", Name: "commit_operations", Help: "Operations in one transaction.",
			Buckets: prometheus.ExponentialBuckets(1, 2, 10),
		}),
		commitTime: prometheus.NewHistogram(prometheus.HistogramOpts{
			Namespace: "fiberchat", Name: "commit_duration_seconds", Help: "Duration of one transaction.",
			Buckets: prometheus.ExponentialBuckets(0.0001, 4, 9),
		}),
	}
	s.Notices, s.NoticeConfirmations = outcomes("notify"), outcomes("notice")
	s.vectors = []prometheus.Collector{operations, frames}
	return s
}

// Register registers the set on r, unless r is nil. queued and bus are read at
// every scrape: the bytes that wait for clients, and whether the bus is up; bus
// is nil where there is none.
func (s *Set) Register(r prometheus.Registerer, queued, bus func() float64) error {
	if r == nil {
		return nil
	}
	gauge := func(name, help string, read func() float64) prometheus.Collector {
		return prometheus.NewGaugeFunc(prometheus.GaugeOpts{Namespace: "fiberchat", Name: name, Help: help}, read)
	}
	all := append(s.vectors[:len(s.vectors):len(s.vectors)],
		s.Sessions, s.SlowClients, s.Replays, s.Replayed, s.RateLimited,
		s.AuthFailures, s.Panics, s.HookTime, s.HookFailures, s.HookDropped, s.commitSize, s.commitTime,
		gauge("queue_bytes", "Bytes that wait to be sent to clients.", queued),
	)
	if bus != nil {
		all = append(all, gauge("bus_up", "1 while the bus to the other nodes works, else 0.", bus))
	}
	for i, c := range all {
		if err := r.Register(c); err != nil {
			for _, done := range all[:i] {
				r.Unregister(done)
			}
			return fmt.Errorf("register metrics: %w", err)
		}
	}
	return nil
}

// Commit observes one transaction.
func (s *Set) Commit(ops int, took time.Duration) {
	s.commitSize.Observe(float64(ops))
	s.commitTime.Observe(took.Seconds())
}
