package stomp

import (
	"fmt"
	"runtime"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"
)

// inBubble runs a test by synctest's clock, on which waiting takes no time
// and in which nothing may be left behind.
func inBubble(t *testing.T, f func(t *testing.T)) {
	t.Parallel()
	synctest.Test(t, f)
}

func TestConnect(t *testing.T) {
	t.Parallel()
	for in, want := range map[string]string{
		frame("CONNECT"):                                            "version:1.0\nheart-beat:0,0\n",
		frame("STOMP", "accept-version:1.1,1.0"):                    "version:1.1\nheart-beat:0,0\n",
		frame("CONNECT", "accept-version:1.0,1.1,1.2", "receipt:1"): "version:1.2\nheart-beat:0,0\n",
		frame("CONNECT", "accept-version:1.2", "heart-beat:0,0"):    "version:1.2\nheart-beat:0,0\n",
		frame("CONNECT", "accept-version:1.2", "heart-beat:5,0"):    "version:1.2\nheart-beat:0,10000\n",
		frame("CONNECT", "accept-version:1.2", "heart-beat:0,5"):    "version:1.2\nheart-beat:10000,0\n",
		frame("CONNECT", "heart-beat:20000,30000", "host:a\\tb"):    "version:1.0\nheart-beat:30000,20000\n",
		"\n\r\n" + frame("CONNECT\r", "login:\r"):                   "version:1.0\nheart-beat:0,0\n",
	} {
		t.Run(in, func(t *testing.T) {
			inBubble(t, func(t *testing.T) {
				c := start(t, newPipe(), testConfig(), &recorder{})
				c.send(in)
				got := c.next()
				checkOutbound(t, []byte(got), V12)
				head, ok := strings.CutPrefix(got, "CONNECTED\n"+want+"session:")
				id, rest, _ := strings.Cut(head, "\n")
				if !ok || id == "" || rest != "server:fiberchat\nuser-name:wususu\nuser-id:1\nmax-content:0\n\n\x00" {
					t.Errorf("got %q", got)
				}
				synctest.Wait()
				c.still() // no RECEIPT
			})
		})
	}
}

