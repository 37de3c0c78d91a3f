package stomp

import (
	"errors"
	"strings"
	"testing"
	"testing/synctest"
	"time"
)

func TestConnectTimeout(t *testing.T) {
	inBubble(t, func(t *testing.T) {
		begun := time.Now()
		c := start(t, newPipe(), testConfig(), &recorder{})
		// Beats and half a CONNECT buy no time: it is counted from the start.
		for _, chunk := range []string{"\n", "\n", "CONN", "ECT\naccept-version", ":1.2\n"} {
			time.Sleep(5900 * time.Millisecond)
			c.send(chunk)
			c.alive()
		}
		c.fails("connect-timeout", "", ClosePolicy)
		if took := time.Since(begun); took != 30*time.Second {
			t.Errorf("it took %v", took)
		}
	})
}

func TestConnectInTime(t *testing.T) {
	inBubble(t, func(t *testing.T) {
		c := start(t, newPipe(), testConfig(), &recorder{})
		time.Sleep(30*time.Second - 1)
		c.send(frame("CONNECT"))
		c.want("CONNECTED")
		time.Sleep(20 * time.Second)
		c.still()
	})
}

// The server beats a little early, counted from what it sent last.
func TestBeatsOut(t *testing.T) {
	inBubble(t, func(t *testing.T) {
		c := begin(t, testConfig(), &recorder{}, "heart-beat:0,12000\n")
		last := time.Now()
		for i := range 100 {
			if got := c.next(); got != "\n" {
				t.Fatalf("got %q, want a beat", got)
			}
			if idle := time.Since(last); idle < 9*time.Second || idle > 12*time.Second {
				t.Fatalf("a beat after %v", idle)
			}
			last = time.Now()
			if i%3 == 0 { // a frame serves as a beat
				time.Sleep(5 * time.Second)
				c.session.Receipt("r")
				c.want("RECEIPT")
				last = time.Now()
			}
			c.alive() // where the client declines beats, pongs are its life
		}
	})
}

func TestNoBeatsOutWhereDeclined(t *testing.T) {
	inBubble(t, func(t *testing.T) {
		c := begin(t, testConfig(), &recorder{}, "heart-beat:5000,0\n")
		for range 100 {
			time.Sleep(10 * time.Second)
			c.send("\n")
			c.still()
		}
	})
}

// A peer is dropped when it was silent for more than twice what was agreed.
func TestBeatsIn(t *testing.T) {
	t.Parallel()
	for name, life := range map[string]func(c *talk){
		"beats":          func(c *talk) { c.send("\n") },
		"CRLF beats":     func(c *talk) { c.send("\r\n") },
		"pings":          func(c *talk) { c.alive() },
		"half of frames": func(c *talk) { c.send("S") },
	} {
		t.Run(name, func(t *testing.T) {
			inBubble(t, func(t *testing.T) {
				c := begin(t, testConfig(), &recorder{}, "heart-beat:15000,0\n")
				if name == "half of frames" {
					c.send("SEND\na:")
				}
				for range 20 {
					time.Sleep(30 * time.Second) // exactly twice is not more
					life(c)
					synctest.Wait()
					c.still()
				}
				last := time.Now()
				c.fails("no-heart-beat", "", CloseProtocolError)
				if silent := time.Since(last); silent <= 30*time.Second || silent > 31*time.Second {
					t.Errorf("dropped after %v", silent)
				}
			})
		})
	}
}

// A client that beats and falls silent is pinged once after an interval and a
// half, and its pong is life.
func TestPingBeforeSilenceEnds(t *testing.T) {
	inBubble(t, func(t *testing.T) {
		c := begin(t, testConfig(), &recorder{}, "heart-beat:10000,0\n")
		for range 20 {
			fell := time.Now()
			<-c.pings
			if after := time.Since(fell); after != 15*time.Second {
				t.Fatalf("pinged after %v", after)
			}
			time.Sleep(4 * time.Second)
			c.alive()
			synctest.Wait()
			c.still()
		}
		<-c.pings
		c.fails("no-heart-beat", "", CloseProtocolError)
		if len(c.pings) != 0 {
			t.Error("pinged twice")
		}
	})
}

// While the session is at work for the client, the client is not silent.
func TestOnlyWaitingIsSilence(t *testing.T) {
	inBubble(t, func(t *testing.T) {
		const work = 10 * time.Minute
		c := begin(t, testConfig(), &recorder{onSend: func(*Frame) error { time.Sleep(work); return nil }}, "heart-beat:10000,0\n")
		c.send(frame("SEND", "destination:/a"))
		synctest.Wait()
		if got := time.Since(c.session.SilentSince()); got != 0 {
			t.Errorf("at work, but waiting for %v", got)
		}
		time.Sleep(work)
		c.still()
		time.Sleep(20 * time.Second)
		c.still()
		if got := time.Since(c.session.SilentSince()); got != 20*time.Second {
			t.Errorf("waiting for %v", got)
		}
		c.fails("no-heart-beat", "", CloseProtocolError)
	})
}

