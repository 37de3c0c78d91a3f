package sqlstore

import (
	"errors"
	"fmt"
	"testing"
	"time"

	"fiberchat.example/fiberchat/chat"
)

func TestPurge(t *testing.T) {
	t.Parallel()
	testPurge(t, openSQLiteStore(t))
}

func testPurge(t *testing.T, s *Store) {
	if n, err := s.Purge(t.Context(), time.Now().Add(-25*time.Hour)); n != 0 || err != nil {
		t.Errorf("Purge of an empty store: %d, %v", n, err)
	}
	day := 24 * time.Hour
	var last int64
	put := func(age time.Duration, confirmed bool, n int) {
		for from := 0; from < n; from += 500 {
			var ops []chat.Op
			for i := from; i < min(n, from+500); i++ {
				op := saveOp(fmt.Sprintf("%v-%v-%d", age, confirmed, i))
				op.Save.Time = time.Now().Add(-age)
				if ops = append(ops, op); confirmed {
					ops = append(ops, confirmOp(op.Save.ChatID))
				}
			}
			for _, r := range mustApply(t, s, ops...) {
				last = r.Message.ID
			}
		}
	}
	notices := make(map[string]int64) // by what they are
	notify := func(what string, age time.Duration, confirmed bool) {
		id, err := s.SaveNotice(t.Context(), chat.Notice{UserID: 2, Kind: what, Body: []byte("{}"), Time: time.Now().Add(-age)})
		if err == nil && confirmed {
			_, err = s.ConfirmNotice(t.Context(), 2, id, "", time.Now())
		}
		if err != nil || id <= notices["last"] {
			t.Errorf("notice %d after %d, %v", id, notices["last"], err)
		}
		notices[what], notices["last"] = id, id
	}
	notify("old", 10*day, true)
	notify("old, open", 10*day, false)
	notify("young", 5*day, true)
	put(10*day, true, 2*purgeSpan+7)
	put(10*day, false, 2)
	put(5*day, true, 3)
	put(time.Hour, true, 4)

	for _, before := range []time.Time{time.Now(), time.Now().Add(-23 * time.Hour), time.Now().Add(day)} {
		if _, err := s.Purge(t.Context(), before); !errors.Is(err, ErrTooYoung) {
			t.Errorf("Purge(%v): %v, want ErrTooYoung", before, err)
		}
	}
	if n, err := s.Purge(t.Context(), time.Now().Add(-7*day)); n != 2*purgeSpan+7 || err != nil {
		t.Errorf("Purge: %d, %v, want %d", n, err, 2*purgeSpan+7)
	}
	wantPending(t, s, "240h0m0s-false-0", "240h0m0s-false-1")
	if left, err := s.InboxNotices(t.Context(), 2, 0, 10); err != nil || len(left) != 2 || left[0].Kind != "old, open" || left[1].Kind != "young" {
		t.Errorf("notices: %v, %v", left, err)
	}
	if got, err := s.Conversation(t.Context(), 1, 2, chat.Page{}, 100); len(got) != 2+3+4 || err != nil {
		t.Errorf("%d messages are left, %v, want 9", len(got), err)
	}
	// The sender of a purged message can use its msgID again; ids go on.
	again := mustApply(t, s, saveOp("240h0m0s-true-0"), confirmOp("240h0m0s-true-0"))[0]
	if again.Err != nil || !again.Changed || again.Message.ID <= last {
		t.Errorf("save after Purge: %+v, want an id above %d", again, last)
	}
	last = again.Message.ID
	// That one is the highest and old (its time is from 2017).
	for _, want := range []int64{3 + 1, 0} {
		if n, err := s.Purge(t.Context(), time.Now().Add(-2*day)); n != want || err != nil {
			t.Errorf("Purge: %d, %v, want %d", n, err, want)
		}
	}
	notify("next", 0, false) // the highest is gone, and its id is not given again
	if r := mustApply(t, s, saveOp("next"))[0]; r.Message.ID <= last {
		t.Errorf("id %d after %d", r.Message.ID, last)
	}
}