// Each of these ends the session with ERROR and a close.
func TestFaults(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct {
		name, in, token, receipt string
		code                     int
		raw                      bool // not after a CONNECT
	}{
		{"SEND first", frame("SEND", "destination:/a", "receipt:r"), "bad-frame", "r", 1002, true},
		{"DISCONNECT first", frame("DISCONNECT", "receipt:r"), "bad-frame", "r", 1002, true},
		{"no version in common", frame("CONNECT", "accept-version:2.0", "receipt:r"), "version-not-supported", "r", 1002, true},
		{"heart-beat malformed", frame("CONNECT", "heart-beat:a,b"), "bad-frame", "", 1002, true},
		{"HTTP first", "GET / HTTP/1.1\r\n\r\n", "unknown-command", "", 1002, true},
		{"a second CONNECT", frame("CONNECT", "accept-version:1.2", "receipt:r"), "bad-frame", "r", 1002, false},
		{"a second STOMP", frame("STOMP"), "bad-frame", "", 1002, false},
		{"SEND without destination", frame("SEND", "receipt:r"), "bad-frame", "r", 1002, false},
		{"SUBSCRIBE without destination", frame("SUBSCRIBE", "id:1", "receipt:r"), "bad-frame", "r", 1002, false},
		{"SUBSCRIBE with an empty destination", frame("SUBSCRIBE", "id:1", "destination:"), "bad-frame", "", 1002, false},
		{"ack unknown", frame("SUBSCRIBE", "id:1", "destination:/a", "ack:all"), "bad-frame", "", 1002, false},
		{"ack empty", frame("SUBSCRIBE", "id:1", "destination:/a", "ack:"), "bad-frame", "", 1002, false},
		{"id in use", frame("SUBSCRIBE", "id:1", "destination:/a") + frame("SUBSCRIBE", "id:1", "destination:/b", "receipt:r"), "bad-frame", "r", 1002, false},
		{"id in use, by a destination", frame("SUBSCRIBE", "destination:/a") + frame("SUBSCRIBE", "id:/a", "destination:/b"), "bad-frame", "", 1002, false},
		{"BEGIN", frame("BEGIN", "transaction:t", "receipt:r"), "transactions-unsupported", "r", 1002, false},
		{"COMMIT", frame("COMMIT", "transaction:t"), "transactions-unsupported", "", 1002, false},
		{"ABORT without its header", frame("ABORT"), "transactions-unsupported", "", 1002, false},
		{"SEND in a transaction", frame("SEND", "destination:/a", "transaction:t", "receipt:r"), "transactions-unsupported", "r", 1002, false},
		{"DISCONNECT in a transaction", frame("DISCONNECT", "transaction:t", "receipt:r"), "transactions-unsupported", "r", 1002, false},
		{"ACK in a transaction", frame("ACK", "id:1", "transaction:t"), "transactions-unsupported", "", 1002, false},
		{"unknown command", "JUMP\nreceipt:r\n\n\x00", "unknown-command", "", 1002, false},
		{"server's command", frame("MESSAGE", "receipt:r"), "unknown-command", "", 1002, false},
		{"a body on UNSUBSCRIBE", "UNSUBSCRIBE\nid:1\nreceipt:r\n\nx\x00", "bad-frame", "r", 1002, false},
		{"a frame too large", "SEND\nreceipt:r\ndestination:/a\ncontent-length:65536\n\n", "frame-too-large", "r", 1009, false},
		{"UNSUBSCRIBE without an id", frame("UNSUBSCRIBE", "destination:/a", "receipt:r"), "bad-frame", "r", 1002, false},
		{"UNSUBSCRIBE with an empty id", frame("UNSUBSCRIBE", "id:", "receipt:r"), "bad-frame", "r", 1002, false},
		{"a CR in a value", "SUBSCRIBE\nid:1\ndestination:/a\nh:a\rb\nreceipt:r\n\n\x00", "bad-frame", "r", 1002, false},
		{"a CR in a name", "SUBSCRIBE\nid:1\ndestination:/a\nh\ra:b\nreceipt:r\n\n\x00", "bad-frame", "r", 1002, false},
		{"undefined escape", "SEND\nreceipt:r\ndestination:/\\t\n\n\x00", "bad-frame", "r", 1002, false},
		{"escaped receipt", "SEND\nreceipt:\\c\\n\\\\\\r\n\n\x00", "bad-frame", `\c\n\\\r`, 1002, false},
		{"invalid UTF-8 in a header", "SEND\nreceipt:r\ndestination:/\xFF\n\n\x00", "bad-frame", "r", 1002, false},
	} {
		t.Run(tt.name, func(t *testing.T) {
			inBubble(t, func(t *testing.T) {
				var c *talk
				if tt.raw {
					c = start(t, newPipe(), testConfig(), &recorder{})
				} else {
					c = begin(t, testConfig(), &recorder{})
				}
				c.send(tt.in)
				c.fails(tt.token, tt.receipt, tt.code)
			})
		})
	}
}

func TestReceipts(t *testing.T) {
	inBubble(t, func(t *testing.T) {
		c := begin(t, testConfig(), &recorder{})
		c.send(frame("SUBSCRIBE", "id:1", "destination:/a", "receipt:1", "ack:client-individual") +
			frame("SEND", "destination:/a", "receipt:2") +
			frame("ACK", "id:1", "receipt:3") + frame("NACK", "id:1", "receipt:4") +
			frame("UNSUBSCRIBE", "id:nobody", "receipt:5") + frame("UNSUBSCRIBE", "id:1", "receipt:6") +
			frame("SEND", "destination:/a") + frame("DISCONNECT", `receipt:7\c\\`))
		for _, id := range []string{"1", "2", "3", "4", "5", "6", `7\c\\`} {
			c.want("RECEIPT\nreceipt-id:" + id + "\n\n\x00")
		}
		c.over(CloseNormal, "")
		want := []string{"subscribe 1 /a", "send /a ", "unsubscribe 1", "send /a ", "disconnect"}
		if got := c.handler.noted(); !slices.Equal(got, want) {
			t.Errorf("got %q, want %q", got, want)
		}
	})
}