// Where the client declines to beat, pings find the half-open ones.
func TestPings(t *testing.T) {
	for name, headers := range map[string]string{"none": "", "0,0": "heart-beat:0,0\n", "outward only": "heart-beat:0,10000\n"} {
		t.Run(name, func(t *testing.T) {
			inBubble(t, func(t *testing.T) {
				c := begin(t, testConfig(), &recorder{}, headers)
				begun := time.Now()
				for i := range 10 {
					<-c.pings
					if at, want := time.Since(begun), time.Duration(i+1)*30*time.Second; at < want-time.Millisecond || at > want+time.Second {
						t.Fatalf("ping %d at %v", i, at)
					}
					c.alive() // the pong
				}
				last := time.Now()
				for {
					got := c.next()
					if got == "\n" {
						continue
					}
					if !strings.HasPrefix(got, "ERROR\nmessage:no-heart-beat\n") {
						t.Fatalf("got %q", got)
					}
					break
				}
				if silent := time.Since(last); silent < 60*time.Second || silent > 61*time.Second {
					t.Errorf("dropped after %v", silent)
				}
				c.over(CloseProtocolError, "no-heart-beat")
			})
		})
	}
}

// Pings find the half-open ones too where the client beats, but hardly ever.
func TestPingsBetweenRareBeats(t *testing.T) {
	inBubble(t, func(t *testing.T) {
		c := begin(t, testConfig(), &recorder{}, "heart-beat:86400000,0\n")
		begun := time.Now()
		for i := range 10 {
			<-c.pings
			if at, want := time.Since(begun), time.Duration(i+1)*30*time.Second; at < want-time.Millisecond || at > want+time.Second {
				t.Fatalf("ping %d at %v", i, at)
			}
			c.alive() // the pong
		}
		last := time.Now()
		c.fails("no-heart-beat", "", CloseProtocolError)
		if silent := time.Since(last); silent < 60*time.Second || silent > 61*time.Second {
			t.Errorf("dropped after %v", silent)
		}
	})
}

// Beats as often as pings would be go without them.
func TestNoPingsBetweenBeats(t *testing.T) {
	inBubble(t, func(t *testing.T) {
		c := begin(t, testConfig(), &recorder{}, "heart-beat:30000,0\n")
		for range 10 {
			time.Sleep(30 * time.Second)
			c.send("\n")
		}
		if n := len(c.pings); n > 0 {
			t.Errorf("%d pings", n)
		}
	})
}

// Where the transport cannot ping, rare beats are all there is.
func TestRareBeatsWithoutPings(t *testing.T) {
	inBubble(t, func(t *testing.T) {
		p := newPipe()
		p.canPing = false
		c := start(t, p, testConfig(), &recorder{})
		c.send(frame("CONNECT", "accept-version:1.2", "heart-beat:100000,0"))
		c.want("CONNECTED")
		for range 5 {
			time.Sleep(200 * time.Second) // exactly twice is not more
			c.send("\n")
			synctest.Wait()
			c.still()
		}
		last := time.Now()
		c.fails("no-heart-beat", "", CloseProtocolError)
		if silent := time.Since(last); silent > 201*time.Second {
			t.Errorf("dropped after %v", silent)
		}
	})
}

// While the writer is stuck no beat is due, and it finds none afterwards: the
// next is counted from what it wrote.
func TestNoBeatsBehindAStuckWriter(t *testing.T) {
	inBubble(t, func(t *testing.T) {
		p := newPipe()
		c := start(t, p, testConfig(), &recorder{})
		c.send(frame("CONNECT", "heart-beat:0,10000"))
		c.want("CONNECTED")
		synctest.Wait()
		c.stalled = make(chan struct{})
		c.session.Receipt("r")
		time.Sleep(25 * time.Second) // two beats would have been due
		writes := p.writes.Load()
		close(c.stalled)
		c.want("RECEIPT")
		synctest.Wait()
		if n := p.writes.Load(); n != writes {
			t.Errorf("%d writes of nothing", n-writes)
		}
		begun := time.Now()
		c.want("\n")
		if after := time.Since(begun); after > 9*time.Second {
			t.Errorf("a beat after %v", after)
		}
	})
}

// A transport that cannot ping finds silent peers by itself.
func TestTransportThatCannotPing(t *testing.T) {
	inBubble(t, func(t *testing.T) {
		p := newPipe()
		p.canPing = false
		c := start(t, p, testConfig(), &recorder{})
		c.send(frame("CONNECT", "heart-beat:0,10000"))
		c.want("CONNECTED")
		for range 100 {
			if got := c.next(); got != "\n" {
				t.Fatalf("got %q, want a beat", got)
			}
		}
	})
}

