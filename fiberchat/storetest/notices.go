package storetest

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"reflect"
	"slices"
	"strings"
	"testing"
	"time"

	"fiberchat.example/fiberchat/chat"
)

// RunNotices checks chat.Notices, for stores that offer it. openTwo returns two
// empty stores on one database, as two processes have it, or one store twice,
// and cleans up with t.Cleanup.
func RunNotices(t *testing.T, openTwo func(t *testing.T) (a, b chat.Store)) {
	for _, test := range []struct {
		name string
		run  func(t *testing.T, a, b chat.Notices)
	}{
		{"save and read", testNotices},
		{"last", testLastNotice},
		{"confirm", testConfirmNotice},
		{"count", testCountNotices},
		{"unconfirmed", testUnconfirmedNotices},
		{"confirmed through both", testSharedConfirmNotice},
		{"visible in order of id", testNoticesInOrder},
		{"cancelled context", testNoticesCancelled},
	} {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			a, b := openTwo(t)
			test.run(t, a.(chat.Notices), b.(chat.Notices))
		})
	}
}

func notice(to int64, kind, body string) chat.Notice {
	return chat.Notice{UserID: to, Kind: kind, Body: json.RawMessage(body), Time: noon}
}

// mustNotify stores a notice and returns it with its ID.
func mustNotify(t testing.TB, s chat.Notices, n chat.Notice) chat.Notice {
	t.Helper()
	id, err := s.SaveNotice(t.Context(), n)
	if err != nil || id <= 0 {
		t.Fatalf("SaveNotice: %d, %v", id, err)
	}
	n.ID = id
	return n
}

type noticeReader func(ctx context.Context, userID, afterID int64, limit int) ([]chat.Notice, error)

func wantNotices(t testing.TB, read noticeReader, user, after int64, limit int, want ...chat.Notice) {
	t.Helper()
	got, err := read(t.Context(), user, after, limit)
	if err != nil || len(got) != len(want) {
		t.Fatalf("%d notices, %v, want %d", len(got), err, len(want))
	}
	for i := range got {
		if !reflect.DeepEqual(got[i], want[i]) {
			t.Errorf("%.300s\nwant %.300s", fmt.Sprintf("%+v", got[i]), fmt.Sprintf("%+v", want[i]))
		}
	}
}

func testNotices(t *testing.T, a, b chat.Notices) {
	wantNotices(t, a.PendingNotices, bob, 0, 10)
	wantNotices(t, a.InboxNotices, bob, 0, 10)
	kind := strings.Repeat("k", 63) + " "
	var bobs []chat.Notice
	for _, n := range []chat.Notice{
		notice(bob, "Cmmnt", `{}`),
		notice(bob, kind, `{"text":"起来聊天 😀 \u0000 \ud800 <b>","n":1e400, "z":null}`),
		notice(bob, "cmmnt", `{"long":"`+strings.Repeat("长", 30_000)+`"}`),
		{UserID: bob, Kind: "a", Body: json.RawMessage(`{}`), Time: noon.Add(999 * time.Microsecond).In(time.FixedZone("east", 8*3600)), ConfirmedAt: noon, ID: 77},
	} {
		if len(bobs) == 3 {
			want := notice(bob, "a", `{}`)
			want.ID = mustNotify(t, a, n).ID
			bobs = append(bobs, want)
		} else {
			bobs = append(bobs, mustNotify(t, a, n))
		}
		mustNotify(t, b, notice(eve, "x", `{}`))
	}
	for _, s := range []chat.Notices{a, b} {
		wantNotices(t, s.PendingNotices, bob, 0, 10, bobs...)
		wantNotices(t, s.InboxNotices, bob, 0, 10, bobs...)
		wantNotices(t, s.PendingNotices, bob, bobs[0].ID, 2, bobs[1:3]...)
		wantNotices(t, s.InboxNotices, bob, bobs[0].ID, 2, bobs[1:3]...)
		wantNotices(t, s.PendingNotices, bob, 0, 0)
		wantNotices(t, s.InboxNotices, bob, 0, 0)
		wantNotices(t, s.InboxNotices, bob, bobs[3].ID, 10)
		wantNotices(t, s.InboxNotices, ann, 0, 10)
	}
	if !slices.IsSortedFunc(bobs, func(a, b chat.Notice) int { return int(a.ID - b.ID) }) {
		t.Error("ids do not ascend")
	}
}

func testLastNotice(t *testing.T, a, b chat.Notices) {
	last := func(s chat.Notices, user int64) int64 {
		t.Helper()
		id, err := s.LastNotice(t.Context(), user)
		if err != nil {
			t.Fatal(err)
		}
		return id
	}
	if got := []int64{last(a, 0), last(a, bob)}; got[0] != 0 || got[1] != 0 {
		t.Error("of an empty store:", got)
	}
	bobs := mustNotify(t, a, notice(bob, "x", `{}`)).ID
	eves := mustNotify(t, b, notice(eve, "x", `{}`)).ID
	if got := last(b, bob); got < bobs || got > eves {
		t.Errorf("last to bob is %d, stored are %d and %d", got, bobs, eves)
	}
	if got := []int64{last(b, eve), last(a, 0)}; got[0] != eves || got[1] != eves {
		t.Errorf("last to eve and to all %d, want %d", got, eves)
	}
}

