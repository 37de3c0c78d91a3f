package sockjs

import (
	"fmt"
	"net"
	"net/http"
	"runtime"
	"strings"
	"testing"
	"time"
)

// A thousand clients open a stream or a poll and vanish: nothing of them is
// left.
func TestThousandDeadReceivers(t *testing.T) {
	skipUnlessPollsNotice(t)
	const clients = 1000
	s := start(t, Config{Open: serving(wait), MaxSessionsPerUser: clients})
	conns := make([]net.Conn, 0, clients)
	defer func() {
		for _, conn := range conns {
			conn.Close()
		}
	}()
	keys := make([]sessionKey, clients)
	for i := range clients {
		keys[i] = sessionKey{user: "", id: newID()}
		path := "/echo/0/" + keys[i].id
		conn, err := net.Dial("tcp", s.addr)
		if err != nil {
			t.Fatal(err)
		}
		conns = append(conns, conn)
		method, name := http.MethodPost, "/xhr_streaming"
		switch i % 4 {
		case 0:
			polled(t, s.addr, path+"/xhr")
			name = "/xhr"
		case 1:
			method, name = http.MethodGet, "/eventsource"
		case 2:
			method, name = http.MethodGet, "/htmlfile?c=x"
		}
		if _, err := fmt.Fprintf(conn, "%s %s%s HTTP/1.1\r\nHost: x\r\nContent-Length: 0\r\n\r\n", method, path, name); err != nil {
			t.Fatal(err)
		}
	}
	for _, key := range keys {
		waitForReceiver(t, s.Server, key)
	}
	open := ours()
	if open < 2*clients {
		t.Fatalf("%d goroutines for %d clients: they are not counted right", open, clients)
	}
	began := time.Now()
	for _, conn := range conns {
		conn.Close()
	}
	for _, key := range keys {
		if session := s.find(key); session != nil {
			waitOver(t, session)
		}
	}
	t.Logf("%d goroutines with %d clients; all noticed after %s", open, clients, time.Since(began))
	eventually(t, patience, "sessions and goroutines are gone", func() bool {
		s.mu.Lock()
		left := len(s.sessions) + len(s.perUser)
		s.mu.Unlock()
		return left == 0 && ours() == 0
	})
}

// ours counts the goroutines that serve SockJS; fasthttp keeps idle workers
// for a while.
func ours() int {
	buf := make([]byte, 8<<20)
	n := 0
	for stack := range strings.SplitSeq(string(buf[:runtime.Stack(buf, true)]), "\n\n") {
		if strings.Contains(stack, "sockjs.(*Server).") || strings.Contains(stack, "sockjs.(*stream).") || strings.Contains(stack, "sockjs.watchGone") {
			n++
		}
	}
	return n
}
