//go:build unix

package ws

import "syscall"

const unix = true

// unread peeks at what the socket holds for its reader. The end of the stream
// counts too: the reader has still to see it.
func unread(conn syscall.RawConn) (some bool) {
	err := conn.Control(func(fd uintptr) {
		_, _, err := syscall.Recvfrom(int(fd), make([]byte, 1), syscall.MSG_PEEK|syscall.MSG_DONTWAIT)
		some = err != syscall.EAGAIN
	})
	return err == nil && some
}

// tryWrite writes what the socket takes at once. An error counts as nothing
// taken: the write that waits meets it again.
func tryWrite(conn syscall.RawConn, b []byte) (n int) {
	err := conn.Write(func(fd uintptr) bool {
		n, _ = syscall.Write(int(fd), b)
		return true
	})
	if err != nil || n < 0 {
		return 0
	}
	return n
}
