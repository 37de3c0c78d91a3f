//go:build linux

package main

import (
	"fmt"
	"time"
)

// measurePairs runs every server with every number of pairs, and SQLite by
// itself, in turns, so that a busy minute of the machine hits all of them, and
// compares the medians.
func measurePairs(o options, r *report) error {
	r.table(fmt.Sprintf("Exchanges in a closed loop, window 1, synchronous=FULL, medians of %d runs", o.runs),
		"pairs", "server", "exchanges/s", "server CPU", "delivery p50 / p99", "status p50 / p99",
		"rate to by hand", "CPU to relay + SQLite", "generator CPU")
	for _, n := range o.pairs {
		runs := map[string][]measurement{}
		for range o.runs {
			for _, name := range append([]string{"sqlite"}, o.servers...) {
				m, err := runServer(o, name, n)
				if err != nil {
					return fmt.Errorf("%s with %d pairs: %w", name, n, err)
				}
				runs[name] = append(runs[name], m)
			}
		}
		medians := map[string]measurement{}
		for name, all := range runs {
			medians[name] = medianOf(all)
		}
		limit := float64(medians["relay"].CPU + medians["sqlite"].CPU)
		alone := medians["sqlite"]
		r.row("", "SQLite alone", fmt.Sprintf("%.0f", alone.Exchanges), micros(alone.CPU), "", "", "", "", "")
		for _, name := range o.servers {
			m := medians[name]
			r.row(fmt.Sprint(n), name, fmt.Sprintf("%.0f", m.Exchanges), micros(m.CPU), m.Delivery.String(), m.Status.String(),
				ratio(m.Exchanges, medians["byhand"].Exchanges), ratio(float64(m.CPU), limit), micros(m.GeneratorCPU))
		}
		if medians["relay"].CPU > 0 && medians["byhand"].CPU > 0 && medians["fiberchat"].CPU > 0 {
			judgePairs(r, n, medians)
		}
	}
	return nil
}

func ratio(a, b float64) string {
	if b == 0 {
		return ""
	}
	return number(a/b) + "x"
}

// judgePairs holds the targets for a number of pairs.
func judgePairs(r *report, n int, runs map[string]measurement) {
	ours, byHand := runs["fiberchat"], runs["byhand"]
	rate := ours.Exchanges / byHand.Exchanges
	cpu := float64(ours.CPU) / float64(runs["relay"].CPU+runs["sqlite"].CPU)
	switch n {
	case 1:
		r.atMost("1 pair: delivery p50 to by hand", float64(ours.Delivery.P50)/float64(byHand.Delivery.P50), 1, "x")
	case 50:
		r.atLeast("50 pairs: exchanges/s to by hand", rate, 7, "x")
		r.atMost("50 pairs: server CPU to relay + SQLite alone", cpu, 1.6, "x")
		r.atMost("50 pairs: delivery p99 to by hand", float64(ours.Delivery.P99)/float64(byHand.Delivery.P99), 0.15, "x")
	case 500:
		r.atLeast("500 pairs: exchanges/s to by hand", rate, 10, "x")
		r.atMost("500 pairs: server CPU to relay + SQLite alone", cpu, 1.3, "x")
	}
}

// runServer starts a server and measures it with n pairs.
func runServer(o options, name string, n int) (m measurement, err error) {
	server, err := startChild(name, o.dir)
	if err != nil {
		return m, err
	}
	defer server.stop()
	if name == "sqlite" {
		return runSQLite(server, o.window)
	}
	return runPairs(server, dialects[name], n, o.window, o.profileName(name, n))
}

func (o options) profileName(name string, n int) string {
	if o.profile == "" {
		return ""
	}
	return fmt.Sprintf("%s-%s-%d.pprof", o.profile, name, n)
}

// runSQLite measures the store's limit, which has no clients.
func runSQLite(server *child, window time.Duration) (m measurement, err error) {
	before, err := server.usage()
	if err != nil {
		return m, err
	}
	start, exchanges := time.Now(), 0
	if err := server.do(&exchanges, "exchanges", window.Milliseconds()); err != nil {
		return m, err
	}
	elapsed := time.Since(start)
	after, err := server.usage()
	if err != nil {
		return m, err
	}
	m.Exchanges = float64(exchanges) / elapsed.Seconds()
	m.CPU = (after.CPU - before.CPU) / time.Duration(max(exchanges, 1))
	return m, nil
}
