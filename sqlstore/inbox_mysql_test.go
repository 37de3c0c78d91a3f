package sqlstore

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"testing"

	"fiberchat.example/fiberchat/chat"
)

func TestComplete(t *testing.T) {
	t.Parallel()
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
		page := []int64{3, 5, 9}
		for _, order := range []string{"oldest", "newest"} {
			if got := complete(page, c.ids); got != c.want {
				t.Errorf("%s first, complete with %v: %v", order, c.ids, got)
			}
			slices.Reverse(page)
			slices.Reverse(c.ids)
		}
	}
}

// Where the first snapshot leaves a message out, the page comes whole all the same.
func TestTornSnapshot(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		statement func(*queries) *statement
		read      func(ctx context.Context, s *Store, first int64) ([]chat.Message, error)
		want      string
	}{
		"pending": {func(q *queries) *statement { return &q.pending }, func(ctx context.Context, s *Store, first int64) ([]chat.Message, error) {
			return s.Pending(ctx, 2, first, 2)
		}, "2 3"},
		"inbox": {func(q *queries) *statement { return &q.inbox }, func(ctx context.Context, s *Store, first int64) ([]chat.Message, error) {
			return s.Inbox(ctx, 2, first, 2)
		}, "2 3"},
		"after": {func(q *queries) *statement { return &q.after }, func(ctx context.Context, s *Store, first int64) ([]chat.Message, error) {
			return s.Conversation(ctx, 1, 2, chat.Page{After: first}, 2)
		}, "2 3"},
		"newest": {func(q *queries) *statement { return &q.before }, func(ctx context.Context, s *Store, _ int64) ([]chat.Message, error) {
			return s.Conversation(ctx, 1, 2, chat.Page{}, 3)
		}, "4 3 2"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			s := openAt(t, scratch(t, "mysql"))
			s.read.SetMaxOpenConns(1) // which has the variable
			stored := mustApply(t, s, saveOp("1"), saveOp("2"), saveOp("3"), saveOp("4"))
			q := c.statement(&s.q)
			torn := strings.ReplaceAll(q.text, "WHERE", fmt.Sprintf("WHERE (id <> %d OR (@looks := @looks + 1) > 1) AND", stored[1].Message.ID))
			if err := q.stmt.Close(); err != nil {
				t.Fatal(err)
			}
			var err error
			if q.stmt, err = s.read.PreparexContext(t.Context(), torn); err != nil {
				t.Fatal(err)
			}
			s.read.MustExec("SET @looks = 0") // PREPARE has looked too
			page, err := c.read(t.Context(), s, stored[0].Message.ID)
			if err != nil {
				t.Fatal(err)
			}
			var got []string
			for _, m := range page {
				got = append(got, m.ChatID)
			}
			if strings.Join(got, " ") != c.want {
				t.Errorf("got %v, want %s", got, c.want)
			}
		})
	}
}
