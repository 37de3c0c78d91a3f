package sqlstore

import (
	"context"
	"errors"
	"fmt"
	"runtime"
	"slices"
	"strings"
	"testing"
	"time"

	"fiberchat.example/fiberchat/chat"
)

func TestPersonal(t *testing.T) {
	t.Parallel()
	s := openSQLiteStore(t)
	testForget(t, s)
	testSetPassword(t, s)
	testSignOutAll(t, s)
	testPurgeUnconfirmed(t, openSQLiteStore(t))
}

func TestServerPersonal(t *testing.T) {
	t.Parallel()
	eachServer(t, func(t *testing.T, kind string) {
		dsn := scratch(t, kind)
		s := openAt(t, dsn)
		testForget(t, s)
		testSetPassword(t, s)
		testSignOutAll(t, s)
		testPurgeUnconfirmed(t, openAt(t, dsn, Config{TablePrefix: "beside_"}))
	})
}

// exported is what Export gives, as texts.
func exported(t *testing.T, s *Store, userID int64) (all []string) {
	t.Helper()
	var last int64
	if err := s.Export(t.Context(), userID, func(m chat.Message) error {
		if m.SenderID != userID && m.ReceiverID != userID || m.ID <= last {
			t.Errorf("after %d: %+v", last, m)
		}
		last = m.ID
		all = append(all, m.Content)
		return nil
	}); err != nil {
		t.Fatal(err)
	}
	return all
}

// rowsAbout counts the rows in which a user is named.
func rowsAbout(t *testing.T, s *Store, userID int64) (n int) {
	t.Helper()
	for _, of := range []struct{ table, condition string }{
		{"users", "id = ?"},
		{"tokens", "user_id = ?"},
		{"messages", "sender_id = ? OR receiver_id = ?"},
		{"pairs", "user_id = ? OR other_id = ?"},
		{"reads", "reader_id = ? OR sender_id = ?"},
		{"notices", "user_id = ?"},
		{"online", "user_id = ?"},
		{"presence", "user_id = ?"},
		{"overdue", "receiver_id = ?"},
	} {
		args := make([]any, strings.Count(of.condition, "?"))
		for i := range args {
			args[i] = userID
		}
		var rows int
		if err := s.get(t.Context(), &rows, "SELECT COUNT(*) FROM {p}"+of.table+" WHERE "+of.condition, args...); err != nil {
			t.Fatal(err)
		}
		n += rows
	}
	return n
}

