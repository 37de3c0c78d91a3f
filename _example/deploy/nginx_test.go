package deploy

import (
	"context"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"path/filepath"
	"strings"
	"testing"

	"fiberchat.example/_example/rig"
	"fiberchat.example/fiberchat/chattest"
)

// startNginx runs nginx.conf in front of two nodes, with other names and ports.
func startNginx(t *testing.T, node1, node2 string) (addr string) {
	t.Helper()
	dir, addr := t.TempDir(), freeAddr(t)
	conf := strings.NewReplacer("listen 8080;", "listen "+addr+";", "node1:8080", node1, "node2:8080", node2,
		"http {", fmt.Sprintf("http {\nclient_body_temp_path %[1]s/b; proxy_temp_path %[1]s/p; fastcgi_temp_path %[1]s/f; uwsgi_temp_path %[1]s/u; scgi_temp_path %[1]s/s;", dir),
	).Replace(read(t, "nginx.conf"))
	file := write(t, "nginx.conf", "daemon off; master_process off; pid "+dir+"/pid;\n"+conf)
	serve(t, addr, nil, program(t, "nginx"), "-c", file, "-e", filepath.Join(dir, "start.log"))
	return addr
}

// TestRollingRestart: node after node is restarted, the next one as soon as
// the one before is ready, and whoever connects meanwhile is let in.
func TestRollingRestart(t *testing.T) {
	t.Parallel()
	db := filepath.Join(t.TempDir(), "chat.db") // one file will do: what is looked at is the balancer
	addrs := []string{freeAddr(t), freeAddr(t)}
	var nodes []*rig.Process
	start := func(addr string) *rig.Process { return rig.Start(t, "-addr", addr, "-db", db) }
	for _, addr := range addrs {
		nodes = append(nodes, start(addr))
	}
	ada := nodes[0].SignUp(t, "ada")
	balancer := startNginx(t, addrs[0], addrs[1])

	ctx, stop := context.WithCancel(t.Context())
	tried, over := make(chan struct{}, 1), make(chan []error, 1)
	go func() { // joined by the receive from over
		var failures []error
		for ctx.Err() == nil {
			conn, err := chattest.Open(context.Background(), balancer, ada.Token, chattest.Patience(patience))
			if err == nil {
				conn.Cut()
			} else {
				failures = append(failures, err)
			}
			select {
			case tried <- struct{}{}:
			default:
			}
		}
		over <- failures
	}()
	for i, addr := range addrs {
		<-tried // nginx has met the nodes as they are
		nodes[i].Stop(t, patience)
		<-tried
		<-tried
		<-tried // at least one connect has begun since the node is gone
		nodes[i] = start(addr)
	}
	<-tried
	stop()
	if failures := <-over; len(failures) > 0 {
		t.Errorf("%d connects failed; the first: %v", len(failures), failures[0])
	}
}

// TestNodesHear: a node hears nginx's word of who asks, and not the client's;
// the requests of one SockJS session come to one node.
func TestNodesHear(t *testing.T) {
	t.Parallel()
	var nodes []string
	for _, name := range []string{"node1", "node2"} {
		s := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			fmt.Fprint(w, name, " ", r.Header.Get("X-Real-IP"), " ", r.Header.Get("X-Forwarded-For"), " ", r.Header.Get("X-Forwarded-Host"))
		}))
		t.Cleanup(s.Close)
		nodes = append(nodes, s.Listener.Addr().String())
	}
	balancer := startNginx(t, nodes[0], nodes[1])
	ask := func(path string) (node, heard string) {
		r, err := http.NewRequestWithContext(t.Context(), http.MethodGet, "http://"+balancer+path, nil)
		if err != nil {
			t.Fatal(err)
		}
		for _, header := range []string{"X-Real-IP", "X-Forwarded-For", "X-Forwarded-Host"} {
			r.Header.Set(header, "6.6.6.6")
		}
		answer, err := http.DefaultClient.Do(r)
		if err != nil {
			t.Fatal(err)
		}
		defer answer.Body.Close()
		body, err := io.ReadAll(answer.Body)
		if err != nil {
			t.Fatal(err)
		}
		node, heard, _ = strings.Cut(string(body), " ")
		return node, heard
	}
	if _, heard := ask("/"); heard != "127.0.0.1 127.0.0.1 "+balancer {
		t.Errorf("a node hears %q", heard)
	}
	long, err := http.Post("http://"+balancer+"/socketServer/000/x/jsonp_send", "text/plain", strings.NewReader(strings.Repeat("x", 3450<<10)))
	if err != nil {
		t.Fatal(err)
	}
	long.Body.Close()
	if long.StatusCode != http.StatusOK {
		t.Errorf("all that a SockJS client had waiting: status %d", long.StatusCode)
	}
	met := make(map[string]bool)
	for i := range 20 {
		first, _ := ask(fmt.Sprintf("/chat/socketServer/000/session-%d/xhr", i))
		second, _ := ask(fmt.Sprintf("/chat/socketServer/111/session-%d/xhr_send?srect=x", i))
		if first != second {
			t.Errorf("session %d is at %s and at %s", i, first, second)
		}
		met[first] = true
	}
	if len(met) != 2 {
		t.Errorf("all sessions are at %v", met)
	}
}
