package sqlstore

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"
	"unicode"
	"unicode/utf8"

	"golang.org/x/crypto/argon2"
	"golang.org/x/text/unicode/norm"

	"fiberchat.example/fiberchat/chat"
)

func mustCreate(t testing.TB, s *Store, name string) Account {
	t.Helper()
	a, err := s.CreateUser(t.Context(), name, "", "secret of "+name)
	if err != nil {
		t.Fatalf("CreateUser(%q): %v", name, err)
	}
	return a
}

// insertUser is CreateUser without the cost of a password.
func insertUser(t testing.TB, s *Store, name string) {
	t.Helper()
	if _, err := s.write.Exec(s.sql("INSERT INTO {p}users (name, name_key, display_name, password, created_at) VALUES (?, ?, ?, ?, ?)"),
		name, NameKey(name), name, nobodysPassword, 0); err != nil {
		t.Fatal(err)
	}
}

func TestAccounts(t *testing.T) {
	t.Parallel()
	testAccounts(t, openSQLiteStore(t))
}

func testAccounts(t *testing.T, s *Store) {
	began := time.Now().Truncate(time.Millisecond)
	ann, err := s.CreateUser(t.Context(), "Ann", "Ann 起来 😀", "correct horse")
	if err != nil {
		t.Fatal(err)
	}
	if ann.ID <= 0 || ann.Name != "Ann" || ann.DisplayName != "Ann 起来 😀" || ann.CreatedAt.Before(began) || ann.CreatedAt.After(time.Now()) {
		t.Errorf("account: %+v", ann)
	}
	bob := mustCreate(t, s, "12345")
	if bob.ID <= ann.ID || bob.DisplayName != "12345" {
		t.Errorf("second account: %+v", bob)
	}
	for _, name := range []string{"Ann", "ANN", "ann", "Ａｎｎ", "ann\ufe0f"} {
		if a, err := s.AccountByName(t.Context(), name); err != nil || a != ann {
			t.Errorf("AccountByName(%q): %+v, %v", name, a, err)
		}
	}
	for _, name := range []string{"Anna", "", "\xff", "ann\x00", "a\xed\xa0\x80b", "' OR 1=1 --"} {
		if _, err := s.AccountByName(t.Context(), name); !errors.Is(err, chat.ErrNotFound) {
			t.Errorf("AccountByName(%q): %v, want ErrNotFound", name, err)
		}
	}
	if u, err := s.UserByID(t.Context(), bob.ID); err != nil || u != bob.User {
		t.Errorf("UserByID: %+v, %v", u, err)
	}
	for _, id := range []int64{0, -1, bob.ID + 1000, 12345} {
		if _, err := s.UserByID(t.Context(), id); !errors.Is(err, chat.ErrNotFound) {
			t.Errorf("UserByID(%d): %v, want ErrNotFound", id, err)
		}
	}
	for i := range 5 {
		insertUser(t, s, fmt.Sprint("user", i))
	}
	var names []string
	for after := int64(0); ; {
		page, err := s.Accounts(t.Context(), after, 3)
		if err != nil || len(page) > 3 {
			t.Fatalf("Accounts: %d, %v", len(page), err)
		}
		if len(page) == 0 {
			break
		}
		for _, a := range page {
			names = append(names, a.Name)
		}
		after = page[len(page)-1].ID
	}
	if got := strings.Join(names, " "); got != "Ann 12345 user0 user1 user2 user3 user4" {
		t.Errorf("accounts: %s", got)
	}
	if none, err := s.Accounts(t.Context(), 0, 0); len(none) != 0 || err != nil {
		t.Errorf("Accounts with limit 0: %v, %v", none, err)
	}
}

