package fiberchat_test

import (
	"context"
	"errors"
	"log/slog"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"fiberchat.example/fiberchat"
	"fiberchat.example/fiberchat/chat"
	"fiberchat.example/fiberchat/storetest"
)

// clockStore gives a new id of either kind every second, and notes from where it is looked for more.
type clockStore struct {
	*storetest.Memory
	begun time.Time

	mu    sync.Mutex
	away  bool
	looks []asked
}

// asked is a look: when it was, and after which second's id it looked.
type asked struct{ at, after time.Duration }

var errDatabaseAway = errors.New("the database is away")

func (s *clockStore) Last(context.Context, int64) (int64, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.away {
		return 0, errDatabaseAway
	}
	return int64(time.Since(s.begun) / time.Second), nil
}

func (s *clockStore) Unconfirmed(_ context.Context, after int64, _ int) ([]chat.Ref, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.away {
		return nil, errDatabaseAway
	}
	s.looks = append(s.looks, asked{time.Since(s.begun), time.Duration(after) * time.Second})
	return nil, nil
}

func (s *clockStore) LastNotice(ctx context.Context, _ int64) (int64, error) { return s.Last(ctx, 0) }

func (s *clockStore) UnconfirmedNotices(ctx context.Context, after int64, limit int) ([]chat.Ref, error) {
	return s.Unconfirmed(ctx, after, limit)
}

func (s *clockStore) set(away bool) (looks []asked) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.away = away
	looks, s.looks = s.looks, nil
	return looks
}

// TestCatchUpLooksBack: far enough for an id that became visible late, no
// further than it must, and over all the time that the database was away.
func TestCatchUpLooksBack(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		store := &clockStore{Memory: storetest.NewMemory(), begun: time.Now()}
		users := newPeople("alice")
		chats, err := fiberchat.New(newApp(), fiberchat.Config{
			Store: store, Authenticator: users, Directory: users, Bus: new(broker).join(t), Logger: slog.New(slog.DiscardHandler),
		})
		if err != nil {
			t.Fatal(err)
		}
		const late, furthest = 16 * time.Second, 22 * time.Second // Timeouts.Store is 10 s
		check := func(looks []asked) {
			t.Helper()
			if len(looks) < 10 {
				t.Fatal("looked only", len(looks), "times:", looks)
			}
			for _, s := range looks {
				if back := s.at - s.after; s.after > 0 && (back < late || back > furthest) {
					t.Errorf("at %v it looked back %v", s.at, back)
				}
			}
		}
		time.Sleep(41 * time.Second)
		check(store.set(true))
		time.Sleep(30 * time.Second)
		if looks := store.set(false); len(looks) > 0 {
			t.Error("looked without a database:", looks)
		}
		time.Sleep(4 * time.Second)
		if first := store.set(false)[0]; first.after > 41*time.Second-late {
			t.Errorf("after the database was away from 41s to 71s, it looked from %v on", first.after)
		}
		time.Sleep(furthest)
		store.set(false)
		time.Sleep(30 * time.Second)
		check(store.set(false))
		if err := chats.Close(t.Context()); err != nil {
			t.Error(err)
		}
	})
}