func testForget(t *testing.T, s *Store) {
	ann, bob, cid := mustCreate(t, s, "ann"), mustCreate(t, s, "bob"), mustCreate(t, s, "cid")
	in, err := s.SignIn(t.Context(), "ann", "secret of ann")
	if err != nil {
		t.Fatal(err)
	}
	// More than one page, in both directions, among others' and with gaps.
	var ops []chat.Op
	var ofAnn, ofCid []string
	for i := range 3*searchPage + 7 {
		for j, pair := range [][2]Account{{ann, bob}, {bob, ann}, {bob, cid}, {cid, ann}, {cid, bob}} {
			text := fmt.Sprint(i, ".", j)
			ops = append(ops, chat.Op{Save: &chat.Message{ChatID: text, SenderID: pair[0].ID, ReceiverID: pair[1].ID,
				SenderName: pair[0].Name, ReceiverName: pair[1].Name, Content: text, Time: time.UnixMilli(1504712402000)}})
			if j != 2 && j != 4 {
				ofAnn = append(ofAnn, text)
			}
			if j > 1 {
				ofCid = append(ofCid, text)
			}
		}
	}
	results := mustApply(t, s, ops...)
	mustApply(t, s, chat.Op{Confirm: &chat.Confirmation{ReceiverID: bob.ID, ID: results[0].Message.ID, Time: time.UnixMilli(1504712402000)}})
	if got := exported(t, s, ann.ID); !slices.Equal(got, ofAnn) {
		t.Fatalf("exported %d messages, want %d: %.200v", len(got), len(ofAnn), got)
	}

	enough, calls := errors.New("enough"), 0
	if err := s.Export(t.Context(), ann.ID, func(chat.Message) error { calls++; return enough }); !errors.Is(err, enough) || calls != 1 {
		t.Errorf("Export ended after %d calls with %v", calls, err)
	}
	broken, cancel := context.WithCancel(t.Context())
	cancel()
	if err := s.Export(broken, ann.ID, func(chat.Message) error { return nil }); !errors.Is(err, context.Canceled) {
		t.Error("Export with a cancelled context:", err)
	}
	if n, err := s.Forget(broken, ann.ID); n != 0 || !errors.Is(err, context.Canceled) {
		t.Error("Forget with a cancelled context:", n, err)
	}
	for _, nobody := range []int64{-1, 0, 1 << 50} {
		if n, err := s.Forget(t.Context(), nobody); n != 0 || err != nil || len(exported(t, s, nobody)) != 0 {
			t.Errorf("Forget(%d): %d, %v", nobody, n, err)
		}
	}
	if _, err := s.SaveNotice(t.Context(), chat.Notice{UserID: ann.ID, Kind: "Cmmnt", Body: []byte("{}"), Time: time.UnixMilli(1504712402000)}); err != nil {
		t.Fatal(err)
	}
	for _, read := range [][2]int64{{ann.ID, bob.ID}, {bob.ID, ann.ID}, {cid.ID, bob.ID}} {
		if _, _, err := s.MarkRead(t.Context(), read[0], read[1], 1<<40); err != nil {
			t.Fatal(err)
		}
	}
	for _, row := range []string{
		"INSERT INTO {p}online (node, user_id) VALUES (7, ?)",
		"INSERT INTO {p}presence (user_id, seen_at) VALUES (?, 1)",
		"INSERT INTO {p}overdue (receiver_id, up_to, due_at, tries) VALUES (?, 1, 1, 0)",
	} {
		if _, err := s.exec(t.Context(), row, ann.ID); err != nil {
			t.Fatal(err)
		}
	}
	const beside = 1 + 1 + 4 + 2 + 1 + 1 + 1 + 1 // account, token, pairs, reads, notice, online, presence, overdue
	if n := rowsAbout(t, s, ann.ID); n != len(ofAnn)+beside {
		t.Fatalf("%d rows about ann before, %d of them no messages", n, n-len(ofAnn))
	}

	highest := results[len(results)-1].Message.ID
	if n, err := s.Forget(t.Context(), ann.ID); n != int64(len(ofAnn)) || err != nil {
		t.Errorf("Forget: %d, %v, want %d", n, err, len(ofAnn))
	}
	if n := rowsAbout(t, s, ann.ID); n != 0 {
		t.Errorf("%d rows about ann are left", n)
	}
	if _, err := s.Authenticate(t.Context(), in.Token); !errors.Is(err, chat.ErrUnauthorized) {
		t.Error("ann's token:", err)
	}
	if _, err := s.SignIn(t.Context(), "ann", "secret of ann"); !errors.Is(err, ErrWrongPassword) {
		t.Error("ann signs in:", err)
	}
	for _, c := range []struct {
		receiver int64
		want     int
	}{{ann.ID, 0}, {bob.ID, len(ofAnn) / 3}, {cid.ID, len(ofAnn) / 3}} {
		if pending, err := s.Pending(t.Context(), c.receiver, 0, 10_000); len(pending) != c.want || err != nil {
			t.Errorf("%d are pending to %d, %v, want %d", len(pending), c.receiver, err, c.want)
		}
	}
	if history, err := s.Conversation(t.Context(), bob.ID, ann.ID, chat.Page{}, 10); len(history) != 0 || err != nil {
		t.Errorf("bob's copy has %d, %v", len(history), err)
	}
	if got, want := exported(t, s, cid.ID), slices.DeleteFunc(ofCid, func(text string) bool { return strings.HasSuffix(text, ".3") }); !slices.Equal(got, want) {
		t.Errorf("cid has %d messages, want %d", len(got), len(want))
	}
	if n, err := s.Forget(t.Context(), ann.ID); n != 0 || err != nil {
		t.Errorf("Forget again: %d, %v", n, err)
	}

	// All are gone, and no id comes again; neither by the highest one.
	for _, id := range []int64{bob.ID, cid.ID} {
		if _, err := s.Forget(t.Context(), id); err != nil {
			t.Error(err)
		}
	}
	if again := mustCreate(t, s, "ann"); again.ID <= cid.ID {
		t.Errorf("ann is %d, after %d", again.ID, cid.ID)
	}
	first := results[0].Message
	op := chat.Op{Save: &first}
	if r := mustApply(t, s, op)[0]; r.Err != nil || !r.Changed || r.Message.ID <= highest {
		t.Errorf("the msgID once more: %+v, want an id above %d", r, highest)
	}
}

