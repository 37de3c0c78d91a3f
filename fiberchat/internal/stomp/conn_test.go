package stomp

import (
	"errors"
	"fmt"
	"io"
	"net"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"
)

// pipe is a Conn without a socket. Its client end is the test's.
type pipe struct {
	in      chan string // what the client sends; closed when it leaves
	rest    string      // the reader's own
	out     chan string // frames written
	stalled chan struct{}
	alive   func()

	canPing  bool
	pingErr  error
	writeErr error
	pings    chan struct{}

	once   sync.Once
	closed chan struct{}
	code   int
	reason string

	unread atomic.Bool
	writes atomic.Int64 // calls of WriteMessages

	ran  chan struct{} // closed when Run has returned
	late atomic.Int64  // writes after that
}

func newPipe() *pipe {
	return &pipe{
		in: make(chan string), out: make(chan string, 4096), closed: make(chan struct{}),
		pings: make(chan struct{}, 4096), canPing: true, ran: make(chan struct{}),
	}
}

func (p *pipe) Watch(alive func()) { p.alive = alive }

func (p *pipe) Read(b []byte) (int, error) {
	if p.rest == "" {
		select {
		case chunk, ok := <-p.in:
			if !ok {
				return 0, io.EOF
			}
			p.rest = chunk
		case <-p.closed:
			return 0, net.ErrClosed
		}
	}
	n := copy(b, p.rest)
	p.rest = p.rest[n:]
	return n, nil
}

func (p *pipe) WriteMessages(msgs [][]byte) error {
	p.wrote()
	p.writes.Add(1)
	if p.writeErr != nil {
		return p.writeErr
	}
	if p.stalled != nil {
		select {
		case <-p.stalled:
		case <-p.closed:
		}
	}
	for _, m := range msgs {
		select {
		case <-p.closed:
			return net.ErrClosed
		default:
			p.out <- string(m)
		}
	}
	return nil
}

func (p *pipe) TryWriteMessages([][]byte) bool { return false }

func (p *pipe) Unread() bool { return p.unread.Load() }

func (p *pipe) Ping() (bool, error) {
	p.wrote()
	if p.canPing {
		p.pings <- struct{}{}
	}
	return p.canPing, p.pingErr
}

func (p *pipe) wrote() {
	select {
	case <-p.ran:
		p.late.Add(1)
	default:
	}
}

func (p *pipe) Close(code int, reason string) error {
	p.once.Do(func() {
		p.code, p.reason = code, reason
		close(p.closed)
	})
	return nil
}

// talk is a session that runs, seen from its client.
type talk struct {
	*pipe
	t       *testing.T
	session *Session
	handler *recorder
}

// recorder is a Handler that notes what it is called for.
type recorder struct {
	session *Session
	mu      sync.Mutex
	calls   []string
	subs    []*Subscription

	onSend       func(f *Frame) error // after noting; nil gives the receipt
	onSubscribe  func(sub *Subscription) error
	onDisconnect func()
}

func (r *recorder) note(call string) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.calls = append(r.calls, call)
}

func (r *recorder) noted() []string {
	r.mu.Lock()
	defer r.mu.Unlock()
	return slices.Clone(r.calls)
}

func (r *recorder) OnSend(f *Frame) error {
	r.note("send " + string(f.Destination()) + " " + string(f.Body))
	if r.onSend != nil {
		return r.onSend(f)
	}
	r.session.Receipt(f.Receipt())
	return nil
}

