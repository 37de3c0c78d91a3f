//go:build linux

package main

import (
	"cmp"
	"fmt"
	"runtime"
	"slices"
	"time"
)

// measurement is one row of the report.
type measurement struct {
	Exchanges    float64 // per second
	CPU          time.Duration
	GeneratorCPU time.Duration // both per exchange
	Delivery     quantiles
	Status       quantiles
}

type quantiles struct{ P50, P99 time.Duration }

func quantilesOf(d []time.Duration) quantiles {
	if len(d) == 0 {
		return quantiles{}
	}
	slices.Sort(d)
	return quantiles{P50: d[len(d)/2], P99: d[len(d)*99/100]}
}

// medianOf takes the median of every figure by itself.
func medianOf(all []measurement) (m measurement) {
	m.Exchanges = median(all, func(m measurement) float64 { return m.Exchanges })
	m.CPU = median(all, func(m measurement) time.Duration { return m.CPU })
	m.GeneratorCPU = median(all, func(m measurement) time.Duration { return m.GeneratorCPU })
	m.Delivery.P50 = median(all, func(m measurement) time.Duration { return m.Delivery.P50 })
	m.Delivery.P99 = median(all, func(m measurement) time.Duration { return m.Delivery.P99 })
	m.Status.P50 = median(all, func(m measurement) time.Duration { return m.Status.P50 })
	m.Status.P99 = median(all, func(m measurement) time.Duration { return m.Status.P99 })
	return m
}

func median[T cmp.Ordered](all []measurement, figure func(measurement) T) T {
	figures := make([]T, len(all))
	for i, m := range all {
		figures[i] = figure(m)
	}
	slices.Sort(figures)
	return figures[len(figures)/2]
}

// runPairs measures server with n pairs: a warm-up, then a window.
func runPairs(server *child, d dialect, n int, window time.Duration, profile string) (m measurement, err error) {
	conns, err := dialUsers(server.addr, d, 0, 2*n)
	if err != nil {
		return m, err
	}
	return runConns(conns, server, d, window, profile)
}

// meter is what a run reads its servers' processor time from.
type meter interface {
	usage() (usage, error)
	do(into any, command string, args ...any) error
}

// runConns measures with conns, which it closes: users 0, 1, 2 and so on.
func runConns(conns []*wsConn, server meter, d dialect, window time.Duration, profile string) (m measurement, err error) {
	l, err := newLoop()
	if err != nil {
		closeAll(conns)
		return m, err
	}
	defer l.close()
	for _, c := range conns {
		if err := l.watch(c); err != nil {
			return m, err
		}
	}
	load := newPairLoad(d, conns)
	return load.measure(l, server, window, profile)
}

// measure runs the closed loop: a warm-up, the window, and until every
// exchange begun has ended.
func (load *pairLoad) measure(l *loop, server meter, window time.Duration, profile string) (m measurement, err error) {
	runtime.LockOSThread()
	defer runtime.UnlockOSThread()
	failed := func() bool { return load.err != nil }
	for _, p := range load.pairs {
		p.begin()
	}
	if err := l.run(time.Now().Add(min(time.Second, window)), failed); err != nil {
		return m, err
	}
	if profile != "" {
		if err := server.do(nil, "profile", profile); err != nil {
			return m, err
		}
	}
	before, err := server.usage()
	if err != nil {
		return m, err
	}
	own, err := processorTime()
	if err != nil {
		return m, err
	}
	start := time.Now()
	load.measuring = true
	if err := l.run(start.Add(window), failed); err != nil {
		return m, err
	}
	load.measuring = false
	elapsed := time.Since(start)
	ownAfter, err := processorTime()
	if err != nil {
		return m, err
	}
	after, err := server.usage()
	if err != nil {
		return m, err
	}
	if profile != "" {
		if err := server.do(nil, "profile", ""); err != nil {
			return m, err
		}
	}
	load.stopping = true
	if err := l.run(time.Now().Add(setupTimeout), func() bool { return load.busy == 0 || failed() }); err != nil {
		return m, err
	}
	switch {
	case load.err != nil:
		return m, load.err
	case load.busy > 0:
		return m, fmt.Errorf("%d of %d pairs wait for an answer that does not come", load.busy, len(load.pairs))
	case load.exchanges == 0:
		return m, fmt.Errorf("no exchange ended within %v", window)
	}
	each := time.Duration(load.exchanges)
	return measurement{
		Exchanges:    float64(load.exchanges) / elapsed.Seconds(),
		CPU:          (after.CPU - before.CPU) / each,
		GeneratorCPU: (ownAfter - own) / each,
		Delivery:     quantilesOf(load.delivery),
		Status:       quantilesOf(load.status),
	}, nil
}
