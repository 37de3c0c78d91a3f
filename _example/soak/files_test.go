package soak

import (
	"context"
	"net"
	"strings"
	"testing"
)

// With no file descriptors left nobody can come, but who is there can talk;
// and when some have left, others may come.
func TestFileDescriptorsExhausted(t *testing.T) {
	t.Parallel()
	const files = 64
	w := newWorld(t, 4, files)
	ctx, cancel := context.WithTimeout(context.Background(), patience)
	defer cancel()
	var sessions []*session
	for i, transport := range []string{"native", "websocket", "xhr-streaming"} {
		s, err := w.dial(ctx, w.server.Addr, transport, w.users[i], newWire(), "0,0")
		if err != nil {
			t.Fatal(err)
		}
		defer s.cut(false)
		if err := s.startInit(false); err != nil {
			t.Fatal(err)
		}
		if err := s.subscribe(s.user.name); err != nil {
			t.Fatal(err)
		}
		s.confirm = func(*letter) bool { return true }
		s.follow()
		if !s.initDone(ctx) {
			t.Fatal("no answer to an init")
		}
		sessions = append(sessions, s)
	}
	// talk has everybody who is there write to the next one.
	talk := func() {
		t.Helper()
		for i, s := range sessions {
			if err := s.post(w.write(s.user, w.users[(i+1)%len(sessions)], 60)); err != nil {
				t.Fatal(err)
			}
			select {
			case <-s.answers:
			case <-ctx.Done():
				t.Fatalf("%s: no answer", s.transport)
			}
			for w.opened(s.user) > 0 { // the answer was to a confirmation
				select {
				case <-s.answers:
				case <-ctx.Done():
					t.Fatalf("%s: no answer", s.transport)
				}
			}
		}
	}
	talk()

	var idle []net.Conn
	defer func() {
		for _, conn := range idle {
			conn.Close()
		}
	}()
	for !strings.Contains(w.server.Output.String(), "too many open files") {
		if len(idle) < 2*files {
			conn, err := net.Dial("tcp", w.server.Addr)
			if err != nil {
				t.Fatalf("after %d connections: %v", len(idle), err)
			}
			idle = append(idle, conn)
			continue
		}
		select {
		case <-w.server.Output.Changed:
		case <-w.server.Exited:
			t.Fatal("the server has ended")
		case <-ctx.Done():
			t.Fatalf("the server took %d connections with %d file descriptors", len(idle), files)
		}
	}
	talk()

	for _, conn := range idle {
		conn.Close()
	}
	s, err := w.dial(ctx, w.server.Addr, "native", w.users[3], newWire(), "0,0")
	if err != nil {
		t.Fatalf("after the others have left: %v", err)
	}
	s.cut(false)
	talk()
	for _, s := range sessions {
		s.cut(false)
		s.join()
	}
	w.finish(t)
}
