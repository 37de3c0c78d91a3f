package feed

import (
	"reflect"
	"testing"

	"fiberchat.example/fiberchat/chat"
)

func TestAddRange(t *testing.T) {
	t.Parallel()
	var ranges []chat.Range
	for _, step := range []struct {
		add  chat.Range
		want []chat.Range
	}{
		{chat.Range{After: 4, UpTo: 5}, []chat.Range{{After: 4, UpTo: 5}}},
		{chat.Range{After: 5, UpTo: 7}, []chat.Range{{After: 4, UpTo: 7}}},
		{chat.Range{After: 9, UpTo: 10}, []chat.Range{{After: 4, UpTo: 7}, {After: 9, UpTo: 10}}},
		{chat.Range{After: 0, UpTo: 1}, []chat.Range{{After: 0, UpTo: 1}, {After: 4, UpTo: 7}, {After: 9, UpTo: 10}}},
		{chat.Range{After: 1, UpTo: 6}, []chat.Range{{After: 0, UpTo: 7}, {After: 9, UpTo: 10}}},
		{chat.Range{After: 6, UpTo: 20}, []chat.Range{{After: 0, UpTo: 20}}},
		{chat.Range{After: 2, UpTo: 3}, []chat.Range{{After: 0, UpTo: 20}}},
	} {
		if ranges = addRange(ranges, step.add); !reflect.DeepEqual(ranges, step.want) {
			t.Errorf("with %v: %v, want %v", step.add, ranges, step.want)
		}
	}
	for i := range int64(3 * maxRanges) {
		ranges = addRange(ranges, chat.Range{After: 100 + 2*i, UpTo: 101 + 2*i})
	}
	if len(ranges) != maxRanges {
		t.Errorf("%d ranges are kept", len(ranges))
	}
}
