//go:build linux

package main

import (
	"errors"
	"fmt"
	"runtime"
	"strings"
	"syscall"
	"time"
)

const (
	slowPairs = 50
	// floodBytes is the content of each message to the slow receiver.
	floodBytes = 16 << 10
	// cutPoll is how often the server is asked whether it has cut somebody.
	cutPoll = 50 * time.Millisecond
)

// flood sends one receiver more than it reads, one message at a time.
type flood struct {
	load       *pairLoad
	server     *child
	from, to   *wsConn
	frame, id  []byte
	serial     uint64
	begun      time.Time
	asked      time.Time
	sent       int
	cutAfter   time.Duration // 0: not cut
	sentBefore int           // the cut
}

// measureSlow runs pairs beside a receiver of large messages, which reads
// them at first and in a second run does not.
func measureSlow(o options, r *report) error {
	r.table(fmt.Sprintf("%d pairs beside a receiver of %d KiB messages", slowPairs, floodBytes>>10),
		"the receiver", "exchanges/s of the pairs", "their delivery p50 / p99", "cut")
	var reading measurement
	for _, stalled := range []bool{false, true} {
		m, f, err := runSlow(o, stalled)
		if err != nil {
			return err
		}
		if !stalled {
			reading = m
			r.row("reads", fmt.Sprintf("%.0f", m.Exchanges), m.Delivery.String(), "no")
			continue
		}
		cut := "no"
		if f.cutAfter > 0 {
			cut = fmt.Sprintf("after %v and %.1f MiB", f.cutAfter.Round(time.Millisecond), float64(f.sentBefore*floodBytes)/(1<<20))
		}
		r.row("does not", fmt.Sprintf("%.0f", m.Exchanges), m.Delivery.String(), cut)
		r.atMost("slow receiver: delivery p99 of the others, to when it reads", float64(m.Delivery.P99)/float64(reading.Delivery.P99), 2, "x")
		if f.cutAfter == 0 {
			return errors.New("the receiver that reads nothing was not cut: run longer with -d")
		}
	}
	return nil
}

func runSlow(o options, stalled bool) (m measurement, f *flood, err error) {
	// The flood is begun here and the loop runs in measure, on one thread.
	runtime.LockOSThread()
	defer runtime.UnlockOSThread()
	server, err := startChild("fiberchat", o.dir)
	if err != nil {
		return m, nil, err
	}
	defer server.stop()
	conns, err := dialUsers(server.addr, stompDialect, 0, 2*slowPairs+2)
	if err != nil {
		return m, nil, err
	}
	l, err := newLoop()
	if err != nil {
		closeAll(conns)
		return m, nil, err
	}
	defer l.close()
	load := newPairLoad(stompDialect, conns[:2*slowPairs])
	f = newFlood(load, server, conns[2*slowPairs], conns[2*slowPairs+1])
	if stalled {
		conns = conns[:2*slowPairs+1]
		defer f.to.close()
	}
	for _, c := range conns {
		if err := l.watch(c); err != nil {
			return m, nil, err
		}
	}
	f.send()
	m, err = load.measure(l, server, o.window, o.profileName(fmt.Sprintf("fiberchat-stalled-%v", stalled), slowPairs))
	return m, f, err
}

func newFlood(load *pairLoad, server *child, from, to *wsConn) *flood {
	f := &flood{load: load, server: server, from: from, to: to, serial: load.serial / 2, begun: time.Now()}
	content := strings.Repeat("长", floodBytes/len("长"))
	f.frame = wsFrame(opText, []byte(stompDialect.send(2*slowPairs+1, noID, content)))
	f.id = idIn(f.frame)
	from.onMessage = f.answered
	to.onMessage = func([]byte) {}
	// What the kernel keeps for the receiver delays the cut and shows nothing.
	if err := syscall.SetsockoptInt(to.fd, syscall.SOL_SOCKET, syscall.SO_RCVBUF, 64<<10); err != nil {
		load.fail(fmt.Errorf("set receive buffer: %w", err))
	}
	return f
}

func (f *flood) send() {
	f.serial++
	writeID(f.id, f.serial)
	if err := f.from.write(f.frame); err != nil {
		f.load.fail(err)
	}
}

// answered takes the status of the message before.
func (f *flood) answered(payload []byte) {
	if stompDialect.event(payload) != statusEvent {
		f.load.fail(fmt.Errorf("unexpected answer %q", payload))
		return
	}
	f.sent++
	if now := time.Now(); f.cutAfter == 0 && now.Sub(f.asked) > cutPoll {
		f.asked = now
		var cut float64
		if err := f.server.do(&cut, "cut", 0); err != nil {
			f.load.fail(err)
			return
		}
		if cut > 0 {
			f.cutAfter, f.sentBefore = now.Sub(f.begun), f.sent
		}
	}
	if !f.load.stopping {
		f.send()
	}
}
