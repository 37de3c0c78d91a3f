package sqlstore

import (
	"os"
	"path/filepath"
	"testing"
)

// BenchmarkConversations has a user with 1,000 others, and a million messages
// where SQLSTORE_BENCH_GROWTH is set.
func BenchmarkConversations(b *testing.B) {
	for _, kind := range []string{"sqlite", "postgres", "mysql"} {
		b.Run(kind, func(b *testing.B) {
			dsn := filepath.Join(b.TempDir(), "chat.db")
			if kind != "sqlite" {
				dsn = scratch(b, kind)
			}
			s, n := openAt(b, dsn), 20_000
			if os.Getenv("SQLSTORE_BENCH_GROWTH") != "" {
				n = 1_000_000
			}
			fillConversations(b, s, n, 1000)
			b.Logf("%s: the migration of %d messages took %v", kind, n, migratePairs(b, s))
			for name, ask := range map[string]func() (int, error){
				"conversations": func() (int, error) {
					all, err := s.Conversations(b.Context(), 1, 0, 50)
					return len(all), err
				},
				"since, all": func() (int, error) {
					all, err := s.Since(b.Context(), 1, 0, 50)
					return len(all), err
				},
				"since, late": func() (int, error) {
					all, err := s.Since(b.Context(), 1, int64(n)-50, 50)
					return len(all), err
				},
				"mark": func() (int, error) {
					_, _, err := s.MarkRead(b.Context(), 1, 5, 7)
					return 50, err
				},
			} {
				b.Run(name, func(b *testing.B) {
					for b.Loop() {
						if got, err := ask(); err != nil || got != 50 {
							b.Fatal(got, err)
						}
					}
				})
			}
		})
	}
}
