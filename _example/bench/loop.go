//go:build linux

package main

import (
	"errors"
	"fmt"
	"syscall"
	"time"
)

// loop serves many wsConns on one thread: an event, a read, a handler. Go's
// own poller would pay a second read and a goroutine switch for each.
type loop struct {
	epoll int
	conns []*wsConn // by file descriptor
	buf   []byte
}

func newLoop() (*loop, error) {
	epoll, err := syscall.EpollCreate1(syscall.EPOLL_CLOEXEC)
	if err != nil {
		return nil, fmt.Errorf("create epoll: %w", err)
	}
	return &loop{epoll: epoll, buf: make([]byte, 64<<10)}, nil
}

// watch makes the loop read c from now on; c does not block any more.
func (l *loop) watch(c *wsConn) error {
	if err := syscall.SetNonblock(c.fd, true); err != nil {
		return fmt.Errorf("set non-blocking: %w", err)
	}
	for len(l.conns) <= c.fd {
		l.conns = append(l.conns, nil)
	}
	l.conns[c.fd] = c
	ev := syscall.EpollEvent{Events: syscall.EPOLLIN, Fd: int32(c.fd)}
	if err := syscall.EpollCtl(l.epoll, syscall.EPOLL_CTL_ADD, c.fd, &ev); err != nil {
		return fmt.Errorf("watch connection: %w", err)
	}
	return nil
}

// run serves until done is true or the time is over, whichever comes first.
func (l *loop) run(until time.Time, done func() bool) error {
	events := make([]syscall.EpollEvent, 256)
	for !done() {
		left := time.Until(until)
		if left <= 0 {
			return nil
		}
		n, err := syscall.EpollWait(l.epoll, events, int(left/time.Millisecond)+1)
		if err != nil && !errors.Is(err, syscall.EINTR) {
			return fmt.Errorf("wait for events: %w", err)
		}
		for _, ev := range events[:max(n, 0)] {
			c := l.conns[ev.Fd]
			n, err := readFD(c.fd, l.buf)
			if errors.Is(err, syscall.EAGAIN) {
				continue
			}
			if err != nil {
				return err
			}
			if err := c.feed(l.buf[:n]); err != nil {
				return err
			}
		}
	}
	return nil
}

// close ends the loop and every connection in it.
func (l *loop) close() {
	for _, c := range l.conns {
		if c != nil {
			c.close()
		}
	}
	syscall.Close(l.epoll)
}