func TestDisconnectWithoutReceipt(t *testing.T) {
	inBubble(t, func(t *testing.T) {
		c := begin(t, testConfig(), &recorder{})
		c.send(frame("DISCONNECT") + frame("SEND", "destination:/late"))
		c.over(CloseNormal, "")
		if got := c.handler.noted(); !slices.Equal(got, []string{"disconnect"}) {
			t.Errorf("got %q", got)
		}
	})
}

// DISCONNECT is answered after what came before it.
func TestDisconnectWaits(t *testing.T) {
	inBubble(t, func(t *testing.T) {
		carriedOut := make(chan struct{})
		r := &recorder{onDisconnect: func() { <-carriedOut }}
		r.onSend = func(f *Frame) error {
			receipt := f.Receipt()
			go func() { // ends by itself
				time.Sleep(time.Minute) // of the bubble's clock
				r.session.Receipt(receipt)
				close(carriedOut)
			}()
			return nil
		}
		c := begin(t, testConfig(), r)
		c.send(frame("SEND", "destination:/a", "receipt:first") + frame("DISCONNECT", "receipt:last"))
		synctest.Wait()
		c.still()
		c.want("RECEIPT\nreceipt-id:first\n", "RECEIPT\nreceipt-id:last\n")
		c.over(CloseNormal, "")
	})
}

// Frames are served in order whatever the transport's messages are, also those
// sent before CONNECTED came back.
func TestFramesAcrossMessages(t *testing.T) {
	inBubble(t, func(t *testing.T) {
		all := frame("CONNECT", "accept-version:1.2") + frame("SUBSCRIBE", "id:1", "destination:/起来") +
			"\n\r\nSEND\ndestination:/b\ncontent-length:5\n\n\x00起\x00\x00" + frame("SEND", "destination:/c", "receipt:end")
		want := []string{"subscribe 1 /起来", "send /b \x00起\x00", "send /c "}
		for cut := range len(all) {
			c := start(t, newPipe(), testConfig(), &recorder{})
			if cut > 0 {
				c.send(all[:cut])
			}
			c.send(all[cut:])
			c.want("CONNECTED\nversion:1.2\n", "RECEIPT\nreceipt-id:end\n")
			if got := c.handler.noted(); !slices.Equal(got, want) {
				t.Errorf("cut at %d: got %q", cut, got)
			}
		}
	})
}

func TestSubscriptions(t *testing.T) {
	inBubble(t, func(t *testing.T) {
		c := begin(t, testConfig(), &recorder{})
		c.send(frame("SUBSCRIBE", "destination:/user/a/recive") + // its destination is its id
			frame("SUBSCRIBE", "id:a\\cb", "destination:/user/1/recive") +
			frame("SUBSCRIBE", "id:", "destination:/e", "receipt:r"))
		c.want("RECEIPT")
		for _, sub := range c.handler.subs {
			c.session.Message(sub, 0, []byte(`{}`))
		}
		for i, want := range []string{"/user/a/recive\ndestination:/user/a/recive", `a\cb` + "\ndestination:/user/1/recive", "/e\ndestination:/e"} {
			got := c.next()
			checkOutbound(t, []byte(got), V12)
			want = fmt.Sprintf("MESSAGE\nsubscription:%s\ncontent-type:application/json\nmessage-id:%d\ncontent-length:2\n\n{}\x00", want, i+1)
			if got != want {
				t.Errorf("got %q, want %q", got, want)
			}
		}
		// An id is free again after UNSUBSCRIBE.
		c.send(frame("UNSUBSCRIBE", "id:/user/a/recive") + frame("UNSUBSCRIBE", "id:a\\cb") +
			frame("SUBSCRIBE", "id:a\\cb", "destination:/a", "receipt:s"))
		c.want("RECEIPT\nreceipt-id:s\n")
		want := []string{"subscribe /user/a/recive /user/a/recive", "subscribe a:b /user/1/recive", "subscribe /e /e",
			"unsubscribe /user/a/recive", "unsubscribe a:b", "subscribe a:b /a"}
		if got := c.handler.noted(); !slices.Equal(got, want) {
			t.Errorf("got %q, want %q", got, want)
		}
	})
}

