package sqlstore

import "testing"

func TestComplete(t *testing.T) {
	t.Parallel()
	page := []int64{3, 5, 9}
	for _, c := range []struct {
		ids  []int64
		want bool
	}{
		{[]int64{3, 5, 9}, true},
		{[]int64{3, 5, 9, 10}, true}, // stored meanwhile
		{[]int64{3, 9}, true},        // confirmed meanwhile
		{nil, true},
		{[]int64{3, 4, 5}, false},
		{[]int64{2, 3, 5}, false},
		{[]int64{3, 5, 8, 9}, false},
	} {
		if got := complete(page, c.ids); got != c.want {
			t.Errorf("complete with %v: %v", c.ids, got)
		}
	}
}
