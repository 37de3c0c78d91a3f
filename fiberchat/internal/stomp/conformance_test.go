package stomp

import (
	"fmt"
	"slices"
	"strings"
	"testing"
)

// rule is a row of the tables of the three STOMP texts: what a client sends
// and what becomes of it. CONFORMANCE.md names them.
type rule struct {
	name     string
	versions string // "012" of 1.0, 1.1, 1.2 in which it holds; "" for input from before CONNECT
	in       string
	// want is the Handler's calls and then the frames that come, divided by
	// " | ": RECEIPT r, CONNECTED 1.2, ERROR token receipt code, CLOSE code.
	// After anything but the last two the session must go on.
	want string
}

var rules = slices.Concat(connectRules, frameRules, headerRules, bodyRules, subscribeRules, otherRules)

// TestConformance plays each rule as one chunk and octet by octet.
func TestConformance(t *testing.T) {
	t.Parallel()
	if len(rules) < 140 {
		t.Errorf("only %d rules", len(rules))
	}
	seen := make(map[string]bool)
	for _, r := range rules {
		if seen[r.name] {
			t.Errorf("two rules are named %q", r.name)
		}
		seen[r.name] = true
		versions := strings.Split(r.versions, "")
		if r.versions == "" {
			versions = []string{""}
		}
		for _, v := range versions {
			for _, size := range []int{1, len(r.in)} {
				t.Run(fmt.Sprintf("%s/1.%s in chunks of %d", r.name, v, size), func(t *testing.T) {
					inBubble(t, func(t *testing.T) { r.play(t, v, size) })
				})
			}
		}
	}
}

func (r *rule) play(t *testing.T, version string, size int) {
	c := start(t, newPipe(), testConfig(), &recorder{})
	speaks := V12
	if version != "" {
		speaks = Version(strings.Index("012", version))
		c.send("CONNECT\naccept-version:1." + version + "\nhost:x\n\n\x00")
		c.want("CONNECTED\nversion:1." + version)
	}
	for chunk := range slices.Chunk([]byte(r.in), size) {
		select {
		case c.in <- string(chunk):
		case <-c.closed: // by the first octets
		}
	}
	calls, frames, _ := strings.Cut(r.want, " | ")
	ends := strings.Contains(frames, "ERROR") || strings.Contains(frames, "CLOSE")
	if !ends {
		c.send("\nSUBSCRIBE\nid:the probe\ndestination:/probe\nreceipt:the probe\n\n\x00")
	}
	var got []string
	for {
		f := c.next()
		if f == "" || strings.Contains(f, "\nreceipt-id:the probe\n") {
			break
		}
		checkOutbound(t, []byte(f), speaks)
		got = append(got, outcome(f, c))
	}
	if n := len(got); ends && (n == 0 || !strings.HasPrefix(got[n-1], "ERROR")) {
		got = append(got, fmt.Sprint("CLOSE ", c.code))
	}
	if got := strings.Join(got, ", "); got != frames {
		t.Errorf("came %q, want %q", got, frames)
	}
	noted := slices.DeleteFunc(c.handler.noted(), func(call string) bool { return call == "subscribe the probe /probe" })
	if got := strings.Join(noted, ", "); got != calls {
		t.Errorf("carried out %q, want %q", got, calls)
	}
}

// outcome is a frame of the server's in the words of a rule.
func outcome(f string, c *talk) string {
	head, _, _ := strings.Cut(f, "\n\n")
	lines := strings.Split(head, "\n")
	headers := make(map[string]string)
	for _, line := range lines[1:] {
		key, value, _ := strings.Cut(line, ":")
		headers[key] = value
	}
	switch lines[0] {
	case "RECEIPT":
		return "RECEIPT " + headers["receipt-id"]
	case "CONNECTED":
		return "CONNECTED " + headers["version"] + " " + headers["heart-beat"]
	case "ERROR":
		<-c.ran
		return strings.Join(strings.Fields(fmt.Sprint("ERROR ", headers["message"], " ", headers["receipt-id"], " ", c.code)), " ")
	}
	return f
}
