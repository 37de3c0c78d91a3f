package stomp

import (
	"fmt"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"
)

// quick is a pipe that takes messages at once, when it takes them.
type quick struct {
	*pipe
	takes func() bool
	took  atomic.Int64
}

func (q *quick) TryWriteMessages(msgs [][]byte) bool {
	q.wrote()
	select {
	case <-q.closed:
		return false
	default:
	}
	if !q.takes() {
		return false
	}
	q.took.Add(1)
	for _, m := range msgs {
		q.out <- string(m)
	}
	return true
}

// WriteMessages is slow, so that what is written beside it would overtake.
func (q *quick) WriteMessages(msgs [][]byte) error {
	time.Sleep(10 * time.Microsecond)
	return q.pipe.WriteMessages(msgs)
}

// What is written at once and what goes through the writer are one stream.
func TestWriteNow(t *testing.T) {
	t.Parallel()
	for name, takes := range map[string]func(i int64) bool{
		"always":       func(int64) bool { return true },
		"never":        func(int64) bool { return false },
		"now and then": func(i int64) bool { return i%3 == 0 },
	} {
		t.Run(name, func(t *testing.T) {
			inBubble(t, func(t *testing.T) {
				var calls atomic.Int64
				q := &quick{pipe: newPipe(), takes: func() bool { return takes(calls.Add(1)) }}
				cfg := testConfig()
				cfg.Queue = 1 << 30
				c := startOver(t, q, q.pipe, cfg, &recorder{})
				c.send(frame("CONNECT", "accept-version:1.2") + frame("SUBSCRIBE", "id:0", "destination:/a", "receipt:s"))
				c.want("CONNECTED", "RECEIPT\nreceipt-id:s\n")
				var senders sync.WaitGroup
				const each, many = 300, 4
				for range many {
					senders.Go(func() {
						for n := range each {
							if n%7 == 0 {
								time.Sleep(time.Millisecond) // the writer comes to rest
							}
							c.session.Message(c.handler.subs[0], 0, []byte("{}"))
						}
					})
				}
				for i := range each * many {
					if got := c.next(); !strings.Contains(got, fmt.Sprintf("\nmessage-id:%d\n", i+1)) {
						t.Fatalf("got %q as number %d", got, i+1)
					}
				}
				senders.Wait()
				if (q.took.Load() == 0) != (name == "never") {
					t.Errorf("%d frames were taken at once", q.took.Load())
				}
				time.Sleep(50 * time.Second) // pings, and none of them hurts
				c.still()
				c.session.Fail(NotAllowed("enough"))
				c.fails("not-allowed", "", ClosePolicy)
			})
		})
	}
}