func (r *recorder) OnSubscribe(sub *Subscription) error {
	r.note("subscribe " + sub.ID + " " + sub.Destination)
	if r.onSubscribe != nil {
		return r.onSubscribe(sub)
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	r.subs = append(r.subs, sub)
	return nil
}

func (r *recorder) OnAck(sub *Subscription, id int64, receipt string) {
	r.note(fmt.Sprint("ack ", sub.ID, " ", id))
	r.session.Receipt(receipt)
}

func (r *recorder) OnUnsubscribe(sub *Subscription) { r.note("unsubscribe " + sub.ID) }

func (r *recorder) OnDisconnect() {
	r.note("disconnect")
	if r.onDisconnect != nil {
		r.onDisconnect()
	}
}

func testConfig() *Config {
	return &Config{
		Limits: defaults, Subscriptions: 32, Queue: 512 << 10,
		HeartBeat: 10 * time.Second, PingInterval: 30 * time.Second, ConnectTimeout: 30 * time.Second,
		Server: "fiberchat",
	}
}

// start runs a session; the test's end waits for it.
func start(t *testing.T, p *pipe, cfg *Config, r *recorder) *talk {
	t.Helper()
	return startOver(t, p, p, cfg, r)
}

// startOver is start over a Conn that is more than its pipe.
func startOver(t *testing.T, conn Conn, p *pipe, cfg *Config, r *recorder) *talk {
	t.Helper()
	s := NewSession(conn, cfg, User{1, "wususu"}, r)
	r.session = s
	c := &talk{pipe: p, t: t, session: s, handler: r}
	go func() { // joined by over or by the cleanup
		defer close(p.ran)
		defer func() { _ = recover() }() // as the door's goroutine does
		s.Run()
	}()
	t.Cleanup(func() {
		s.Abort("the test is over")
		<-p.ran
		if n := p.late.Load(); n != 0 {
			t.Errorf("%d writes after Run returned", n)
		}
	})
	return c
}

// begin starts a session in version 1.2 and connects it.
func begin(t *testing.T, cfg *Config, r *recorder, headers ...string) *talk {
	t.Helper()
	c := start(t, newPipe(), cfg, r)
	c.send("CONNECT\naccept-version:1.2\n" + strings.Join(headers, "") + "\n\x00")
	if got := c.next(); !strings.HasPrefix(got, "CONNECTED\nversion:1.2\n") {
		t.Fatalf("got %q", got)
	}
	return c
}

func (c *talk) send(chunk string) {
	c.t.Helper()
	select {
	case c.in <- chunk:
	case <-c.closed:
		c.t.Fatalf("closed with %d %s before it could be sent %q", c.code, c.reason, chunk)
	}
}

// next returns the next frame, "" when the connection was closed instead.
func (c *talk) next() string {
	c.t.Helper()
	select {
	case m := <-c.out:
		return m
	default:
	}
	select {
	case m := <-c.out:
		return m
	case <-c.closed:
		select {
		case m := <-c.out:
			return m
		default:
			return ""
		}
	case <-time.After(time.Hour): // of synctest's clock; else go test's own time-out is earlier
		c.t.Fatal("nothing came")
		return ""
	}
}

// want expects these frames, by how they begin, in this order.
func (c *talk) want(starts ...string) {
	c.t.Helper()
	for _, start := range starts {
		if got := c.next(); !strings.HasPrefix(got, start) {
			c.t.Fatalf("got %q, want %q", got, start)
		}
	}
}

// over expects the session to end with this code, and nothing before it.
func (c *talk) over(code int, reason string) {
	c.t.Helper()
	if got := c.next(); got != "" {
		c.t.Fatalf("got %q, want a close", got)
	}
	if c.code != code || c.reason != reason {
		c.t.Errorf("closed with %d %q, want %d %q", c.code, c.reason, code, reason)
	}
	<-c.ran
}

// fails expects an ERROR with this token and receipt, then the close.
func (c *talk) fails(token, receipt string, code int) {
	c.t.Helper()
	got := c.next()
	if !strings.HasPrefix(got, "ERROR\nmessage:"+token+"\n") {
		c.t.Fatalf("got %q, want ERROR %s", got, token)
	}
	head, _, _ := strings.Cut(got, "\n\n")
	if has := strings.Contains(head+"\n", "\nreceipt-id:"+receipt+"\n"); has != (receipt != "") {
		c.t.Errorf("got %q, want receipt-id %q", got, receipt)
	}
	checkOutbound(c.t, []byte(got), V12)
	c.over(code, token)
}

// still expects that nothing has come and the session is up.
func (c *talk) still() {
	c.t.Helper()
	select {
	case m := <-c.out:
		c.t.Fatalf("got %q, want nothing", m)
	case <-c.closed:
		c.t.Fatalf("closed with %d %s", c.code, c.reason)
	default:
	}
}

var errOfHandler = errors.New("pq: password in the clear")

func frame(lines ...string) string {
	return strings.Join(lines, "\n") + "\n\n\x00"
}
