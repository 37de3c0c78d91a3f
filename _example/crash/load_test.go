package crash

import (
	"fmt"
	"sync"
	"sync/atomic"

	"fiberchat.example/fiberchat/chattest"
)

// load is one period in which pairs work as fast as they can.
type load struct {
	addr string
	// leave makes the receivers leave every seventh message unconfirmed.
	leave bool
	// drain makes the senders send nothing but what is open, and both sides
	// return when nothing is left to do.
	drain bool

	accepted atomic.Int64
	failed   atomic.Int64
	mark     int64         // of accepted messages, or of failures,
	failures bool          // if this is set,
	reached  chan struct{} // closes this

	group sync.WaitGroup
	errs  chan error

	mu      sync.Mutex
	clients []*chattest.Conn
}

// window is how many messages a sender has open at once.
const window = 8

func newLoad(addr string, mark int64) *load {
	return &load{addr: addr, mark: mark, reached: make(chan struct{})}
}

// start lets the pairs work. stop or join waits for them.
func (l *load) start(pairs []*pair) {
	l.errs = make(chan error, 2*len(pairs))
	for _, p := range pairs {
		for _, role := range []func(*load) error{p.runSender, p.runReceiver} {
			l.group.Go(func() {
				if err := role(l); err != nil {
					l.errs <- fmt.Errorf("%s to %s: %w", p.from.Name, p.to.Name, err)
				}
			})
		}
	}
}

// join waits until every pair is done and returns the first error.
func (l *load) join() error {
	l.group.Wait()
	close(l.errs)
	return <-l.errs
}

// cut ends the period: every client loses its connection.
func (l *load) cut() {
	l.mu.Lock()
	defer l.mu.Unlock()
	for _, c := range l.clients {
		c.Cut()
	}
}

func (l *load) opened(c *chattest.Conn) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.clients = append(l.clients, c)
}

func (l *load) count(n *atomic.Int64) {
	if n.Add(1) == l.mark && l.failures == (n == &l.failed) {
		close(l.reached)
	}
}
