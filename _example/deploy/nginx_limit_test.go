package deploy

import (
	"bufio"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"regexp"
	"strconv"
	"testing"

	"fiberchat.example/_example/rig"
)

// TestConnectionsOfOneAddress: it may have as many as nginx.conf says. One more
// is refused, other addresses are let in, and who leaves makes room.
func TestConnectionsOfOneAddress(t *testing.T) {
	t.Parallel()
	said := regexp.MustCompile(`limit_conn addresses (\d+);`).FindStringSubmatch(read(t, "nginx.conf"))
	if said == nil {
		t.Fatal("nginx.conf limits no connections")
	}
	limit, err := strconv.Atoi(said[1])
	if err != nil {
		t.Fatal(err)
	}
	node := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		c, _, err := http.NewResponseController(w).Hijack()
		if err != nil {
			t.Error(err)
			return
		}
		defer c.Close()
		fmt.Fprint(c, "HTTP/1.1 101 Switching Protocols\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n\r\n")
		_, _ = io.Copy(io.Discard, c) // until it leaves
	}))
	t.Cleanup(node.Close)
	balancer := startNginx(t, node.Listener.Addr().String(), node.Listener.Addr().String())
	upgrade := func(from, door string) (status int, c net.Conn) {
		dialer := net.Dialer{LocalAddr: &net.TCPAddr{IP: net.ParseIP(from)}}
		c, err := dialer.DialContext(t.Context(), "tcp", balancer)
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(func() { _ = c.Close() })
		if _, err := fmt.Fprintf(c, "GET %s HTTP/1.1\r\nHost: h\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n\r\n", door); err != nil {
			t.Fatal(err)
		}
		answer, err := http.ReadResponse(bufio.NewReader(c), nil)
		if err != nil {
			t.Fatal(err)
		}
		return answer.StatusCode, c
	}
	doors := []string{"/client?srect=x", "/socketServer/000/x/websocket?srect=x"} // counted together
	var last net.Conn
	for i := range limit {
		status, c := upgrade("127.0.0.1", doors[i%2])
		if status != http.StatusSwitchingProtocols {
			t.Fatalf("connection %d of %d: status %d", i+1, limit, status)
		}
		last = c
	}
	for _, door := range doors {
		if status, c := upgrade("127.0.0.1", door); status != http.StatusServiceUnavailable {
			t.Errorf("%s, one more than %d: status %d", door, limit, status)
		} else {
			_ = c.Close()
		}
		if status, _ := upgrade("127.0.0.2", door); status != http.StatusSwitchingProtocols {
			t.Errorf("%s, another address: status %d", door, status)
		}
	}
	_ = last.Close()
	rig.Until(t, "who leaves makes room", func() bool {
		status, _ := upgrade("127.0.0.1", doors[0])
		return status == http.StatusSwitchingProtocols
	})
}
