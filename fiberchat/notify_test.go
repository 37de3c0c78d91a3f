package fiberchat_test

import (
	"context"
	"encoding/json"
	"errors"
	"strings"
	"testing"

	"fiberchat.example/fiberchat"
	"fiberchat.example/fiberchat/chat"
	"fiberchat.example/fiberchat/storetest"
)

// noticeFaults is a store of notices that a test breaks.
type noticeFaults struct {
	*storetest.Memory
	save func(ctx context.Context, stored func() (int64, error)) (int64, error)
}

func (s *noticeFaults) SaveNotice(ctx context.Context, n chat.Notice) (int64, error) {
	return s.save(ctx, func() (int64, error) { return s.Memory.SaveNotice(ctx, n) })
}

// TestNotifyNotKnownToBeStored: what was stored is delivered all the same, and
// in its place.
func TestNotifyNotKnownToBeStored(t *testing.T) {
	t.Parallel()
	for _, f := range faults {
		t.Run(f.name, func(t *testing.T) {
			t.Parallel()
			store := &noticeFaults{Memory: storetest.NewMemory()}
			store.save = func(ctx context.Context, stored func() (int64, error)) (int64, error) {
				if _, err := stored(); err != nil {
					return 0, err
				}
				return 0, f.do(ctx)
			}
			s := serve(t, fiberchat.Config{Store: store, Timeouts: fiberchat.Timeouts{Store: quick}})
			b := native.noticed(t, s.addr)
			if _, err := s.chat.Notify(t.Context(), 2, "Cmmnt", none{}); err == nil || !strings.Contains(err.Error(), "not known to be stored") {
				t.Errorf("got %v", err)
			}
			b.notice("Cmmnt", 1)
			store.save = func(_ context.Context, stored func() (int64, error)) (int64, error) { return stored() }
			b.notice("next", s.notify("next", none{}))
			b.nothing()
		})
	}
}

func TestNotifyRefuses(t *testing.T) {
	t.Parallel()
	s := serve(t, fiberchat.Config{Limits: fiberchat.Limits{Content: 100, Pending: 3}})
	cyclic := map[string]any{}
	cyclic["me"] = cyclic
	for name, c := range map[string]struct {
		user int64
		kind string
		body any
		want error // nil: any
	}{
		"no such user":   {99, "x", none{}, chat.ErrNotFound},
		"no user":        {0, "x", none{}, chat.ErrNotFound},
		"no kind":        {2, "", none{}, nil},
		"long kind":      {2, strings.Repeat("x", 65), none{}, nil},
		"kind":           {2, "好", none{}, nil},
		"no body":        {2, "x", nil, nil},
		"list":           {2, "x", []int{1}, nil},
		"text":           {2, "x", "{}", nil},
		"bytes":          {2, "x", []byte("{}"), nil},
		"two":            {2, "x", json.RawMessage("{}{}"), nil},
		"not JSON":       {2, "x", json.RawMessage("{"), nil},
		"not UTF-8":      {2, "x", json.RawMessage("{\"a\":\"\xff\"}"), nil},
		"no JSON of Go":  {2, "x", map[string]any{"c": make(chan int)}, nil},
		"cyclic":         {2, "x", cyclic, nil},
		"too long":       {2, "x", map[string]string{"a": strings.Repeat("x", 93)}, nil},
		"too long in me": {2, "x", json.RawMessage(`{"a":"` + strings.Repeat("x", 93) + `"}`), nil},
	} {
		id, err := s.chat.Notify(t.Context(), c.user, c.kind, c.body)
		if err == nil || id != 0 || c.want != nil && !errors.Is(err, c.want) {
			t.Errorf("%s: %d, %v", name, id, err)
		}
	}
	b := native.noticed(t, s.addr)
	for range 3 {
		s.notify("x", map[string]string{"a": strings.Repeat("x", 92)})
		b.message(bobsNotices)
	}
	if _, err := s.chat.Notify(t.Context(), 2, "x", none{}); !errors.Is(err, fiberchat.ErrTooManyNotices) {
		t.Errorf("the fourth: %v", err)
	}
	b.send("/socket/ntc/rcv", `{"id":2}`)
	b.message(noticeStatus)
	s.notify("x", none{})
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if _, err := s.chat.Notify(ctx, 1, "x", none{}); !errors.Is(err, context.Canceled) {
		t.Errorf("cancelled: %v", err)
	}
	if err := s.chat.Close(t.Context()); err != nil {
		t.Fatal(err)
	}
	if _, err := s.chat.Notify(t.Context(), 2, "x", none{}); !errors.Is(err, fiberchat.ErrClosed) {
		t.Errorf("after Close: %v", err)
	}
}

// TestStoreWithoutNotices serves messages as ever.
func TestStoreWithoutNotices(t *testing.T) {
	t.Parallel()
	s := serve(t, fiberchat.Config{Store: &faultyStore{Store: storetest.NewMemory()}})
	if _, err := s.chat.Notify(t.Context(), 2, "x", none{}); err == nil || !strings.Contains(err.Error(), "chat.Notices") {
		t.Errorf("Notify: %v", err)
	}
	b := native.noticed(t, s.addr)
	b.send("/socket/ntc/rcv", `{"id":1}`)
	b.refused("", -404, "NoSuchDestination")
	b.init()
	b.receipt("init")
}
