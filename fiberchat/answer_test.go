package fiberchat

import (
	"fmt"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"fiberchat.example/fiberchat/chat"
	"fiberchat.example/fiberchat/storetest"
)

// recordedConn is a pipe that takes every frame at once, and notes it in a
// record that all of them share.
type recordedConn struct {
	*pipe
	record *frameRecord
}

type frameRecord struct {
	mu     sync.Mutex
	frames []string
}

func (c *recordedConn) TryWriteMessages(msgs [][]byte) bool {
	c.record.mu.Lock()
	defer c.record.mu.Unlock()
	for _, m := range msgs {
		c.record.frames = append(c.record.frames, string(m))
	}
	return true
}

func (c *recordedConn) WriteMessages(msgs [][]byte) error {
	c.TryWriteMessages(msgs)
	return nil
}

// index is where the only frame is that has all of these.
func (r *frameRecord) index(t *testing.T, parts ...string) (at int) {
	at = -1
	for i, f := range r.frames {
		for _, part := range parts {
			if !strings.Contains(f, part) {
				f = ""
				break
			}
		}
		if f == "" {
			continue
		}
		if at >= 0 {
			t.Errorf("%q came twice", parts)
		}
		at = i
	}
	if at < 0 {
		t.Fatalf("%q did not come", parts)
	}
	return at
}

// TestAnswerThenDeliver: step 2 leaves before step 3, whether the sender's
// reader commits the message or the committer does.
func TestAnswerThenDeliver(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		const pairs, rounds = 8, 40
		ch := openChat(t, storetest.NewMemory(), quiet())
		record := new(frameRecord)
		var senders []*recordedConn
		for id := int64(1); id <= 2*pairs; id++ {
			c := &recordedConn{newPipe(), record}
			user := chat.User{ID: id, Name: fmt.Sprint("u", id)}
			go ch.serve(c, chat.Identity{User: user}, "pipe", "", time.Now()) // Close waits for it
			destination := "/user/queue/send/status"
			if id%2 == 0 {
				destination = fmt.Sprintf("/user/%d/recive", id)
			} else {
				senders = append(senders, c)
			}
			c.in <- "CONNECT\naccept-version:1.2\n\n\x00SUBSCRIBE\nid:1\ndestination:" + destination + "\n\n\x00"
		}
		for round := range rounds {
			// Later than burst, so that each frame is written by who queues it.
			time.Sleep(time.Second)
			synctest.Wait()
			together := pairs
			if round%2 == 0 {
				together = 1 // a lone operation
			}
			for i, c := range senders[:together] {
				c.in <- fmt.Sprintf("SEND\ndestination:/socket/chat/send\n\n{\"msgID\":\"m%d-%d-\",\"reciverId\":%d,\"content\":\"x\"}\x00", i, round, 2*i+2)
			}
			synctest.Wait()
			for i := range together {
				msgID := fmt.Sprintf(`"m%d-%d-"`, i, round)
				status := record.index(t, "/user/queue/send/status", msgID)
				message := record.index(t, "/recive", msgID)
				if status > message {
					t.Errorf("step 2 of %s is frame %d, step 3 is frame %d", msgID, status, message)
				}
			}
		}
	})
}

// TestBeatsWhileTheReaderWaits: who has to wait for the rate is beaten to, and
// is not dropped for a silence of our making; Close ends the wait at once.
func TestBeatsWhileTheReaderWaits(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		cfg := pipeConfig(storetest.NewMemory(), quiet())
		cfg.Limits.SendRate = 0.001
		ch := openConfig(t, cfg)
		c := newPipe()
		go ch.serve(c, chat.Identity{User: chat.User{ID: 1, Name: "u1"}}, "pipe", "", time.Now()) // Close waits for it
		c.in <- "CONNECT\naccept-version:1.2\nheart-beat:10000,10000\n\n\x00SUBSCRIBE\nid:1\ndestination:/user/queue/send/status\n\n\x00"
		c.want(t, "CONNECTED")
		for i := range 2 {
			c.in <- fmt.Sprintf("SEND\ndestination:/socket/chat/send\n\n{\"msgID\":\"m%d\",\"reciverId\":2,\"content\":\"x\"}\x00", i)
		}
		c.want(t, `"m0"`)
		begun := time.Now()
		for range 20 {
			if c.want(t, "\n"); time.Since(begun) > 11*time.Second {
				t.Error("no beat for", time.Since(begun))
			}
			begun = time.Now()
		}
		if err := ch.closeWithin(10 * time.Second); err != nil || time.Since(begun) > 0 {
			t.Errorf("Close took %v: %v", time.Since(begun), err)
		}
	})
}
