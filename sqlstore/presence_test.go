package sqlstore

import (
	"fmt"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
	"time"

	"fiberchat.example/fiberchat/chat"
)

// eachDatabase runs a test on an empty store of every kind.
func eachDatabase(t *testing.T, test func(t *testing.T, s *Store)) {
	t.Run("sqlite", func(t *testing.T) {
		t.Parallel()
		test(t, openSQLiteStore(t))
	})
	eachServer(t, func(t *testing.T, kind string) { test(t, openAt(t, scratch(t, kind))) })
}

func savePresence(t testing.TB, s *Store, node int64, from, n int64, online bool) {
	t.Helper()
	changes := make([]chat.Presence, n)
	for i := range changes {
		changes[i] = chat.Presence{UserID: from + int64(i), Online: online, LastSeen: time.Now()}
	}
	if _, err := s.SavePresence(t.Context(), node, changes); err != nil {
		t.Fatal(err)
	}
}

// However many users there are, those asked about, and those who leave, are
// found by an index.
func TestPresencePlans(t *testing.T) {
	t.Parallel()
	eachDatabase(t, func(t *testing.T, s *Store) {
		for node := range int64(4) {
			savePresence(t, s, node+1, 1, 5000, true)
		}
		savePresence(t, s, 9, 1, 20_000, false)
		explain := "EXPLAIN QUERY PLAN "
		if s.dialect.server {
			explain = "EXPLAIN "
			for _, table := range []string{"online", "presence", "nodes"} {
				analyze := "ANALYZE {p}"
				if s.dialect.name == "mysql" {
					analyze = "ANALYZE TABLE {p}"
				}
				s.write.MustExec(s.sql(analyze + table))
			}
		}
		var ids []string
		for id := range 100 {
			ids = append(ids, fmt.Sprint(id*150))
		}
		for name, query := range map[string]string{
			"read":        fmt.Sprintf(readPresenceSQL, 90_000, 1, strings.Join(ids, ", ")),
			"leave":       "DELETE FROM {p}online WHERE node = 3 AND user_id IN (" + strings.Join(ids, ", ") + ")",
			"of one node": fmt.Sprintf(usersOfSQL, 3, 10),
		} {
			rows, err := s.write.Queryx(explain + s.presenceText(query))
			if err != nil {
				t.Fatalf("%s: %v", name, err)
			}
			var plan []string
			for rows.Next() {
				columns, err := rows.SliceScan()
				if err != nil {
					t.Fatal(err)
				}
				for i, c := range columns {
					if text, ok := c.([]byte); ok {
						columns[i] = string(text)
					}
				}
				plan = append(plan, fmt.Sprint(columns...))
			}
			if err := rows.Err(); err != nil {
				t.Fatal(err)
			}
			text := strings.Join(plan, "\n")
			// SQLite, PostgreSQL, MySQL.
			if scan := regexp.MustCompile(`SCAN (o|fiberchat_presence|fiberchat_online)\b|Seq Scan on fiberchat_(online|presence)|(o|fiberchat_presence|fiberchat_online)(<nil>)? ?(ALL|index)\b`).FindString(text); scan != "" {
				t.Errorf("%s reads a table (%s):\n%s", name, scan, text)
			}
			if !strings.Contains(text, "online") && !strings.Contains(text, "PRIMARY") {
				t.Errorf("that is no plan of %s:\n%s", name, text)
			}
		}
	})
}

// The beat is dated by the database, so the clocks of nodes may differ.
func TestBeatsAreOfTheDatabasesClock(t *testing.T) {
	t.Parallel()
	eachDatabase(t, func(t *testing.T, s *Store) {
		savePresence(t, s, 1, 1, 1, true)
		var beat, ahead int64
		if err := s.read.Get(&beat, s.sql("SELECT beat_at FROM {p}nodes")); err != nil {
			t.Fatal(err)
		}
		if err := s.read.Get(&ahead, s.presenceText("SELECT {now}")); err != nil || ahead < beat || ahead > beat+60_000 {
			t.Errorf("beat at %d, it is %d, %v", beat, ahead, err)
		}
		if ago := time.Since(time.UnixMilli(beat)); ago.Abs() > time.Minute { // both clocks are this machine's
			t.Errorf("the beat is %v ago", ago)
		}
	})
}

// BenchmarkPresence is what a node writes when 10,000 users come at once, when
// one does, and at a beat; and what a question about 1,000 users takes.
func BenchmarkPresence(b *testing.B) {
	for _, kind := range []string{"sqlite", "postgres", "mysql"} {
		b.Run(kind, func(b *testing.B) {
			dsn := filepath.Join(b.TempDir(), "chat.db")
			if kind != "sqlite" {
				dsn = scratch(b, kind)
			}
			s := openAt(b, dsn)
			for _, n := range []int64{10_000, 1, 0} {
				b.Run(fmt.Sprint("save ", n), func(b *testing.B) {
					for i := range int64(b.N) {
						savePresence(b, s, 1, 1, n, i%2 == 0)
					}
				})
			}
			savePresence(b, s, 1, 1, 10_000, true)
			b.Run("read 1000", func(b *testing.B) {
				ids := make([]int64, 1000)
				for i := range ids {
					ids[i] = int64(i)*10 + 1
				}
				for range b.N {
					if found, err := s.Presence(b.Context(), 2, time.Minute, ids); err != nil || len(found) != 1000 {
						b.Fatal(len(found), err)
					}
				}
			})
		})
	}
}
