package bustest

import (
	"io"
	"net"
	"sync"
	"testing"
)

// proxy stands between a bus and its broker, so that it can be cut.
type proxy struct {
	ln     net.Listener
	target string
	group  sync.WaitGroup

	mu    sync.Mutex
	isCut bool
	conns map[net.Conn]bool
}

func startProxy(t *testing.T, target string) *proxy {
	t.Helper()
	ln, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	p := &proxy{ln: ln, target: target, conns: make(map[net.Conn]bool)}
	p.group.Go(p.accept) // waited for by the clean-up, as all of them
	t.Cleanup(func() {
		ln.Close()
		p.cut()
		p.group.Wait()
	})
	return p
}

func (p *proxy) addr() string { return p.ln.Addr().String() }

// cut closes all connections, and those to come at once.
func (p *proxy) cut() {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.isCut = true
	for conn := range p.conns {
		conn.Close()
	}
}

// join lets connections through again.
func (p *proxy) join() {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.isCut = false
}

func (p *proxy) accept() {
	for {
		from, err := p.ln.Accept()
		if err != nil {
			return
		}
		to, err := net.Dial("tcp", p.target)
		if err != nil {
			from.Close()
			continue
		}
		p.group.Go(func() { p.carry(from, to) })
	}
}

// carry copies both ways until one ends, which ends the other.
func (p *proxy) carry(from, to net.Conn) {
	both := func() {
		from.Close()
		to.Close()
	}
	defer both()
	if !p.keep(from, to) {
		return
	}
	defer p.forget(from, to)
	var back sync.WaitGroup
	back.Go(func() {
		defer both()
		_, _ = io.Copy(from, to) // until either end is cut
	})
	_, _ = io.Copy(to, from)
	both()
	back.Wait()
}

// keep notes a connection; false when there should be none.
func (p *proxy) keep(conns ...net.Conn) bool {
	p.mu.Lock()
	defer p.mu.Unlock()
	for _, conn := range conns {
		if !p.isCut {
			p.conns[conn] = true
		}
	}
	return !p.isCut
}

func (p *proxy) forget(conns ...net.Conn) {
	p.mu.Lock()
	defer p.mu.Unlock()
	for _, conn := range conns {
		delete(p.conns, conn)
	}
}
