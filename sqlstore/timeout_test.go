package sqlstore

import (
	"context"
	"database/sql"
	"errors"
	"testing"
	"time"

	"fiberchat.example/fiberchat/chat"
)

// A database that does not answer holds nobody for ever, whatever is asked.
func TestEveryCallHasATimeLimit(t *testing.T) {
	t.Parallel()
	testTimeLimits(t, openSQLiteStore(t))
	eachServer(t, func(t *testing.T, kind string) { testTimeLimits(t, openAt(t, scratch(t, kind))) })
}

func testTimeLimits(t *testing.T, s *Store) {
	const password = "secret of ann"
	mustCreate(t, s, "ann")
	hold := func(pool interface {
		Stats() sql.DBStats
		Conn(context.Context) (*sql.Conn, error)
	}) (release func()) {
		var held []*sql.Conn
		for range pool.Stats().MaxOpenConnections {
			conn, err := pool.Conn(t.Context())
			if err != nil {
				t.Fatal(err)
			}
			held = append(held, conn)
		}
		return func() {
			for _, conn := range held {
				conn.Close()
			}
		}
	}
	type call struct {
		name string
		do   func(ctx context.Context) error
	}
	check := func(calls ...call) {
		for _, c := range calls {
			if err := c.do(context.Background()); !errors.Is(err, context.DeadlineExceeded) {
				t.Errorf("%s: %v, want context.DeadlineExceeded", c.name, err)
			}
		}
	}
	signIn := call{"SignIn", func(ctx context.Context) error { _, err := s.SignIn(ctx, "ann", password); return err }}
	signUp := call{"CreateUser", func(ctx context.Context) error { _, err := s.CreateUser(ctx, "bob", "", password); return err }}

	usual := s.timeout
	s.timeout = 50 * time.Millisecond
	release := hold(s.write)
	check(signIn, signUp,
		call{"SetPassword", func(ctx context.Context) error { return s.SetPassword(ctx, 1, password) }},
		call{"Forget", func(ctx context.Context) error { _, err := s.Forget(ctx, 1); return err }},
		call{"SaveNotice", func(ctx context.Context) error {
			_, err := s.SaveNotice(ctx, chat.Notice{UserID: 1, Kind: "x", Body: []byte("{}")})
			return err
		}},
		call{"ConfirmNotice", func(ctx context.Context) error {
			_, err := s.ConfirmNotice(ctx, 1, 1, "", time.Now())
			return err
		}},
		call{"SignOut", func(ctx context.Context) error { _, err := s.SignOut(ctx, "x"); return err }})
	release()
	release = hold(s.read)
	check(signIn, signUp,
		call{"AccountByName", func(ctx context.Context) error { _, err := s.AccountByName(ctx, "ann"); return err }},
		call{"Accounts", func(ctx context.Context) error { _, err := s.Accounts(ctx, 0, 10); return err }},
		call{"UserByID", func(ctx context.Context) error { _, err := s.UserByID(ctx, 1); return err }},
		call{"Authenticate", func(ctx context.Context) error { _, err := s.Authenticate(ctx, "x"); return err }},
		call{"Pending", func(ctx context.Context) error { _, err := s.Pending(ctx, 1, 0, 10); return err }},
		call{"Inbox", func(ctx context.Context) error { _, err := s.Inbox(ctx, 1, 0, 10); return err }},
		call{"Conversation", func(ctx context.Context) error { _, err := s.Conversation(ctx, 1, 2, chat.Page{}, 10); return err }},
		call{"CountPending", func(ctx context.Context) error { _, err := s.CountPending(ctx, 1, 10); return err }},
		call{"Last", func(ctx context.Context) error { _, err := s.Last(ctx, 1); return err }},
		call{"Unconfirmed", func(ctx context.Context) error { _, err := s.Unconfirmed(ctx, 0, 10); return err }},
		call{"SignOutAll", func(ctx context.Context) error { _, err := s.SignOutAll(ctx, 1); return err }},
		call{"Export", func(ctx context.Context) error {
			return s.Export(ctx, 1, func(chat.Message) error { return nil })
		}},
		call{"PurgeUnconfirmed", func(ctx context.Context) error {
			_, err := s.PurgeUnconfirmed(ctx, time.Now().Add(-2*minUnconfirmedAge))
			return err
		}},
		call{"PendingNotices", func(ctx context.Context) error { _, err := s.PendingNotices(ctx, 1, 0, 10); return err }},
		call{"LastNotice", func(ctx context.Context) error { _, err := s.LastNotice(ctx, 1); return err }},
		call{"CountNotices", func(ctx context.Context) error { _, err := s.CountNotices(ctx, 1, 10); return err }},
		call{"UnconfirmedNotices", func(ctx context.Context) error { _, err := s.UnconfirmedNotices(ctx, 0, 10); return err }},
		call{"Purge", func(ctx context.Context) error {
			_, err := s.Purge(ctx, time.Now().Add(-2*minPurgeAge))
			return err
		}})
	release()
	s.timeout = usual
	if err := signIn.do(t.Context()); err != nil {
		t.Errorf("sign in afterwards: %v", err)
	}
}

// The answer to the first try was lost, and the second finds its own rows:
// that is a new account and a sign-in, and not a name that is taken.
func TestAccountIsMadeThoughTheAnswerWasLost(t *testing.T) {
	t.Parallel()
	eachServer(t, func(t *testing.T, kind string) {
		dsn := scratch(t, kind)
		s, other := openAt(t, dsn), openAt(t, dsn)
		ann := mustCreate(t, s, "ann")
		var hash string
		if err := s.get(t.Context(), &hash, "SELECT password FROM {p}users WHERE id = ?", ann.ID); err != nil {
			t.Fatal(err)
		}
		if again, err := other.insertUser(t.Context(), "ann", "ann", hash); err != nil || again != ann {
			t.Errorf("the same account again: %+v, %v, want %+v", again, err, ann)
		}
		if _, err := other.insertUser(t.Context(), "ANN", "ann", nobodysPassword); !errors.Is(err, ErrNameTaken) {
			t.Errorf("another's account: %v, want ErrNameTaken", err)
		}
	})
}
