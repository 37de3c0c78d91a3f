package sqlstore

import (
	"fmt"
	"path/filepath"
	"testing"
	"time"
)

func TestIDsAreNotGivenAgain(t *testing.T) {
	t.Parallel()
	testIDsAreNotGivenAgain(t, filepath.Join(t.TempDir(), "chat.db"))
}

func TestServerIDsAreNotGivenAgain(t *testing.T) {
	t.Parallel()
	eachServer(t, func(t *testing.T, kind string) { testIDsAreNotGivenAgain(t, scratch(t, kind)) })
}

// Whatever is deleted by hand, the next message and the next user get ids that
// nobody had: a client takes a known id for a repetition, and a user with the
// id of another would get his messages.
func testIDsAreNotGivenAgain(t *testing.T, dsn string) {
	s := openAt(t, dsn)
	var message, user int64
	next := func(what string) {
		t.Helper()
		if r := mustApply(t, s, saveOp(what))[0]; r.Err != nil || r.Message.ID <= message {
			t.Errorf("%s: message %d after %d, %v", what, r.Message.ID, message, r.Err)
		} else {
			message = r.Message.ID
		}
		// Without the cost of a password.
		a, err := s.insertUser(t.Context(), what, what, "none")
		if err != nil || a.ID <= user {
			t.Errorf("%s: user %d after %d, %v", what, a.ID, user, err)
		} else {
			user = a.ID
		}
		if found, err := s.UserByID(t.Context(), a.ID); err != nil || found.Name != what {
			t.Errorf("%s: user %d is %+v, %v", what, a.ID, found, err)
		}
	}
	for _, what := range []string{"a", "b", "c"} {
		next(what)
	}
	for _, c := range []struct{ what, condition string }{
		{"the highest", "WHERE id = (SELECT id FROM (SELECT MAX(id) AS id FROM %s) AS x)"},
		{"the highest, again", "WHERE id = (SELECT id FROM (SELECT MAX(id) AS id FROM %s) AS x)"},
		{"the lowest", "WHERE id = (SELECT id FROM (SELECT MIN(id) AS id FROM %s) AS x)"},
		{"all but the highest", "WHERE id < (SELECT id FROM (SELECT MAX(id) AS id FROM %s) AS x)"},
		{"all", "WHERE %[1]s.id > 0"},
		{"all, again", ""},
	} {
		deleteWhere(t, s, c.condition)
		next(c.what)
	}
	wantPending(t, s, "all, again")
	deleteWhere(t, s, "")
	wantPending(t, s)
	if err := s.Close(); err != nil {
		t.Fatal(err)
	}
	s = openAt(t, dsn)
	next("all, before a restart")
	deleteWhere(t, s, "")
	if n, err := s.Purge(t.Context(), time.Now().Add(-25*time.Hour)); n != 0 || err != nil {
		t.Errorf("Purge of nothing: %d, %v", n, err)
	}
	deleteWhere(t, s, "")
	next("nothing")
}

// deleteWhere is what an app's own SQL may do.
func deleteWhere(t *testing.T, s *Store, condition string) {
	t.Helper()
	for _, table := range []string{s.sql("{p}messages"), s.sql("{p}users")} {
		where := condition
		if where != "" {
			where = fmt.Sprintf(condition, table)
		}
		if _, err := s.write.Exec("DELETE FROM " + table + " " + where); err != nil {
			t.Fatal(err)
		}
	}
}
