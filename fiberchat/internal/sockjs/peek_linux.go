package sockjs

import (
	"net"
	"syscall"
	"time"

	"golang.org/x/sys/unix"
)

// watchGone closes gone when the client closes its side of conn, without
// taking anything that belongs to its next request. stop ends the watching;
// afterwards conn is as it was, without a read deadline.
func watchGone(conn net.Conn) (gone <-chan struct{}, stop func()) {
	raw := rawConn(conn)
	if raw == nil || conn.SetReadDeadline(time.Time{}) != nil {
		return nil, func() {}
	}
	left, done := make(chan struct{}), make(chan struct{})
	// Ends when the client left or at the past deadline that stop sets; stop
	// waits for it.
	go func() {
		defer close(done)
		found := false
		err := raw.Read(func(fd uintptr) bool {
			found = peerClosed(int(fd))
			return found
		})
		if err == nil && found {
			close(left)
		}
	}()
	return left, func() {
		_ = conn.SetReadDeadline(time.Unix(1, 0)) // fails only on a closed conn, which wakes the goroutine too
		<-done
		_ = conn.SetReadDeadline(time.Time{})
	}
}

// rawConn finds the socket, below TLS too, or nil. With fasthttp's own limit
// of connections for an address there is none to find.
func rawConn(conn net.Conn) syscall.RawConn {
	if t, ok := conn.(interface{ NetConn() net.Conn }); ok { // *tls.Conn and what wraps it
		conn = t.NetConn()
	}
	socket, ok := conn.(syscall.Conn)
	if !ok {
		return nil
	}
	raw, err := socket.SyscallConn()
	if err != nil {
		return nil
	}
	return raw
}

// peerClosed looks at a socket that just became readable. Data in it may hide
// the end that follows: a pipelined request, or TLS saying good-bye.
func peerClosed(fd int) bool {
	var one [1]byte
	n, _, err := unix.Recvfrom(fd, one[:], unix.MSG_PEEK|unix.MSG_DONTWAIT)
	switch {
	case err == unix.EAGAIN || err == unix.EINTR:
		return false
	case err != nil || n == 0:
		return true
	}
	info, err := unix.GetsockoptTCPInfo(fd, unix.IPPROTO_TCP, unix.TCP_INFO)
	const established = 1
	return err == nil && info.State != established
}

// limitSilence makes the kernel give up on a peer that acknowledges nothing
// for so long: what it buffers hides from a write deadline that nobody is there.
func limitSilence(conn net.Conn, limit time.Duration) {
	raw := rawConn(conn)
	if raw == nil {
		return
	}
	_ = raw.Control(func(fd uintptr) { // without it the kernel takes a quarter of an hour
		_ = unix.SetsockoptInt(int(fd), unix.IPPROTO_TCP, unix.TCP_USER_TIMEOUT, int(limit.Milliseconds()))
	})
}
