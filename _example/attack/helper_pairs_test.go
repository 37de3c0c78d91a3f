package attack

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strconv"
	"sync"
	"testing"
	"time"

	"fiberchat.example/_example/rig"
	"fiberchat.example/fiberchat/chattest"
)

const (
	pairs    = 10
	every    = 200 * time.Millisecond // a pair's message
	patience = 90 * time.Second       // for what must come
)

// doors are those of the pairs, in turn.
var doors = []string{"", "websocket", "xhr-streaming"}

// pair is one who writes and one who reads, in sessions that last.
type pair struct {
	writer, reader *chattest.Conn
	readerID       int64

	mu        sync.Mutex
	due       []time.Time     // when each message was to be sent; the index is its msgID
	took      []time.Duration // from then to step 3
	answered  int             // step 2
	confirmed int             // step 5
	err       error           // what must not be
	readers   sync.WaitGroup
}

// newPair lets two people connect, until the test ends.
func newPair(t *testing.T, server *rig.Process, n int) *pair {
	t.Helper()
	writer, reader := server.SignUp(t, fmt.Sprint("writer", n)), server.SignUp(t, fmt.Sprint("reader", n))
	p := &pair{readerID: reader.ID}
	open := func(who rig.Account, take func(chattest.Frame) error, destinations ...string) *chattest.Conn {
		conn, err := chattest.Open(t.Context(), server.Addr, who.Token, chattest.SockJS(doors[n%len(doors)]))
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(conn.Cut)
		if err := conn.Connect(append(destinations, chattest.Failures)...); err != nil {
			t.Fatal(err)
		}
		// The receipt shows that all subscriptions stand.
		if err := conn.Init("ready"); err != nil {
			t.Fatal(err)
		}
		if _, err := conn.Until(func(f chattest.Frame) bool { return f.Receipt() == "ready" }); err != nil {
			t.Fatal(err)
		}
		p.readers.Go(func() { // ends with the connection, which close cuts
			for {
				f, err := conn.Read()
				if err == nil {
					err = take(f)
				}
				if err != nil {
					p.fail(err)
					return
				}
			}
		})
		return conn
	}
	p.reader = open(reader, p.atReader, chattest.Inbox(reader.ID), chattest.ReceiveStatus)
	p.writer = open(writer, p.atWriter, chattest.SendStatus, chattest.Inbox(writer.ID))
	t.Cleanup(func() {
		p.writer.Cut()
		p.reader.Cut()
		p.readers.Wait()
	})
	return p
}

func (p *pair) fail(err error) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.err == nil {
		p.err = err
	}
}

// succeeded reads a status, which must be of the n-th message.
func succeeded(f chattest.Frame, n int) error {
	s, err := f.Status()
	if err == nil && (f.On(chattest.Failures) || s.Code != 200 || s.MsgID != strconv.Itoa(n)) {
		err = fmt.Errorf("want an answer to message %d, got %v", n, f)
	}
	return err
}

func (p *pair) atWriter(f chattest.Frame) error {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.answered++
	return succeeded(f, p.answered-1)
}

func (p *pair) atReader(f chattest.Frame) error {
	p.mu.Lock()
	defer p.mu.Unlock()
	if !f.IsMessage() {
		p.confirmed++
		return succeeded(f, p.confirmed-1)
	}
	m, err := f.Message()
	if err != nil {
		return err
	}
	n := len(p.took)
	if m.ChatID != strconv.Itoa(n) || n >= len(p.due) {
		return fmt.Errorf("want message %d, got %v", n, f)
	}
	p.took = append(p.took, time.Since(p.due[n]))
	return p.reader.Confirm(m.ChatID, m.ID)
}

// talk sends a message every now and then, until ctx ends. What waits for the
// server is late from when it was due.
func (p *pair) talk(ctx context.Context, begin time.Time) {
	for due := begin; ; due = due.Add(every) {
		select {
		case <-time.After(time.Until(due)):
		case <-ctx.Done():
			return
		}
		p.mu.Lock()
		p.due = append(p.due, due)
		n := len(p.due) - 1
		p.mu.Unlock()
		if err := p.writer.Send(strconv.Itoa(n), p.readerID, "起来聊天"); err != nil {
			p.fail(err)
			return
		}
	}
}

// settled reports whether all five steps of all messages are done.
func (p *pair) settled() bool {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.err != nil || min(p.answered, len(p.took), p.confirmed) == len(p.due)
}

// innocents are all pairs.
type innocents []*pair

func signUpInnocents(t *testing.T, server *rig.Process) (all innocents) {
	t.Helper()
	for n := range pairs {
		all = append(all, newPair(t, server, n))
	}
	return all
}

// talk lets them all talk until ctx ends, and every message of theirs is
// confirmed.
func (all innocents) talk(ctx context.Context) {
	var group sync.WaitGroup
	begin := time.Now()
	for i, p := range all {
		group.Go(func() { p.talk(ctx, begin.Add(every*time.Duration(i)/pairs)) })
	}
	group.Wait()
}

// settle waits until every message has arrived and is confirmed.
func (all innocents) settle(t *testing.T) {
	t.Helper()
	rig.Until(t, "all messages have come and are confirmed", func() bool {
		return !slices.ContainsFunc(all, func(p *pair) bool { return !p.settled() })
	})
	var err error
	for _, p := range all {
		p.mu.Lock()
		err = errors.Join(err, p.err)
		p.mu.Unlock()
	}
	if err != nil {
		t.Fatal("an innocent:", err)
	}
}

// quantiles are those of the messages that were due between two times.
func (all innocents) quantiles(from, to time.Time) (q quantiles) {
	var took []time.Duration
	for _, p := range all {
		p.mu.Lock()
		for i, due := range p.due {
			if !due.Before(from) && due.Before(to) {
				took = append(took, p.took[i])
			}
		}
		p.mu.Unlock()
	}
	if len(took) == 0 {
		return q
	}
	slices.Sort(took)
	return quantiles{len(took), took[len(took)/2], took[len(took)*99/100]}
}

// quantiles are of how long messages took.
type quantiles struct {
	n        int
	p50, p99 time.Duration
}

func (q quantiles) String() string {
	ms := func(d time.Duration) float64 { return float64(d) / float64(time.Millisecond) }
	return fmt.Sprintf("%.1f / %.0f ms", ms(q.p50), ms(q.p99))
}