func TestNames(t *testing.T) {
	t.Parallel()
	s := openSQLiteStore(t)
	for _, name := range []string{
		"", " ", "a ", " a", strings.Repeat("x", 65), strings.Repeat("语", 65), "a/b", `a\b`, "a:b", "a\nb", "a\x00b", "\x7f", "\xff", "a\u200bb", "a\u202eb", "\ufe0f", "\u2028", "\u3164",
		"\u200c", "\u200d\u200c", "a\u2800", "a\U0001d159b", "a\U00016fe4", "a\u3164b", "a\uffa0b", "a\u115fb", "a\u1160b", "a\u17b4b", "a\u17b5b", "a\u00adb", "a\u2060b", "a\u2066b",
	} {
		if _, err := s.CreateUser(t.Context(), name, "x", "secret"); !errors.Is(err, ErrBadName) {
			t.Errorf("CreateUser(%q): %v, want ErrBadName", name, err)
		}
		if _, err := s.CreateUser(t.Context(), "fine", "a\nb", "secret"); !errors.Is(err, ErrBadName) {
			t.Errorf("display name with a line break: %v, want ErrBadName", err)
		}
	}
	for _, name := range []string{"x", "语", "0", "-1", "null", "queue", strings.Repeat("语", 64), "Wu Susu", "o'neil", "a+b%20c?d#e", "❤️", "Ünïcode", strings.Repeat("ﷺ", 64),
		"Mia 👩\u200d💻", "👨\u200d👩\u200d👧\u200d👦", "🏳️\u200d🌈", "ශ්\u200dරී", "ന്\u200d", "علی\u200cرضا", "क्\u200dष", "র\u200d্য", "ರ\u200d್ಕ", "ᠭᠠ\u180b"} {
		if err := checkName(name); err != nil {
			t.Errorf("checkName(%q): %v", name, err)
		}
	}
	for _, same := range [][]string{
		{"ann", "ANN", "Ann", "ａｎｎ"}, {"straße", "STRASSE"}, {"é", "e\u0301", "É"}, {"❤", "❤️"}, {"wu susu", "Wu  Susu", "wu\u3000susu"}, {"ﬁn", "fin"}, {"K", "\u212a", "k"},
		{"ö", "o\u034f\u0308", "O\ufe0f\u0308"}, {"가", "ᄀ\u034fᅡ", "ᄀ\u200dᅡ"}, {"ada", "a\u200dda", "\u200cAda", "ada\u200d\u200c"}, {"ක්\u200dෂ", "ක්ෂ"}, {"à", "a\u200d\u0300"}, {"ΐ", "ι\u034f\u0308\u0301", "Ι\u0308\ufe0f\u0301"},
	} {
		insertUser(t, s, same[0])
		for _, name := range same {
			if _, err := s.CreateUser(t.Context(), name, "", "secret"); !errors.Is(err, ErrNameTaken) {
				t.Errorf("CreateUser(%q) beside %q: %v, want ErrNameTaken", name, same[0], err)
			}
		}
	}
}

// Whatever of the invisible a name may have, its key has not: else there were
// two accounts that look the same.
func TestNamesDifferByWhatIsSeen(t *testing.T) {
	t.Parallel()
	invisible := []*unicode.RangeTable{unicode.Cf, unicode.Cc, unicode.Join_Control, unicode.Variation_Selector, unicode.Other_Default_Ignorable_Code_Point}
	for r := range rune(unicode.MaxRune + 1) {
		name := "a" + string(r) + "b"
		if unicode.In(r, invisible...) && checkName(name) == nil && NameKey(name) != "ab" {
			t.Errorf("%U is taken, and makes the key %q", r, NameKey(name))
		}
	}
}

// A key is a name's last form, short, and text that every database takes.
func FuzzNameKey(f *testing.F) {
	for _, name := range []string{"Ann", "e\u034f\u0301", "ᄀ\u034fᅡ", "ﷺ", "a\x00", "\xff", "İ", "ᾳ\u0345", " a\u00a0 \u3164b", "ẞ\u034f\u0323\u0307", "a\u200d\u0300", "\u200c"} {
		f.Add(name)
	}
	f.Fuzz(func(t *testing.T, name string) {
		key := NameKey(name)
		if len(key) > maxKey || strings.ContainsRune(key, 0) || !utf8.ValidString(key) {
			t.Fatalf("NameKey(%q) is %q", name, key)
		}
		if len(key) <= maxSpelling && NameKey(key) != key {
			t.Fatalf("NameKey(%q) is %q, and of that %q", name, key, NameKey(key))
		}
		if checkName(name) != nil {
			return
		}
		for _, form := range []norm.Form{norm.NFC, norm.NFD, norm.NFKC} {
			if other := form.String(name); NameKey(other) != key {
				t.Fatalf("NameKey(%q) is %q, of its form %q it is %q", name, key, other, NameKey(other))
			}
		}
	})
}

// Two who want one name at once: the index decides.
func TestNameRace(t *testing.T) {
	t.Parallel()
	s := openSQLiteStore(t)
	var all sync.WaitGroup
	errs := make([]error, 2)
	for i, name := range []string{"ann", "ANN"} {
		all.Go(func() { _, errs[i] = s.CreateUser(t.Context(), name, "", "secret") }) // awaited below
	}
	all.Wait()
	if taken := errors.Join(errs...); !errors.Is(taken, ErrNameTaken) || errs[0] != nil && errs[1] != nil {
		t.Errorf("%v and %v, want one ErrNameTaken", errs[0], errs[1])
	}
	s.write.MustExec(s.sql("DELETE FROM {p}users"))
	insertUser(t, s, "bob")
	if _, err := s.write.Exec(s.sql("INSERT INTO {p}users (name, name_key, display_name, password, created_at) VALUES ('Bob', 'bob', '', '', 0)")); !isDuplicate(err) {
		t.Errorf("a second row of one name: %v, want a duplicate", err)
	}
}