func testSetPassword(t *testing.T, s *Store) {
	dan := mustCreate(t, s, "dan")
	in, err := s.SignIn(t.Context(), "dan", "secret of dan")
	if err != nil {
		t.Fatal(err)
	}
	for password, want := range map[string]error{"short": ErrBadPassword, "": ErrBadPassword, strings.Repeat("x", 1025): ErrBadPassword} {
		if err := s.SetPassword(t.Context(), dan.ID, password); !errors.Is(err, want) {
			t.Errorf("SetPassword(%.10q): %v", password, err)
		}
	}
	for _, id := range []int64{0, -1, 1 << 50} {
		if err := s.SetPassword(t.Context(), id, "another secret"); !errors.Is(err, chat.ErrNotFound) {
			t.Errorf("SetPassword(%d): %v", id, err)
		}
	}
	if _, err := s.SignIn(t.Context(), "dan", "secret of dan"); err != nil {
		t.Error("nothing was changed, and yet", err)
	}
	if err := s.SetPassword(t.Context(), dan.ID, "u\u0308ber secret"); err != nil {
		t.Fatal(err)
	}
	if _, err := s.SignIn(t.Context(), "dan", "secret of dan"); !errors.Is(err, ErrWrongPassword) {
		t.Error("with the old one:", err)
	}
	if _, err := s.SignIn(t.Context(), "dan", "über secret"); err != nil {
		t.Error("with the other one, of another keyboard:", err)
	}
	if _, err := s.Authenticate(t.Context(), in.Token); err != nil {
		t.Error("a token ended:", err)
	}
}

func testSignOutAll(t *testing.T, s *Store) {
	eve, tim := mustCreate(t, s, "eve"), mustCreate(t, s, "tim")
	var want []string
	for range 3 {
		in, err := s.SignIn(t.Context(), "eve", "secret of eve")
		if err != nil {
			t.Fatal(err)
		}
		want = append(want, in.TokenID)
	}
	other, err := s.SignIn(t.Context(), "tim", "secret of tim")
	if err != nil {
		t.Fatal(err)
	}
	got, err := s.SignOutAll(t.Context(), eve.ID)
	slices.Sort(got)
	slices.Sort(want)
	if err != nil || !slices.Equal(got, want) {
		t.Errorf("ended %v, %v, want %v", got, err, want)
	}
	for _, id := range []int64{eve.ID, 0, 1 << 50} {
		if got, err := s.SignOutAll(t.Context(), id); len(got) != 0 || err != nil {
			t.Errorf("SignOutAll(%d): %v, %v", id, got, err)
		}
	}
	if _, err := s.Authenticate(t.Context(), other.Token); err != nil {
		t.Error("another user's token ended:", err)
	}
	if got, err := s.SignOutAll(t.Context(), tim.ID); len(got) != 1 || got[0] != other.TokenID || err != nil {
		t.Errorf("then %v, %v", got, err)
	}
}

func testPurgeUnconfirmed(t *testing.T, s *Store) {
	day := 24 * time.Hour
	save := func(chatID string, age time.Duration) {
		op := saveOp(chatID)
		op.Save.Time = time.Now().Add(-age)
		mustApply(t, s, op)
	}
	save("old", 40*day)
	save("old and confirmed", 40*day)
	mustApply(t, s, confirmOp("old and confirmed"))
	save("young", 20*day)
	for _, before := range []time.Time{time.Now(), time.Now().Add(-29 * day), time.Now().Add(day)} {
		if n, err := s.PurgeUnconfirmed(t.Context(), before); n != 0 || !errors.Is(err, ErrTooYoung) {
			t.Errorf("PurgeUnconfirmed(%v): %d, %v", before, n, err)
		}
	}
	for _, want := range []int64{1, 0} {
		if n, err := s.PurgeUnconfirmed(t.Context(), time.Now().Add(-31*day)); n != want || err != nil {
			t.Errorf("PurgeUnconfirmed: %d, %v, want %d", n, err, want)
		}
	}
	wantPending(t, s, "young")
	if got := exported(t, s, 1); len(got) != 2 {
		t.Errorf("%d are left", len(got))
	}
}

