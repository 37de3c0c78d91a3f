package fiberchat_test

import (
	"errors"
	"fmt"
	"io"
	"slices"
	"testing"

	"fiberchat.example/fiberchat"
)

// wsRule is a row of RFC 6455, what is sent for it, and what comes of that.
type wsRule struct {
	rule     string
	send     func(d wsDoor) string
	receipts []string // for what was asked, in order
	pongs    []string
	want     int   // the close code; 0: the connection goes on
	sockJS   *bool // if not nil: at SockJS's door alone, or at the others alone
}

// left is a client that shuts its side down without a close frame.
const left = -1

func octets(b string) func(wsDoor) string { return func(wsDoor) string { return b } }

// wsRules are all rows, named by their sections.
func wsRules() []wsRule {
	return slices.Concat(lengthRules(), bitRules(), maskRules(), fragmentRules(), controlRules(), closeRules(), utf8Rules(), endRules())
}

// breach is a row that ends with 1002.
func breach(rule, b string) wsRule { return wsRule{rule: rule, send: octets(b), want: 1002} }

// within is breach in the middle of a message.
func within(rule, b string) wsRule {
	return wsRule{rule: rule, want: 1002, send: func(d wsDoor) string { return part(text, d.ask("cut")[:2]) + b }}
}

// taken is a row whose message is answered.
func taken(rule string, send func(ask string) string) wsRule {
	return wsRule{rule: rule, receipts: []string{"a"}, send: func(d wsDoor) string { return send(d.ask("a")) }}
}

// TestWebSocketConformance holds each door against RFC 6455, once with all
// that a client sends in one piece, and once octet by octet.
func TestWebSocketConformance(t *testing.T) {
	t.Parallel()
	s := serve(t, fiberchat.Config{Limits: fiberchat.Limits{UserSessions: -1}})
	rules := wsRules()
	for _, d := range wsDoors {
		for _, singly := range []bool{false, true} {
			t.Run(fmt.Sprint(d.name, " singly=", singly), func(t *testing.T) {
				t.Parallel()
				rows := 0
				for _, r := range rules {
					if r.sockJS != nil && *r.sockJS != d.sockJS {
						continue
					}
					rows++
					t.Run(r.rule, func(t *testing.T) { r.check(t, d, d.open(t, s.addr, "t-alice"), singly) })
				}
				if rows < 110 {
					t.Errorf("%d rows are too few", rows)
				}
			})
		}
	}
}

func (r wsRule) check(t *testing.T, d wsDoor, c wsConn, singly bool) {
	sent := r.send(d)
	if r.want == 0 {
		sent += whole(text, d.ask("alive"))
	}
	c.send(sent, singly)
	if r.want == left {
		if err := c.CloseWrite(); err != nil {
			t.Fatal(err)
		}
	}
	lastPong := func(h heard) bool { return len(r.pongs) == 0 || slices.Contains(h.pongs, r.pongs[len(r.pongs)-1]) }
	got := c.listen(d, func(h heard) bool { return r.want == 0 && slices.Contains(h.receipts, "alive") && lastPong(h) })
	want, code, end := r.receipts, r.want, io.EOF
	switch r.want {
	case 0:
		want, end = append(slices.Clone(want), "alive"), nil
	case left:
		code = 1000 // or none, where the end came within a message
		if got.code == 0 {
			code = 0
		}
	}
	if got.code != code || !errors.Is(got.err, end) {
		t.Errorf("close code %d and %v, want %d and %v", got.code, got.err, code, end)
	}
	if !slices.Equal(got.receipts, want) {
		t.Errorf("receipts %q, want %q", got.receipts, want)
	}
	// Of several pings only the last needs an answer (5.5.3).
	if !lastPong(got) || slices.ContainsFunc(got.pongs, func(p string) bool { return !slices.Contains(r.pongs, p) }) {
		t.Errorf("pongs %q, want %q", got.pongs, r.pongs)
	}
}
