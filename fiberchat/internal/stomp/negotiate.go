package stomp

import (
	"strconv"
	"strings"
	"time"
)

// Version is a STOMP version; it decides which escapes headers may hold.
type Version uint8

// The versions that the server speaks.
const (
	V10 Version = iota
	V11
	V12
)

func (v Version) String() string { return [...]string{"1.0", "1.1", "1.2"}[v] }

// negotiate picks the highest version of an accept-version header; a client
// that sends none speaks 1.0.
func negotiate(accept string, present bool) (Version, bool) {
	if !present {
		return V10, true
	}
	best, ok := V10, false
	for name := range strings.SplitSeq(accept, ",") {
		for _, v := range []Version{V10, V11, V12} {
			if strings.TrimSpace(name) == v.String() && (!ok || v > best) {
				best, ok = v, true
			}
		}
	}
	return best, ok
}

// Subprotocols lists the WebSocket sub-protocols of STOMP, best first.
var Subprotocols = []string{"v12.stomp", "v11.stomp", "v10.stomp"}

// heartBeat is what the two sides agreed on; 0 means none that way.
type heartBeat struct {
	out time.Duration // the server sends something at least this often
	in  time.Duration // the client does
}

// maxBeat is the longest interval there is, and how long the clock sleeps when
// nothing is due.
const maxBeat = 24 * time.Hour

// agreeBeat combines a CONNECT's heart-beat header with the server's own
// offer, which is the same both ways (STOMP 1.2, Heart-beating). The wire has
// whole milliseconds, so that is what the offer is.
func agreeBeat(header string, present bool, offer time.Duration) (heartBeat, error) {
	if !present {
		return heartBeat{}, nil
	}
	can, wants, ok := strings.Cut(header, ",")
	cx, ok1 := parseBeat(can)
	cy, ok2 := parseBeat(wants)
	if !ok || !ok1 || !ok2 {
		return heartBeat{}, badFrame("heart-beat is not two numbers of milliseconds")
	}
	offer = (offer + time.Millisecond - 1).Truncate(time.Millisecond)
	agree := func(client time.Duration) time.Duration {
		if client == 0 || offer == 0 {
			return 0
		}
		return max(client, offer)
	}
	return heartBeat{out: agree(cy), in: agree(cx)}, nil
}

// parseBeat takes milliseconds, with blanks round them; more than a day is a day.
func parseBeat(s string) (time.Duration, bool) {
	s = strings.Trim(s, " \t")
	if len(s) == 0 || len(s) > 18 || strings.Trim(s, "0123456789") != "" {
		return 0, false
	}
	n, err := strconv.ParseInt(s, 10, 64)
	return time.Duration(min(n, maxBeat.Milliseconds())) * time.Millisecond, err == nil
}