// TestForgetGoesOnAfterABreak: what is left is found by the next call.
func TestForgetGoesOnAfterABreak(t *testing.T) {
	t.Parallel()
	s := openSQLiteStore(t)
	var ops []chat.Op
	for i := range 3 * searchPage {
		ops = append(ops, saveOp(fmt.Sprint(i)))
	}
	mustApply(t, s, ops...)
	s.write.MustExec(s.sql("CREATE TRIGGER broken BEFORE DELETE ON {p}messages WHEN OLD.chat_id = '150' BEGIN SELECT RAISE(ABORT, 'broken'); END"))
	n, err := s.Forget(t.Context(), 1)
	if n != searchPage || err == nil {
		t.Fatal(n, err)
	}
	s.write.MustExec("DROP TRIGGER broken")
	if n, err := s.Forget(t.Context(), 2); n != 2*searchPage || err != nil {
		t.Error(n, err)
	}
}

// TestForgetInSteps: a table with more rows about a user than one step takes.
func TestForgetInSteps(t *testing.T) {
	t.Parallel()
	steps := func(t *testing.T, s *Store) {
		insertUser(t, s, "ann")
		insertUser(t, s, "bob")
		for i := range 2*forgetRows + 1 {
			s.write.MustExec(s.sql("INSERT INTO {p}tokens (hash, user_id, expires_at) VALUES (?, ?, 0)"), fmt.Appendf(nil, "%d", i), 1+i%2)
		}
		if err := s.forgetRows(t.Context(), "tokens", "hash, user_id", "user_id = ? OR user_id = ?", 1); err != nil {
			t.Fatal(err)
		}
		if n := rowsAbout(t, s, 1); n != 1 {
			t.Error(n, "rows about ann")
		}
		if n := rowsAbout(t, s, 2); n != forgetRows+1 {
			t.Error(n, "rows about bob")
		}
	}
	steps(t, openSQLiteStore(t))
	eachServer(t, func(t *testing.T, kind string) { steps(t, openAt(t, scratch(t, kind))) })
}

// TestSignInMeetsAChange: a sign-in whose password is changed, or whose user is
// deleted, after it was found right gives no token.
func TestSignInMeetsAChange(t *testing.T) {
	t.Parallel()
	meets := func(t *testing.T, s *Store) {
		ann := mustCreate(t, s, "ann")
		setHash := func(hash string) error {
			_, err := s.exec(t.Context(), "UPDATE {p}users SET password = ? WHERE id = ?", hash, ann.ID)
			return err
		}
		var right string
		if err := s.get(t.Context(), &right, "SELECT password FROM {p}users WHERE id = ?", ann.ID); err != nil {
			t.Fatal(err)
		}
		for _, change := range []func() error{
			func() error { return setHash(nobodysPassword) },
			func() error { _, err := s.Forget(t.Context(), ann.ID); return err },
		} {
			if err := setHash(right); err != nil {
				t.Fatal(err)
			}
			// The slots for hashing are taken, so the sign-in has read its user and waits.
			var leave []func()
			for range maxHashing {
				l, err := s.hashing.enter(t.Context())
				if err != nil {
					t.Fatal(err)
				}
				leave = append(leave, l)
			}
			outcome := make(chan error)
			go func() { _, err := s.SignIn(t.Context(), "ann", "secret of ann"); outcome <- err }() // joined below
			for len(s.hashing.room) <= maxHashing {
				runtime.Gosched()
			}
			err := change()
			for _, l := range leave {
				l()
			}
			if got := <-outcome; err != nil || !errors.Is(got, ErrWrongPassword) {
				t.Error("SignIn:", got, err)
			}
			if n := rowsAbout(t, s, ann.ID); n > 1 {
				t.Error(n, "rows about ann")
			}
		}
	}
	meets(t, openSQLiteStore(t))
	eachServer(t, func(t *testing.T, kind string) { meets(t, openAt(t, scratch(t, kind))) })
}
