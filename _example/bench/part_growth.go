//go:build linux

package main

import "fmt"

const (
	growthPairs = 50
	growthSmall = 1_000
)

// measureGrowth compares an exchange in a small store with one in a large.
func measureGrowth(o options, r *report) error {
	server, err := startChild("fiberchat", o.dir)
	if err != nil {
		return err
	}
	defer server.stop()
	r.table(fmt.Sprintf("Growth: %d pairs with many messages stored", growthPairs), "stored before", "exchanges/s", "server CPU", "delivery p50 / p99")
	var small measurement
	for _, stored := range []int{growthSmall, o.messages} {
		if err := server.do(nil, "fill", stored); err != nil {
			return err
		}
		m, err := runPairs(server, stompDialect, growthPairs, o.window, o.profileName("fiberchat-stored", stored))
		if err != nil {
			return err
		}
		r.row(fmt.Sprint(stored), fmt.Sprintf("%.0f", m.Exchanges), micros(m.CPU), m.Delivery.String())
		if stored == growthSmall {
			small = m
			continue
		}
		r.atMost(fmt.Sprintf("server CPU with %d stored to %d", stored, growthSmall), float64(m.CPU)/float64(small.CPU), 1.3, "x")
	}
	return nil
}