// A ping that cannot be written ends the session as any other write does.
func TestPingFails(t *testing.T) {
	inBubble(t, func(t *testing.T) {
		p := newPipe()
		p.pingErr = errors.New("broken pipe")
		begun := time.Now()
		c := start(t, p, testConfig(), &recorder{})
		c.send(frame("CONNECT"))
		c.want("CONNECTED")
		c.over(CloseInternal, "write failed")
		if took := time.Since(begun); took > 31*time.Second {
			t.Errorf("it took %v", took)
		}
	})
}

func TestWriteFails(t *testing.T) {
	inBubble(t, func(t *testing.T) {
		p := newPipe()
		p.writeErr = errors.New("no progress")
		c := start(t, p, testConfig(), &recorder{})
		c.send(frame("CONNECT"))
		c.over(CloseInternal, "write failed")
	})
}

// The client's queue is bounded in bytes, those that the writer holds
// included; at the bound nothing is lost, one over cuts the client.
func TestSlowConsumer(t *testing.T) {
	t.Parallel()
	receipt := len("RECEIPT\nreceipt-id:xxxx\n\n\x00")
	for name, over := range map[string]int{"at the bound": 0, "one over": 1} {
		t.Run(name, func(t *testing.T) {
			inBubble(t, func(t *testing.T) {
				cfg := testConfig()
				cfg.Queue = 40*receipt - over
				c := begin(t, cfg, &recorder{})
				synctest.Wait()
				c.stalled = make(chan struct{})
				for range 10 {
					c.session.Receipt("xxxx")
				}
				synctest.Wait() // the writer holds some of them
				for range 30 {
					c.session.Receipt("xxxx")
				}
				if got := c.session.Dropped(); got != (over > 0) {
					t.Fatalf("dropped: %v", got)
				}
				if over > 0 {
					c.over(ClosePolicy, "slow consumer")
					if c.session.WaitSpace(0) {
						t.Error("a dropped session has space")
					}
					return
				}
				synctest.Wait()
				c.still()
				close(c.stalled)
				for range 40 {
					if got := c.next(); len(got) != receipt {
						t.Fatalf("got %q", got)
					}
				}
				synctest.Wait()
				c.still()
			})
		})
	}
}

func TestWaitSpace(t *testing.T) {
	inBubble(t, func(t *testing.T) {
		cfg := testConfig()
		cfg.Queue = 40 * len("RECEIPT\nreceipt-id:xxxx\n\n\x00")
		c := begin(t, cfg, &recorder{})
		synctest.Wait()
		wait := func() chan bool {
			up := make(chan bool, 1)
			go func() { up <- c.session.WaitSpace(0) }() // ends with the session at the latest
			synctest.Wait()
			return up
		}
		c.stalled = make(chan struct{})
		for range 20 { // half
			c.session.Receipt("xxxx")
		}
		select {
		case up := <-wait():
			if !up {
				t.Fatal("a session that is up has none")
			}
		default:
			t.Fatal("half of the queue is free, but no space")
		}
		c.session.Receipt("xxxx")
		up := wait()
		select {
		case <-up:
			t.Fatal("more than half is in use, but there is space")
		default:
		}
		close(c.stalled)
		if !<-up {
			t.Fatal("the session is up")
		}
		c.stalled = nil

		// The end of the session ends the wait.
		synctest.Wait()
		c.stalled = make(chan struct{})
		for range 21 {
			c.session.Receipt("xxxx")
		}
		up, second := wait(), wait() // a replay and an answer, say
		c.session.Abort("over")
		if <-up || <-second {
			t.Error("the session is over")
		}
	})
}

// A client that is sent away is cut, however slowly it reads.
func TestExpel(t *testing.T) {
	for _, when := range []string{"before Run", "while it is up", "after goodbye", "before goodbye"} {
		t.Run(when, func(t *testing.T) {
			inBubble(t, func(t *testing.T) {
				p := newPipe()
				p.stalled = make(chan struct{})
				e := &Error{Token: "gone", Code: ClosePolicy}
				switch when {
				case "before Run":
					s := NewSession(p, testConfig(), User{1, "a"}, &recorder{})
					s.Expel(e)
					go func() { defer close(p.ran); s.Run() }()
				default:
					c := start(t, p, testConfig(), &recorder{})
					c.send(frame("CONNECT"))
					synctest.Wait()
					goodbye := func() { c.send(frame("DISCONNECT")); synctest.Wait() }
					if when == "after goodbye" {
						goodbye()
					}
					c.session.Expel(e)
					c.session.Expel(e)
					if when == "before goodbye" {
						goodbye()
					}
				}
				from := time.Now()
				<-p.closed
				if took := time.Since(from); took != time.Second || when != "after goodbye" && (p.code != ClosePolicy || p.reason != "gone") {
					t.Errorf("closed after %v with %d %s", took, p.code, p.reason)
				}
				<-p.ran
			})
		})
	}
}