func TestPasswords(t *testing.T) {
	t.Parallel()
	s := openSQLiteStore(t)
	for _, password := range []string{"", "12345", strings.Repeat("x", 1025)} {
		if _, err := s.CreateUser(t.Context(), "ann", "", password); !errors.Is(err, ErrBadPassword) {
			t.Errorf("password of %d bytes: %v, want ErrBadPassword", len(password), err)
		}
	}
	var stored string
	mustCreate(t, s, "ann")
	if err := s.read.Get(&stored, s.sql("SELECT password FROM {p}users WHERE name = ?"), "ann"); err != nil {
		t.Fatal(err)
	}
	if !strings.HasPrefix(stored, "$argon2id$v=19$m=19456,t=2,p=1$") {
		t.Errorf("stored as %q", stored)
	}
	for _, damaged := range []string{
		"", "x", "$argon2id$v=19$m=19456,t=2,p=1$$", strings.Replace(stored, "m=19456", "m=99999999", 1), strings.Replace(stored, "t=2", "t=0", 1), strings.Replace(stored, "argon2id", "argon2i", 1),
	} {
		if same, err := s.samePassword(t.Context(), "secret of ann", damaged); same || err == nil {
			t.Errorf("stored password %q: %v, %v", damaged, same, err)
		}
	}
}

// One keyboard composes, another does not, and a row from before any of them
// did is as it was typed.
func TestPasswordsInEveryForm(t *testing.T) {
	t.Parallel()
	s := openSQLiteStore(t)
	long := strings.Repeat("é", maxPassword/2)
	for _, test := range []struct{ typed, again string }{
		{"Gr\u00fc\u00dfe2024", "Gru\u0308\u00dfe2024"}, {"비밀번호암호", norm.NFD.String("비밀번호암호")}, {"mật khẩu", norm.NFD.String("mật khẩu")},
		{"パスポート", norm.NFD.String("パスポート")}, {"１２３４５６", "123456"}, {long, norm.NFD.String(long)},
	} {
		for _, c := range [][2]string{{test.typed, test.again}, {test.again, test.typed}} {
			stored, err := s.hashPassword(t.Context(), c[0])
			if err != nil {
				t.Fatal(err)
			}
			if same, err := s.samePassword(t.Context(), c[1], stored); !same || err != nil {
				t.Errorf("%.30q typed as %.30q: %v, %v", c[0], c[1], same, err)
			}
		}
	}
	stored, err := s.hashPassword(t.Context(), "Grüße 2024")
	if err != nil {
		t.Fatal(err)
	}
	for _, other := range []string{"grüße 2024", "Gruße 2024", "Grüße2024", "Grüße 2024 ", "Grüsse 2024", "Grüße  2024"} {
		if same, err := s.samePassword(t.Context(), other, stored); same || err != nil {
			t.Errorf("%q: %v, %v", other, same, err)
		}
	}
	for _, typed := range []string{"Gru\u0308\u00dfe2024", "１２３４５６", strings.Repeat("ﷺ", maxPassword/3)} {
		salt := []byte("sixteen octets..")
		stored := formatPassword(salt, argon2.IDKey([]byte(typed), salt, argonTime, argonMemory, argonThreads, argonKey))
		if same, err := s.samePassword(t.Context(), typed, stored); !same || err != nil {
			t.Errorf("%.30q, stored as it was typed: %v, %v", typed, same, err)
		}
	}
	// How a password is typed does not decide whether it is long enough.
	for _, password := range []string{"e\u0301e\u0301e\u0301", norm.NFD.String("각각")} {
		if err := checkPassword(password); !errors.Is(err, ErrBadPassword) {
			t.Errorf("%q: %v, want ErrBadPassword", password, err)
		}
	}
	if err := checkPassword(norm.NFD.String(long)); err != nil {
		t.Errorf("the longest password, decomposed: %v", err)
	}
}

func TestSignIn(t *testing.T) {
	t.Parallel()
	testSignIn(t, openSQLiteStore(t))
}

