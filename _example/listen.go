package main

import (
	"errors"
	"log/slog"
	"net"
	"syscall"
	"time"
)

// acceptAgain is how long to wait before the next try to accept; whoever
// leaves meanwhile makes room.
const acceptAgain = 100 * time.Millisecond

// patientListener goes on when there are no more file descriptors. Fiber's
// server takes every error of Accept for the end: without this, a flood of
// connections would end the program.
type patientListener struct{ net.Listener }

func (l patientListener) Accept() (net.Conn, error) {
	for tried := false; ; tried = true {
		conn, err := l.Listener.Accept()
		if !errors.Is(err, syscall.EMFILE) && !errors.Is(err, syscall.ENFILE) && !errors.Is(err, syscall.ECONNABORTED) {
			return conn, err
		}
		if !tried { // one line, however long it lasts
			slog.Error("cannot accept connections", "error", err)
		}
		time.Sleep(acceptAgain)
	}
}
