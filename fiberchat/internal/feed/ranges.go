package feed

import (
	"slices"

	"fiberchat.example/fiberchat/chat"
)

// maxRanges bounds the ranges of what was sent. There are several only until
// an init has passed them, or after subscribing anew.
const maxRanges = 8

// addRange returns sorted ranges with r in them, at most maxRanges. It may
// change and reuse them.
func addRange(ranges []chat.Range, r chat.Range) []chat.Range {
	from := 0
	for from < len(ranges) && ranges[from].UpTo < r.After {
		from++
	}
	to := from
	for ; to < len(ranges) && ranges[to].After <= r.UpTo; to++ {
		r.After, r.UpTo = min(r.After, ranges[to].After), max(r.UpTo, ranges[to].UpTo)
	}
	if to == from+1 { // the last one grows: nearly always so
		ranges[from] = r
		return ranges
	}
	ranges = slices.Replace(ranges, from, to, r)
	return ranges[max(0, len(ranges)-maxRanges):]
}