func testSignIn(t *testing.T, s *Store) {
	ann := mustCreate(t, s, "ann")
	for _, c := range [][2]string{{"ann", "secret of bob"}, {"ann", ""}, {"ann", strings.Repeat("x", 5000)}, {"bob", "secret of ann"}, {"", ""}, {"ann\x00", "secret of ann"}, {"ann\xff", "secret of ann"}} {
		if _, err := s.SignIn(t.Context(), c[0], c[1]); !errors.Is(err, ErrWrongPassword) {
			t.Errorf("SignIn(%q): %v, want ErrWrongPassword", c[0], err)
		}
	}
	one, err := s.SignIn(t.Context(), "ANN", "secret of ann")
	if err != nil {
		t.Fatal(err)
	}
	two, err := s.SignIn(t.Context(), "ann", "secret of ann")
	if err != nil {
		t.Fatal(err)
	}
	if one.Token == two.Token || one.TokenID == two.TokenID || len(one.Token) != 43 || strings.Contains(one.Token, one.TokenID) {
		t.Errorf("tokens %+v, %+v", one, two)
	}
	if one.Account != ann || one.ExpiresAt.Sub(one.CreatedAt) != 30*24*time.Hour {
		t.Errorf("signed in: %+v", one)
	}
	want := chat.Identity{TokenID: one.TokenID, User: ann.User, ExpiresAt: one.ExpiresAt}
	if id, err := s.Authenticate(t.Context(), one.Token); err != nil || id != want {
		t.Errorf("Authenticate: %+v, %v, want %+v", id, err, want)
	}
	for _, token := range []string{"", "x", one.TokenID, one.Token + "x", one.Token[1:], strings.ToUpper(one.Token), "' OR 1=1 --"} {
		if id, err := s.Authenticate(t.Context(), token); !errors.Is(err, chat.ErrUnauthorized) || id != (chat.Identity{}) {
			t.Errorf("Authenticate(%q): %+v, %v, want ErrUnauthorized", token, id, err)
		}
	}
	for range 2 {
		if id, err := s.SignOut(t.Context(), one.Token); err != nil || id != one.TokenID {
			t.Errorf("SignOut: %q, %v", id, err)
		}
		if _, err := s.Authenticate(t.Context(), one.Token); !errors.Is(err, chat.ErrUnauthorized) {
			t.Errorf("Authenticate after SignOut: %v", err)
		}
	}
	if _, err := s.Authenticate(t.Context(), two.Token); err != nil {
		t.Errorf("the other token ended too: %v", err)
	}
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if _, err := s.Authenticate(ctx, two.Token); !errors.Is(err, context.Canceled) {
		t.Errorf("Authenticate with a cancelled context: %v", err)
	}
}

// One account does not fill the disk with tokens.
func testTokensAreBounded(t *testing.T, s *Store) {
	for _, name := range []string{"tom", "tim"} { // with a password that takes no time
		insertUser(t, s, name)
		salt := []byte("sixteen octets..")
		stored := formatPassword(salt, argon2.IDKey([]byte("secret"), salt, 1, 8, 1, argonKey))
		s.write.MustExec(s.sql("UPDATE {p}users SET password = ? WHERE name = ?"), strings.Replace(stored, "m=19456,t=2", "m=8,t=1", 1), name)
	}
	other, err := s.SignIn(t.Context(), "tim", "secret")
	if err != nil {
		t.Fatal(err)
	}
	var tokens []string
	for range userTokens + 2 {
		s.cfg.TokenLifetime += time.Second // so that no two end at once
		in, err := s.SignIn(t.Context(), "tom", "secret")
		if err != nil {
			t.Fatal(err)
		}
		tokens = append(tokens, in.Token)
	}
	for i, token := range append(tokens, other.Token) {
		if _, err := s.Authenticate(t.Context(), token); errors.Is(err, chat.ErrUnauthorized) != (i < 2) {
			t.Errorf("token %d of %d: %v", i+1, len(tokens), err)
		}
	}
}

func TestTokensAreBounded(t *testing.T) {
	t.Parallel()
	testTokensAreBounded(t, openSQLiteStore(t))
}

