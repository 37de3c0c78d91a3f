package cluster

import (
	"net"
	"sync"
	"testing"
)

// proxy stands between one node and NATS.
type proxy struct {
	ln     net.Listener
	target string
	group  sync.WaitGroup

	mu     sync.Mutex
	passes sync.Cond // waited on while stalled
	state  state
	conns  map[net.Conn]bool
}

type state int

const (
	passing state = iota
	stalled       // connections stand, and nothing gets through
	cut           // no connection stands
	ended
)

func startProxy(t *testing.T, target string) *proxy {
	t.Helper()
	ln, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	p := &proxy{ln: ln, target: target, conns: make(map[net.Conn]bool)}
	p.passes.L = &p.mu
	p.group.Go(p.accept) // waited for by the clean-up, as all of them
	t.Cleanup(func() {
		ln.Close()
		p.set(ended)
		p.group.Wait()
	})
	return p
}

func (p *proxy) url() string { return "nats://" + p.ln.Addr().String() }

func (p *proxy) set(s state) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.state = s
	p.passes.Broadcast()
	if s >= cut {
		for conn := range p.conns {
			conn.Close()
		}
	}
}

func (p *proxy) accept() {
	for {
		from, err := p.ln.Accept()
		if err != nil {
			return
		}
		to, err := net.Dial("tcp", p.target)
		if err != nil || !p.keep(from, to) {
			from.Close()
			if to != nil {
				to.Close()
			}
			continue
		}
		p.group.Go(func() { p.copy(from, to) })
		p.group.Go(func() { p.copy(to, from) })
	}
}

// keep notes a connection; false when there should be none.
func (p *proxy) keep(from, to net.Conn) bool {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.state >= cut {
		return false
	}
	p.conns[from], p.conns[to] = true, true
	return true
}

func (p *proxy) copy(from, to net.Conn) {
	defer func() {
		p.mu.Lock()
		defer p.mu.Unlock()
		from.Close()
		to.Close()
		delete(p.conns, from)
		delete(p.conns, to)
	}()
	buf := make([]byte, 32<<10)
	for {
		n, err := from.Read(buf)
		p.mu.Lock()
		for p.state == stalled {
			p.passes.Wait()
		}
		p.mu.Unlock()
		if _, werr := to.Write(buf[:n]); werr != nil || err != nil {
			return
		}
	}
}
