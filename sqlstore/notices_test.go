package sqlstore

import (
	"strings"
	"testing"
)

// One user's notices are found by index on the servers too, also those of a user
// who has many confirmed ones.
func TestServerNoticePlans(t *testing.T) {
	t.Parallel()
	eachServer(t, func(t *testing.T, kind string) {
		s := openAt(t, scratch(t, kind))
		series, analyze := "generate_series(1, 20000) AS n (i)", "ANALYZE {p}notices"
		if kind == "mysql" {
			s.write.SetMaxOpenConns(1)
			s.write.Exec("SET SESSION max_recursive_iterations = 10000000") // MariaDB's name
			s.write.Exec("SET SESSION cte_max_recursion_depth = 10000000")  // MySQL's name
			series = "(WITH RECURSIVE n (i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 20000) SELECT i FROM n) AS n"
			analyze = "ANALYZE TABLE {p}notices"
		}
		s.write.MustExec(s.sql("INSERT INTO {p}notices (user_id, kind, body, sent_at, received_at) SELECT i % 5, 'x', '{}', 1, CASE i % 200 WHEN 0 THEN NULL ELSE 1 END FROM " + series))
		s.write.MustExec(s.sql(analyze))
		reads := s.dialect.notices
		for _, c := range []struct {
			query, index string
			args         []any
		}{
			{reads.pending, "notices_pending", []any{2, 0, 32}},
			{reads.inbox, "notices_user", []any{2, 1000, 32}},
			{reads.last, "notices_user", []any{2}},
			{reads.count, "notices_pending", []any{2, 100}},
		} {
			plan := explain(t, s.write, kind, s.sql(c.query), c.args)
			for _, index := range plan.indexes {
				if !strings.HasSuffix(index, c.index) {
					t.Errorf("index %q, want %s: %s", index, c.index, c.query)
				}
			}
			if len(plan.indexes) == 0 && !strings.Contains(plan.text, "optimized away") || plan.scans {
				t.Errorf("%s reads the table: %s", c.query, plan.text)
			}
		}
	})
}
