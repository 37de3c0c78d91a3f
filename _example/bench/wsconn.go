//go:build linux

package main

import (
	"bytes"
	"encoding/binary"
	"errors"
	"fmt"
	"net"
	"strings"
	"syscall"
	"time"
)

// wsConn is a WebSocket client on a bare socket: the generator shares the
// machine with the server it measures, so it must cost little more than its
// system calls.
type wsConn struct {
	fd   int
	rest []byte // the start of a frame whose end has not come yet
	// onMessage takes each message; the slice is valid during the call.
	onMessage func(payload []byte)
}

const (
	opText  = 1
	opClose = 8
	opPing  = 9
	opPong  = 10
)

// setupTimeout bounds every blocking read and write before the loop takes over.
const setupTimeout = 20 * time.Second

// errClosed: the server ended the connection.
var errClosed = errors.New("bench: connection closed by the server")

// dialTCP opens a blocking socket with a time-out on its reads and writes.
func dialTCP(addr string) (int, error) {
	conn, err := net.DialTimeout("tcp4", addr, setupTimeout)
	if err != nil {
		return -1, err
	}
	defer conn.Close()
	raw, err := conn.(*net.TCPConn).SyscallConn()
	if err != nil {
		return -1, fmt.Errorf("reach socket: %w", err)
	}
	// A duplicate is out of reach of Go's own poller, which would be woken by
	// every packet as well.
	var fd int
	var dupErr error
	if err := errors.Join(raw.Control(func(s uintptr) { fd, dupErr = syscall.Dup(int(s)) }), dupErr); err != nil {
		return -1, fmt.Errorf("duplicate socket: %w", err)
	}
	syscall.CloseOnExec(fd)
	timeout := syscall.NsecToTimeval(setupTimeout.Nanoseconds())
	err = errors.Join(
		syscall.SetNonblock(fd, false),
		syscall.SetsockoptTimeval(fd, syscall.SOL_SOCKET, syscall.SO_RCVTIMEO, &timeout),
		syscall.SetsockoptTimeval(fd, syscall.SOL_SOCKET, syscall.SO_SNDTIMEO, &timeout),
	)
	if err != nil {
		syscall.Close(fd)
		return -1, fmt.Errorf("set up socket: %w", err)
	}
	return fd, nil
}

// dialWS opens a WebSocket. Until the loop watches it, it blocks.
func dialWS(addr, path string) (*wsConn, error) {
	fd, err := dialTCP(addr)
	if err != nil {
		return nil, err
	}
	c := &wsConn{fd: fd}
	request := "GET " + path + " HTTP/1.1\r\nHost: " + addr + "\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n" +
		"Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: YmVuY2hiZW5jaGJlbmNoIQ==\r\n\r\n"
	if err := c.write([]byte(request)); err != nil {
		c.close()
		return nil, err
	}
	var buf [4096]byte
	n := 0
	for {
		m, err := readFD(fd, buf[n:])
		if err != nil {
			c.close()
			return nil, fmt.Errorf("shake hands: %w", err)
		}
		n += m
		head, after, found := bytes.Cut(buf[:n], []byte("\r\n\r\n"))
		if !found {
			continue
		}
		if !bytes.HasPrefix(head, []byte("HTTP/1.1 101")) {
			c.close()
			status, _, _ := strings.Cut(string(head), "\r\n")
			return nil, fmt.Errorf("shake hands: %s", status)
		}
		c.rest = append(c.rest, after...)
		return c, nil
	}
}

func (c *wsConn) close() { syscall.Close(c.fd) }

// write sends whole frames. A frame of a closed loop always fits into the
// socket's buffer, so a short write means that the server reads no more.
func (c *wsConn) write(p []byte) error {
	n, err := syscall.Write(c.fd, p)
	for errors.Is(err, syscall.EINTR) {
		n, err = syscall.Write(c.fd, p)
	}
	switch {
	case err != nil:
		return fmt.Errorf("write: %w", err)
	case n < len(p):
		return fmt.Errorf("write: %d of %d bytes taken", n, len(p))
	}
	return nil
}

// await reads until a message for which done is true: the blocking way, for
// the time before the loop.
func (c *wsConn) await(done func(payload []byte) bool) error {
	found := false
	c.onMessage = func(p []byte) { found = found || done(p) }
	defer func() { c.onMessage = nil }()
	if err := c.feed(nil); err != nil {
		return err
	}
	var buf [4096]byte
	for !found {
		n, err := readFD(c.fd, buf[:])
		if err != nil {
			return err
		}
		if err := c.feed(buf[:n]); err != nil {
			return err
		}
	}
	return nil
}

// feed takes what was read and hands each whole message on.
func (c *wsConn) feed(p []byte) error {
	if len(c.rest) > 0 {
		p = append(c.rest, p...)
	}
	for {
		op, payload, size := parseFrame(p)
		if size == 0 {
			break
		}
		p = p[size:]
		switch op {
		case opText:
			c.onMessage(payload)
		case opPing:
			if err := c.write(wsFrame(opPong, payload)); err != nil {
				return err
			}
		case opClose:
			return fmt.Errorf("%w: %q", errClosed, payload)
		}
	}
	// Nothing is kept for an idle connection, so that 10,000 cost nothing.
	if len(p) == 0 {
		c.rest = nil
	} else {
		c.rest = append([]byte(nil), p...)
	}
	return nil
}

// parseFrame finds the first frame in p; size is 0 when it is not whole.
func parseFrame(p []byte) (op byte, payload []byte, size int) {
	if len(p) < 2 {
		return 0, nil, 0
	}
	head, length := 2, int(p[1]&0x7f)
	switch {
	case length == 126 && len(p) >= 4:
		head, length = 4, int(binary.BigEndian.Uint16(p[2:]))
	case length == 127 && len(p) >= 10:
		head, length = 10, int(binary.BigEndian.Uint64(p[2:]))
	case length >= 126:
		return 0, nil, 0
	}
	if len(p) < head+length {
		return 0, nil, 0
	}
	return p[0] & 0x0f, p[head : head+length], head + length
}

// wsFrame builds a client's frame. Its mask is all zeros: allowed, and the
// payload stays readable in place, so that a prebuilt frame needs only its
// msgID overwritten. The server unmasks it like any other.
func wsFrame(op byte, payload []byte) []byte {
	f := []byte{0x80 | op}
	switch n := len(payload); {
	case n < 126:
		f = append(f, 0x80|byte(n))
	case n < 1<<16:
		f = binary.BigEndian.AppendUint16(append(f, 0x80|126), uint16(n))
	default:
		f = binary.BigEndian.AppendUint64(append(f, 0x80|127), uint64(n))
	}
	return append(append(f, 0, 0, 0, 0), payload...)
}

// readFD is read(2), with the end of the stream as an error.
func readFD(fd int, p []byte) (int, error) {
	for {
		n, err := syscall.Read(fd, p)
		switch {
		case err == syscall.EINTR:
			continue
		case err != nil:
			return 0, fmt.Errorf("read: %w", err)
		case n == 0:
			return 0, errClosed
		}
		return n, nil
	}
}
