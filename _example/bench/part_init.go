//go:build linux

package main

import (
	"fmt"
	"time"
)

// pendingMessages is how many wait for the receiver that comes back.
const pendingMessages = 200_000

// measureInit replays a very long backlog to one client.
func measureInit(o options, r *report) error {
	server, err := startChild("fiberchat", o.dir)
	if err != nil {
		return err
	}
	defer server.stop()
	if err := server.do(nil, "pend", pendingMessages); err != nil {
		return err
	}
	conns, err := dialUsers(server.addr, stompDialect, pendingTo, 1)
	if err != nil {
		return err
	}
	defer closeAll(conns)
	before, err := server.settled()
	if err != nil {
		return err
	}
	start, came := time.Now(), 0
	if err := conns[0].write(wsFrame(opText, []byte("SEND\ndestination:/socket/chat/init\nreceipt:replayed\n\n\x00"))); err != nil {
		return err
	}
	err = conns[0].await(func(p []byte) bool {
		if stompDialect.event(p) == messageEvent {
			came++
		}
		return stompDialect.ready(p)
	})
	if err != nil {
		return err
	}
	took := time.Since(start)
	if came != pendingMessages {
		return fmt.Errorf("init brought %d of %d messages", came, pendingMessages)
	}
	after, err := server.usage()
	if err != nil {
		return err
	}
	// Garbage that the collector has not come to is in it; the target of 4 MiB
	// is for what is in use, and package crash tests that.
	grown := float64(after.Peak-before.RSS) / (1 << 20)
	r.table(fmt.Sprintf("Init with %d messages pending", pendingMessages), "replayed", "server CPU a message", "resident at most, over idle")
	r.row(fmt.Sprintf("%.0f/s", pendingMessages/took.Seconds()),
		fmt.Sprintf("%.1f µs", float64(after.CPU-before.CPU)/pendingMessages/1e3), fmt.Sprintf("%.1f MiB", grown))
	return nil
}
