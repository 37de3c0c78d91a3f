package stomp

import (
	"strconv"
	"strings"
	"time"
)

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

// parseBeat takes milliseconds; more than a day is a day.
func parseBeat(s string) (time.Duration, bool) {
	if len(s) == 0 || len(s) > 18 || strings.Trim(s, "0123456789") != "" {
		return 0, false
	}
	n, err := strconv.ParseInt(s, 10, 64)
	return time.Duration(min(n, maxBeat.Milliseconds())) * time.Millisecond, err == nil
}
