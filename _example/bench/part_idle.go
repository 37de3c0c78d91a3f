//go:build linux

package main

import (
	"fmt"
	"time"
)

// idleConns is how many connections the resident bytes of one are taken from.
const idleConns = 500

// warmConns is how many connections there are before.
const warmConns = 64

// measureIdle is the memory a connected client costs that says nothing.
func measureIdle(o options, r *report) error {
	r.table(fmt.Sprintf("%d idle connections, subscribed", idleConns), append([]string{"each"}, memoryColumns...)...)
	for _, name := range o.servers {
		idle, _, err := runOpen(o, name, idleConns)
		if err != nil {
			return fmt.Errorf("%s: %w", name, err)
		}
		r.row(append([]string{name}, idle.cells()...)...)
		if name == "fiberchat" {
			r.atMost("idle native connection, resident", float64(idle.RSS)/1024, 24, " KiB")
		}
	}
	return nil
}

// measureOpen opens very many connections as fast as it can.
func measureOpen(o options, r *report) error {
	r.table(fmt.Sprintf("%d connections opened at once, tokens checked in the store", o.open), append([]string{"each", "connected and subscribed"}, memoryColumns...)...)
	idle, took, err := runOpen(o, "fiberchat", o.open)
	if err != nil {
		return err
	}
	rate := float64(o.open) / took.Seconds()
	r.row(append([]string{"fiberchat", fmt.Sprintf("%.0f/s", rate)}, idle.cells()...)...)
	r.atLeast(fmt.Sprintf("%d connections, connected", o.open), rate, 2000, "/s")
	return nil
}

// runOpen connects n users to a server and returns what each costs it.
func runOpen(o options, name string, n int) (each usage, took time.Duration, err error) {
	server, err := startChild(name, o.dir)
	if err != nil {
		return each, 0, err
	}
	defer server.stop()
	d := dialects[name]
	// Some connections first, so that what is made once is not counted, such
	// as the database's.
	first, err := dialUsers(server.addr, d, n, warmConns)
	if err != nil {
		return each, 0, err
	}
	defer closeAll(first)
	before, err := server.settled()
	if err != nil {
		return each, 0, err
	}
	start := time.Now()
	conns, err := dialUsers(server.addr, d, 0, n)
	if err != nil {
		return each, 0, err
	}
	took = time.Since(start)
	defer closeAll(conns)
	after, err := server.settled()
	if err != nil {
		return each, 0, err
	}
	if o.heap != "" {
		if err := server.do(nil, "heap", fmt.Sprintf("%s-%s-%d.pprof", o.heap, name, n)); err != nil {
			return each, 0, err
		}
	}
	return after.growth(before, n), took, nil
}
