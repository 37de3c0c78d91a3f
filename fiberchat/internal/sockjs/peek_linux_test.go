package sockjs

import (
	"net"
	"testing"
	"time"

	"golang.org/x/sys/unix"
)

func skipUnlessPollsNotice(*testing.T) {}

func TestSilentPeersAreLimited(t *testing.T) {
	t.Parallel()
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer listener.Close()
	conn := dial(t, listener.Addr().String())
	limitSilence(conn, 30*time.Second)
	got := 0
	err = rawConn(conn).Control(func(fd uintptr) {
		got, err = unix.GetsockoptInt(int(fd), unix.IPPROTO_TCP, unix.TCP_USER_TIMEOUT)
	})
	if err != nil {
		t.Fatal(err)
	}
	equal(t, "milliseconds", got, 30_000)
}