func TestTooManySubscriptions(t *testing.T) {
	inBubble(t, func(t *testing.T) {
		c := begin(t, testConfig(), &recorder{})
		for i := range 32 {
			c.send(frame("SUBSCRIBE", fmt.Sprintf("id:%d", i), "destination:/a"))
		}
		c.send(frame("UNSUBSCRIBE", "id:5") + frame("SUBSCRIBE", "id:again", "destination:/a", "receipt:fits"))
		c.want("RECEIPT\nreceipt-id:fits\n")
		c.send(frame("SUBSCRIBE", "id:one-more", "destination:/a", "receipt:r"))
		c.fails("too-many-subscriptions", "r", ClosePolicy)
	})
}

// What a handler returns reaches the client only when it was meant to.
func TestHandlerErrors(t *testing.T) {
	t.Parallel()
	for name, tt := range map[string]struct {
		err   error
		token string
		code  int
	}{
		"for the client":   {NotAllowed("this is not yours"), "not-allowed", ClosePolicy},
		"of the server":    {errOfHandler, "internal-error", CloseInternal},
		"with broken text": {&Error{Token: "bad-frame", Text: "\xFF", Code: 1002}, "internal-error", CloseInternal},
	} {
		t.Run(name, func(t *testing.T) {
			inBubble(t, func(t *testing.T) {
				c := begin(t, testConfig(), &recorder{onSend: func(*Frame) error { return tt.err }})
				c.send(frame("SEND", "destination:/a", "receipt:r"))
				c.fails(tt.token, "r", tt.code)
			})
			t.Run("in subscribe", func(t *testing.T) {
				inBubble(t, func(t *testing.T) {
					c := begin(t, testConfig(), &recorder{onSubscribe: func(*Subscription) error { return tt.err }})
					c.send(frame("SUBSCRIBE", "destination:/a", "receipt:r"))
					c.fails(tt.token, "r", tt.code)
				})
			})
		})
	}
}

// More counts what the decoder holds and what the connection has.
func TestMore(t *testing.T) {
	inBubble(t, func(t *testing.T) {
		more := make(chan bool, 2)
		r := &recorder{}
		r.onSend = func(*Frame) error { more <- r.session.More(); return nil }
		c := begin(t, testConfig(), r)
		send := frame("SEND", "destination:/a")
		c.send(send + send)
		for _, want := range []bool{true, false} {
			if got := <-more; got != want {
				t.Errorf("of two frames: more is %v, want %v", got, want)
			}
		}
		c.unread.Store(true)
		c.send(send)
		if !<-more {
			t.Error("the connection has more, and the session does not say so")
		}
	})
}

// A panic ends this session, with a code that says whose fault it was, and
// Run still waits for its writer.
func TestHandlerPanics(t *testing.T) {
	inBubble(t, func(t *testing.T) {
		c := begin(t, testConfig(), &recorder{onSend: func(*Frame) error { panic("a bug") }})
		c.send(frame("SEND", "destination:/a"))
		c.over(CloseInternal, "")
	})
}

