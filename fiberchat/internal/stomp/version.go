package stomp

import "strings"

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
