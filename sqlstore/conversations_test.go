package sqlstore

import (
	"fmt"
	"io/fs"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"fiberchat.example/fiberchat/chat"
)

// fillConversations stores n messages of user 1 and others, from and to each in
// turn, without Apply's cost.
func fillConversations(t testing.TB, s *Store, n, others int) {
	t.Helper()
	key, keyed, series := "", "", "generate_series(1, %d) AS n (i)"
	switch s.dialect.name {
	case "mysql":
		series = "(WITH RECURSIVE n (i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < %d) SELECT i FROM n) AS n"
	case "sqlite":
		key, keyed = "chat_key, ", "i, "
		series = "(WITH RECURSIVE n (i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < %d) SELECT i FROM n) AS n"
	}
	conn, err := s.write.Connx(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close()
	if s.dialect.name == "mysql" {
		conn.ExecContext(t.Context(), "SET SESSION max_recursive_iterations = 10000000") // MariaDB's name
		conn.ExecContext(t.Context(), "SET SESSION cte_max_recursion_depth = 10000000")  // MySQL's name
	}
	other := fmt.Sprintf("(i - i %% 2) / 2 %% %d + 2", others)
	if s.dialect.name == "mysql" {
		other = strings.Replace(other, "/", "DIV", 1)
	}
	for _, query := range []string{
		fmt.Sprintf(`INSERT INTO {p}messages (`+key+`chat_id, sender_id, receiver_id, sender_name, receiver_name, content, sent_at, received_at)
			SELECT `+keyed+`CONCAT('m', i), CASE i %% 2 WHEN 0 THEN 1 ELSE %s END, CASE i %% 2 WHEN 1 THEN 1 ELSE %s END,
			'ann', 'bob', 'hello, how are you?', 1, 1 FROM `+series, other, other, n),
		map[string]string{"postgres": "VACUUM ANALYZE {p}messages", "mysql": "ANALYZE TABLE {p}messages", "sqlite": "SELECT 1"}[s.dialect.name],
	} {
		if _, err := conn.ExecContext(t.Context(), s.sql(query)); err != nil {
			t.Fatal(err)
		}
	}
}

// migratePairs carries out the migration that makes the tables of pairs and of
// what was read, in place of those that are there.
func migratePairs(t testing.TB, s *Store) time.Duration {
	t.Helper()
	files, err := fs.Glob(migrations, "migration/"+s.dialect.name+"/*_pairs.sql")
	if err != nil || len(files) != 1 {
		t.Fatal(files, err)
	}
	text, err := migrations.ReadFile(files[0])
	if err != nil {
		t.Fatal(err)
	}
	s.write.MustExec(s.sql("DROP TABLE {p}pairs"))
	s.write.MustExec(s.sql("DROP TABLE {p}reads"))
	began := time.Now()
	for _, statement := range statements(string(text)) {
		if strings.TrimSpace(statement) != "" {
			s.write.MustExec(s.sql(statement))
		}
	}
	return time.Since(began)
}

// What was stored before there were pairs is listed too.
func TestMigrationFindsPairs(t *testing.T) {
	t.Parallel()
	eachDatabase(t, func(t *testing.T, s *Store) {
		if s.dialect.name == "sqlite" { // leaves a row in place of the highest id
			mustApply(t, s, saveOp("gone"))
			s.write.MustExec(s.sql("DELETE FROM {p}messages"))
		}
		fillConversations(t, s, 100, 7)
		migratePairs(t, s)
		var rows []struct{ A, B int64 }
		if err := s.read.Select(&rows, s.sql("SELECT user_id AS a, other_id AS b FROM {p}pairs ORDER BY 1, 2")); err != nil || len(rows) != 14 {
			t.Errorf("%d pairs: %v, %v", len(rows), rows, err)
		}
		all, err := s.Conversations(t.Context(), 1, 0, 100)
		if err != nil || len(all) != 7 {
			t.Errorf("%d conversations, %v", len(all), err)
		}
		for _, c := range all {
			if c.Unread != 7 && c.Unread != 8 {
				t.Errorf("%d unread of %+v", c.Unread, c.Other)
			}
		}
	})
}

// A pair is written once in a while, by whoever stores the first message, and
// again where somebody has deleted it.
func TestPairsAreWrittenSeldom(t *testing.T) {
	t.Parallel()
	eachDatabase(t, func(t *testing.T, s *Store) {
		count := func() (n int) {
			t.Helper()
			if err := s.read.Get(&n, s.sql("SELECT COUNT(*) FROM {p}pairs")); err != nil {
				t.Fatal(err)
			}
			return n
		}
		mustApply(t, s, saveOp("1"), saveOp("2"))
		if n := count(); n != 2 {
			t.Errorf("%d rows, want both sides of one pair", n)
		}
		s.write.MustExec(s.sql("DELETE FROM {p}pairs"))
		mustApply(t, s, saveOp("3"))
		if n := count(); n != 0 {
			t.Errorf("%d rows, a known pair was written again", n)
		}
		for _, p := range s.pairs.known.Keys() {
			s.pairs.known.Add(p, time.Now().Add(-time.Second))
		}
		mustApply(t, s, saveOp("4"))
		if n := count(); n != 2 {
			t.Errorf("%d rows after a while, want 2", n)
		}
		// More than a statement takes.
		var ops []chat.Op
		for i := range int64(pairRows) {
			ops = append(ops, chat.Op{Save: &chat.Message{ChatID: fmt.Sprint("many", i), SenderID: 1, ReceiverID: 1000 - i + 10, Content: "x"}})
		}
		ops = append(ops, chat.Op{Save: &chat.Message{ChatID: "bad", SenderID: -1, ReceiverID: 5, Content: "x"}})
		if _, err := s.Apply(t.Context(), ops); err != nil {
			t.Fatal(err)
		}
		if n := count(); n != 2+2*pairRows {
			t.Errorf("%d rows, want %d", n, 2+2*pairRows)
		}
		if n := s.pairs.known.Len(); n != pairRows+1 {
			t.Errorf("%d are known", n)
		}
	})
}

// A message without its pair would be in no list, so there is none.
func TestNoMessageWithoutItsPair(t *testing.T) {
	t.Parallel()
	eachDatabase(t, func(t *testing.T, s *Store) {
		s.write.MustExec(s.sql("ALTER TABLE {p}pairs RENAME TO {p}away"))
		if _, err := s.Apply(t.Context(), []chat.Op{saveOp("1")}); err == nil {
			t.Error("it was stored")
		}
		s.write.MustExec(s.sql("ALTER TABLE {p}away RENAME TO {p}pairs"))
		wantPending(t, s)
		mustApply(t, s, saveOp("1"))
		if all, err := s.Conversations(t.Context(), 2, 0, 1); err != nil || len(all) != 1 {
			t.Errorf("%d conversations, %v", len(all), err)
		}
	})
}

// On SQLite a pair is stored with its message, for which it would else be a
// commit more.
func TestPairIsStoredWithItsMessage(t *testing.T) {
	t.Parallel()
	s := openAt(t, filepath.Join(t.TempDir(), "chat.db"))
	s.write.MustExec(s.sql("ALTER TABLE {p}messages RENAME TO {p}away"))
	if _, err := s.Apply(t.Context(), []chat.Op{saveOp("1")}); err == nil {
		t.Error("it was stored")
	}
	var n int
	if err := s.read.Get(&n, s.sql("SELECT COUNT(*) FROM {p}pairs")); err != nil || n != 0 || s.pairs.known.Len() != 0 {
		t.Errorf("%d pairs are stored, %v, and %d known", n, err, s.pairs.known.Len())
	}
}

// While a transaction has given an id and is not committed, what others store
// above it is there, and it is not settled.
func TestSettledWaitsForWhatIsOnItsWay(t *testing.T) {
	t.Parallel()
	eachServer(t, func(t *testing.T, kind string) {
		dsn := scratch(t, kind)
		a, b := openAt(t, dsn), openAt(t, dsn)
		save := func(s *Store, to int64, chatID string, at time.Time) int64 {
			t.Helper()
			return mustApply(t, s, chat.Op{Save: &chat.Message{ChatID: chatID, SenderID: 1, ReceiverID: to, Content: "x", Time: at}})[0].Message.ID
		}
		fillConversations(t, a, 2000, 10)
		old := save(a, 2, "old", time.Now().Add(-time.Hour))
		tx := a.write.MustBegin()
		defer tx.Rollback()
		tx.MustExec(a.sql(`INSERT INTO {p}messages (chat_id, sender_id, receiver_id, sender_name, receiver_name, content, sent_at)
			VALUES ('late', 1, 2, 'ann', 'bob', 'x', ?)`), time.Now().UnixMilli())
		var newest int64
		for i := range 300 { // further than the first steps go back
			newest = save(b, 3, fmt.Sprint("new", i), time.Now())
		}
		settled, err := b.Settled(t.Context())
		if err != nil || settled > old || settled == 0 {
			t.Fatalf("settled up to %d, %v; %d is on its way", settled, err, old+1)
		}
		chatIDs := func() (ids []string) {
			for after := settled; ; {
				page, err := b.Since(t.Context(), 1, after, 100)
				if err != nil {
					t.Fatal(err)
				}
				for _, m := range page {
					ids, after = append(ids, m.ChatID), m.ID
				}
				if len(page) < 100 {
					return ids
				}
			}
		}
		if ids := chatIDs(); slices.Contains(ids, "late") || !slices.Contains(ids, "new299") {
			t.Errorf("before the commit: %v", ids)
		}
		if err := tx.Commit(); err != nil {
			t.Fatal(err)
		}
		if ids := chatIDs(); !slices.Contains(ids, "late") {
			t.Errorf("after the commit: %v", ids)
		}
		b.write.MustExec(b.sql("UPDATE {p}messages SET sent_at = 1"))
		if settled, err := b.Settled(t.Context()); err != nil || settled != newest {
			t.Errorf("settled up to %d, %v, want %d", settled, err, newest)
		}
	})
}

// A mark that another one has overtaken, between its look and its write, changes
// nothing and says so: who is notified must not hear of less than before.
func TestMarkReadOvertaken(t *testing.T) {
	t.Parallel()
	test := func(t *testing.T, s *Store) {
		note := func(id, want int64, changed bool) {
			t.Helper()
			if got, c, err := s.noteRead(t.Context(), 2, 1, id); err != nil || got != want || c != changed {
				t.Errorf("note %d: %d, %v, %v, want %d, %v", id, got, c, err, want, changed)
			}
		}
		note(5, 5, true)
		note(9, 9, true)
		note(7, 9, false)
		note(9, 9, true) // as after an answer that was lost
	}
	t.Run("sqlite", func(t *testing.T) {
		t.Parallel()
		test(t, openSQLiteStore(t))
	})
	eachServer(t, func(t *testing.T, kind string) { test(t, openAt(t, scratch(t, kind))) })
}