// Other goroutines may end the session at any time; what is queued goes out.
func TestCloseAndFail(t *testing.T) {
	t.Parallel()
	t.Run("close", func(t *testing.T) {
		inBubble(t, func(t *testing.T) {
			c := begin(t, testConfig(), &recorder{})
			c.session.Receipt("queued")
			c.session.Close(CloseGoingAway, "going away")
			c.session.Close(CloseNormal, "too late")
			c.session.Receipt("too late")
			c.want("RECEIPT\nreceipt-id:queued\n")
			c.over(CloseGoingAway, "going away")
		})
	})
	t.Run("fail", func(t *testing.T) {
		inBubble(t, func(t *testing.T) {
			c := begin(t, testConfig(), &recorder{})
			c.session.Fail(&Error{Token: "token-expired", Text: "sign in again", Code: ClosePolicy})
			c.session.Fail(&Error{Token: "replaced", Text: "too many sessions", Code: ClosePolicy})
			c.fails("token-expired", "", ClosePolicy)
		})
	})
	t.Run("fail for a frame that was taken", func(t *testing.T) {
		inBubble(t, func(t *testing.T) {
			c := begin(t, testConfig(), &recorder{onSend: func(*Frame) error { return nil }})
			c.send(frame("SEND", "destination:/a", "receipt:r\\c1") + frame("SEND", "destination:/a", "receipt:other"))
			synctest.Wait()
			c.session.Fail(&Error{Token: "refused", Text: "the notice says why", Code: ClosePolicy, Receipt: "r:1"})
			c.fails("refused", `r\c1`, ClosePolicy)
		})
	})
	t.Run("before CONNECT", func(t *testing.T) {
		inBubble(t, func(t *testing.T) {
			c := start(t, newPipe(), testConfig(), &recorder{})
			c.session.Fail(&Error{Token: "token-expired", Text: "sign in again", Code: ClosePolicy})
			c.fails("token-expired", "", ClosePolicy)
		})
	})
	t.Run("before Run", func(t *testing.T) {
		inBubble(t, func(t *testing.T) {
			p, r := newPipe(), &recorder{}
			s := NewSession(p, testConfig(), User{1, "wususu"}, r)
			s.Close(CloseTryLater, "too many sessions")
			s.Run()
			if p.code != CloseTryLater {
				t.Errorf("closed with %d", p.code)
			}
		})
	})
	t.Run("the peer leaves", func(t *testing.T) {
		inBubble(t, func(t *testing.T) {
			c := begin(t, testConfig(), &recorder{})
			close(c.in)
			c.over(CloseNormal, "")
		})
	})
	t.Run("abort drops the queue of a stuck client", func(t *testing.T) {
		inBubble(t, func(t *testing.T) {
			c := begin(t, testConfig(), &recorder{})
			synctest.Wait()
			c.stalled = make(chan struct{})
			c.session.Receipt("stuck")
			synctest.Wait()
			c.session.Receipt("queued")
			c.session.Abort("going away")
			c.over(CloseInternal, "going away")
		})
	})
}

// held is a quick whose pings hold the writer up until they are let go.
type held struct {
	*quick
	pinging, letGo chan struct{}
}

func (h held) Ping() (bool, error) {
	h.pinging <- struct{}{}
	<-h.letGo
	return true, nil
}

// The last frame is not lost to a writer that runs dry at the same moment:
// only the one that writes it closes.
func TestLastFrameArrives(t *testing.T) {
	t.Parallel()
	for range 20 {
		h := held{&quick{pipe: newPipe(), takes: func() bool { return false }}, make(chan struct{}), make(chan struct{})}
		c := startOver(t, h, h.pipe, testConfig(), &recorder{})
		c.send(frame("CONNECT", "accept-version:1.2"))
		c.want("CONNECTED")
		o := &c.session.out
		o.mu.Lock()
		o.ping = true
		c.session.startWriter()
		o.mu.Unlock()
		<-h.pinging
		o.mu.Lock()
		close(h.letGo)
		// The writer, which has nothing to do, and Fail wait for the lock in
		// this order. Those who have waited for more than a millisecond, and
		// found it taken again, are served in order.
		queue := func() {
			for begun := time.Now(); time.Since(begun) < 2*time.Millisecond; {
				runtime.Gosched()
			}
		}
		queue()
		failed := make(chan struct{})
		go func() { // joined below
			defer close(failed)
			c.session.Fail(NotAllowed("enough"))
		}()
		queue()
		o.mu.Unlock()
		o.mu.Lock()
		queue()
		o.mu.Unlock()
		<-failed
		c.fails("not-allowed", "", ClosePolicy)
	}
}

// Nothing follows an ERROR, however many others write.
func TestErrorIsLast(t *testing.T) {
	inBubble(t, func(t *testing.T) {
		for range 200 {
			c := begin(t, testConfig(), &recorder{})
			for i := range 4 {
				go func() { // ends with the session's queue
					for range 50 {
						if i == 0 {
							c.session.Fail(&Error{Token: "token-expired", Text: "", Code: ClosePolicy})
						}
						c.session.Receipt("noise")
					}
				}()
			}
			c.session.Fail(&Error{Token: "replaced", Text: "", Code: ClosePolicy})
			<-c.ran
			for len(c.out) > 0 {
				if got := <-c.out; strings.HasPrefix(got, "ERROR") && len(c.out) > 0 {
					t.Fatalf("%d frames after the ERROR, the next is %q", len(c.out), <-c.out)
				}
			}
		}
	})
}
