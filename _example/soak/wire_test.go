package soak

import (
	"context"
	"errors"
	"net"
	"sync"
	"sync/atomic"
	"time"

	"fiberchat.example/fiberchat/chattest"
)

var errCut = errors.New("cut in the middle")

// wire is the sockets of one session, and what is wrong with them.
type wire struct {
	narrow bool // the kernel takes little that is not read
	slow   bool // writes trickle

	half atomic.Bool // the next write is cut in the middle
	mute bool        // pings are not answered

	mu    sync.Mutex
	conns map[net.Conn]bool // nil once cut
}

func newWire() *wire { return &wire{conns: map[net.Conn]bool{}} }

// The transports, those that are used most in the field most often.
var transports = []string{
	"native", "native", "native", "websocket", "websocket", "raw-websocket",
	"xhr-streaming", "xhr-streaming", "eventsource", "htmlfile", "xhr-polling", "xhr-polling", "jsonp-polling",
}

// open connects over a transport.
func (w *wire) open(ctx context.Context, addr, transport, token string) (*chattest.Conn, error) {
	options := []chattest.Option{chattest.Through(w.dial)}
	if transport != "native" {
		options = append(options, chattest.SockJS(transport))
	}
	if w.mute {
		options = append(options, chattest.Mute())
	}
	ctx, cancel := context.WithTimeout(ctx, time.Minute)
	defer cancel()
	conn, err := chattest.Open(ctx, addr, token, options...)
	if err != nil {
		w.cut(false)
	}
	return conn, err
}

func (w *wire) dial(ctx context.Context, network, addr string) (net.Conn, error) {
	conn, err := (&net.Dialer{Timeout: time.Minute}).DialContext(ctx, network, addr)
	if err != nil {
		return nil, err
	}
	if w.narrow {
		if err := conn.(*net.TCPConn).SetReadBuffer(4 << 10); err != nil {
			conn.Close()
			return nil, err
		}
	}
	w.mu.Lock()
	defer w.mu.Unlock()
	if w.conns == nil {
		conn.Close()
		return nil, net.ErrClosed
	}
	w.conns[conn] = true
	return &socket{conn, w}, nil
}

// cut ends all of it without a word; with reset, what is on its way is lost.
func (w *wire) cut(reset bool) {
	w.mu.Lock()
	conns := w.conns
	w.conns = nil
	w.mu.Unlock()
	for conn := range conns {
		if reset {
			conn.(*net.TCPConn).SetLinger(0) //nolint:errcheck // it is closed below in any case
		}
		conn.Close()
	}
}

type socket struct {
	net.Conn
	wire *wire
}

func (s *socket) Write(p []byte) (int, error) {
	if s.wire.half.Load() {
		n, _ := s.Conn.Write(p[:len(p)/2])
		s.wire.cut(true)
		return n, errCut
	}
	if !s.wire.slow {
		return s.Conn.Write(p)
	}
	step := max(8, len(p)/20)
	for sent := 0; sent < len(p); {
		n, err := s.Conn.Write(p[sent:min(len(p), sent+step)])
		if sent += n; err != nil {
			return sent, err
		}
		<-time.After(5 * time.Millisecond)
	}
	return len(p), nil
}

func (s *socket) Close() error {
	s.wire.mu.Lock()
	delete(s.wire.conns, s.Conn)
	s.wire.mu.Unlock()
	return s.Conn.Close()
}