func testConfirmNotice(t *testing.T, a, b chat.Notices) {
	one, two := mustNotify(t, a, notice(bob, "Cmmnt", `{"n":1}`)), mustNotify(t, a, notice(bob, "mLikee", `{"n":2}`))
	at := noon.Add(time.Second)
	for _, c := range []struct {
		user, id int64
		kind     string
	}{{ann, one.ID, ""}, {ann, one.ID, "Cmmnt"}, {bob, one.ID, "mLikee"}, {bob, one.ID, "cmmnt"}, {bob, one.ID, "Cmmnt "}, {bob, two.ID + 100, ""}, {bob, 0, ""}, {bob, -1, ""}} {
		if changed, err := b.ConfirmNotice(t.Context(), c.user, c.id, c.kind, at); changed || !errors.Is(err, chat.ErrNotFound) {
			t.Errorf("%+v: %v, %v, want ErrNotFound", c, changed, err)
		}
	}
	wantNotices(t, a.PendingNotices, bob, 0, 10, one, two)
	for i, want := range []bool{true, false, false} {
		s := []chat.Notices{a, b, a}[i]
		changed, err := s.ConfirmNotice(t.Context(), bob, two.ID, []string{"mLikee", "", "mLikee"}[i], at.Add(time.Duration(i)*time.Hour))
		if err != nil || changed != want {
			t.Errorf("confirmed %d times before: %v, %v", i, changed, err)
		}
	}
	if _, err := a.ConfirmNotice(t.Context(), bob, two.ID, "Cmmnt", at); !errors.Is(err, chat.ErrNotFound) {
		t.Errorf("confirmed, of another kind: %v, want ErrNotFound", err)
	}
	two.ConfirmedAt = at
	wantNotices(t, b.PendingNotices, bob, 0, 10, one)
	wantNotices(t, b.InboxNotices, bob, 0, 10, one, two)
}

func testCountNotices(t *testing.T, a, b chat.Notices) {
	counted := func(user int64, atMost, want int) {
		t.Helper()
		if n, err := b.CountNotices(t.Context(), user, atMost); err != nil || n != want {
			t.Fatalf("%d, %v, want %d", n, err, want)
		}
	}
	counted(bob, 10, 0)
	for range 4 {
		mustNotify(t, a, notice(bob, "x", `{}`))
	}
	last := mustNotify(t, a, notice(bob, "x", `{}`))
	mustNotify(t, a, notice(eve, "x", `{}`))
	if _, err := a.ConfirmNotice(t.Context(), bob, last.ID, "", noon); err != nil {
		t.Fatal(err)
	}
	counted(bob, 10, 4)
	counted(bob, 2, 2)
	counted(bob, 0, 0)
	counted(ann, 10, 0)
}

func testUnconfirmedNotices(t *testing.T, a, b chat.Notices) {
	var refs []chat.Ref
	for _, to := range []int64{bob, eve, bob, ann} {
		refs = append(refs, chat.Ref{ID: mustNotify(t, a, notice(to, "x", `{}`)).ID, ReceiverID: to})
	}
	want := func(after int64, limit int, want ...chat.Ref) {
		t.Helper()
		if got, err := b.UnconfirmedNotices(t.Context(), after, limit); err != nil || !slices.Equal(got, want) {
			t.Errorf("after %d: %v, %v, want %v", after, got, err, want)
		}
	}
	want(0, 10, refs...)
	want(0, 2, refs[:2]...)
	want(0, 0)
	want(refs[0].ID, 10, refs[1:]...)
	if _, err := a.ConfirmNotice(t.Context(), eve, refs[1].ID, "", noon); err != nil {
		t.Fatal(err)
	}
	want(refs[0].ID, 10, refs[2:]...)
	want(refs[3].ID, 10)
}

func testNoticesCancelled(t *testing.T, a, _ chat.Notices) {
	n := mustNotify(t, a, notice(bob, "x", `{}`))
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	_, save := a.SaveNotice(ctx, notice(bob, "x", `{}`))
	_, pending := a.PendingNotices(ctx, bob, 0, 10)
	_, inbox := a.InboxNotices(ctx, bob, 0, 10)
	_, last := a.LastNotice(ctx, bob)
	_, confirm := a.ConfirmNotice(ctx, bob, n.ID, "", noon)
	_, count := a.CountNotices(ctx, bob, 10)
	_, unconfirmed := a.UnconfirmedNotices(ctx, 0, 10)
	for i, err := range []error{save, pending, inbox, last, confirm, count, unconfirmed} {
		if err == nil {
			t.Errorf("call %d: no error", i)
		}
	}
	wantNotices(t, a.PendingNotices, bob, 0, 10, n)
}