func TestTokensExpire(t *testing.T) {
	t.Parallel()
	s := openSQLiteStore(t)
	s.cfg.TokenLifetime = time.Nanosecond
	mustCreate(t, s, "ann")
	in, err := s.SignIn(t.Context(), "ann", "secret of ann")
	if err != nil {
		t.Fatal(err)
	}
	if id, err := s.Authenticate(t.Context(), in.Token); !errors.Is(err, chat.ErrExpired) || id != (chat.Identity{}) {
		t.Errorf("Authenticate: %+v, %v, want ErrExpired", id, err)
	}
	var stored string
	if err := s.read.Get(&stored, s.sql("SELECT hex(hash) FROM {p}tokens")); err != nil || strings.Contains(stored, in.Token) || len(stored) != 64 {
		t.Errorf("stored as %q, %v", stored, err)
	}
	// Long after, the next sign-in clears it away, not this one's.
	if _, err := s.write.Exec(s.sql("UPDATE {p}tokens SET expires_at = ?"), time.Now().Add(-keepExpired-time.Hour).UnixMilli()); err != nil {
		t.Fatal(err)
	}
	s.cfg.TokenLifetime = time.Hour
	next, err := s.SignIn(t.Context(), "ann", "secret of ann")
	if err != nil {
		t.Fatal(err)
	}
	if _, err := s.Authenticate(t.Context(), in.Token); !errors.Is(err, chat.ErrUnauthorized) {
		t.Errorf("an old token: %v, want ErrUnauthorized", err)
	}
	if _, err := s.Authenticate(t.Context(), next.Token); err != nil {
		t.Error(err)
	}
}

// A caller that gives up does not stay in the queue for a hash.
func TestHashingIsBounded(t *testing.T) {
	t.Parallel()
	s := openSQLiteStore(t)
	for range maxHashing {
		s.hashing.inside <- struct{}{}
	}
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if _, err := s.hashPassword(ctx, "secret"); !errors.Is(err, context.Canceled) {
		t.Errorf("with all slots taken: %v, want context.Canceled", err)
	}
	<-s.hashing.inside
	if _, err := s.hashPassword(t.Context(), "secret"); err != nil {
		t.Errorf("with a free slot: %v", err)
	}
}

// Who finds the queue full is told so at once, and nothing is hashed for it.
func TestHashingQueueIsBounded(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		g := newGate(1, 2)
		leave, err := g.enter(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		var waiting sync.WaitGroup
		for range 2 {
			waiting.Go(func() { // awaited below
				leave, err := g.enter(t.Context())
				if err != nil {
					t.Errorf("waiting: %v", err)
					return
				}
				leave()
			})
		}
		synctest.Wait()
		begun := time.Now()
		if _, err := g.enter(t.Context()); !errors.Is(err, ErrBusy) || !time.Now().Equal(begun) {
			t.Errorf("with a full queue: %v after %v, want ErrBusy at once", err, time.Since(begun))
		}
		leave()
		waiting.Wait()

		leave, err = g.enter(t.Context())
		if err != nil {
			t.Fatalf("with an empty queue: %v", err)
		}
		if _, err := g.enter(t.Context()); !errors.Is(err, ErrBusy) || time.Since(begun) != hashingWait {
			t.Errorf("with nobody leaving: %v after %v, want ErrBusy after %v", err, time.Since(begun), hashingWait)
		}
		leave()
		if len(g.room) > 0 || len(g.inside) > 0 {
			t.Errorf("%d and %d left in the end", len(g.room), len(g.inside))
		}
	})
}

// While people sign up as fast as they can, others can still sign in.
func TestSignUpsLeaveRoomForSignIns(t *testing.T) {
	t.Parallel()
	s := openSQLiteStore(t)
	if _, err := s.CreateUser(t.Context(), "ada", "", "secret"); err != nil {
		t.Fatal(err)
	}
	s.signUps.inside <- struct{}{} // somebody signs up
	s.hashing.inside <- struct{}{}
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if _, err := s.hashPassword(ctx, "secret"); !errors.Is(err, context.Canceled) {
		t.Errorf("a second one: %v, want context.Canceled", err)
	}
	if _, err := s.SignIn(t.Context(), "ada", "secret"); err != nil {
		t.Errorf("sign in: %v", err)
	}
}

// A name that can be nobody's is refused as a wrong one, and not looked at:
// folding this one made 46 MiB of it.
func TestSignInWithEndlessName(t *testing.T) {
	t.Parallel()
	s := openSQLiteStore(t)
	endless := strings.Repeat("ﷺ", 1<<20)
	if key := NameKey(endless); key != "" {
		t.Errorf("a key of %d bytes", len(key))
	}
	if _, err := s.SignIn(t.Context(), endless, "secret"); !errors.Is(err, ErrWrongPassword) {
		t.Errorf("sign in: %v, want ErrWrongPassword", err)
	}
	// What people type in another form is still found.
	name := strings.Repeat("ǖ", maxName)
	if NameKey(norm.NFD.String(name)) != NameKey(name) || NameKey(name) == "" {
		t.Error("a name of the longest kind has another key when it is spelled out")
	}
}
