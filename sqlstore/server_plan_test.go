package sqlstore

import (
	"encoding/json"
	"fmt"
	"slices"
	"strings"
	"testing"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgconn"
	"github.com/jackc/pgx/v5/stdlib"
	"github.com/jmoiron/sqlx"

	"fiberchat.example/fiberchat/chat"
)

// fillServer stores n confirmed messages between 100 pairs and 1,000 open ones
// to one receiver, without Apply's cost.
func fillServer(t testing.TB, s *Store, n int) {
	t.Helper()
	series := "generate_series(1, %d) AS n (i)"
	if s.dialect.name == "mysql" {
		series = "(WITH RECURSIVE n (i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < %d) SELECT i FROM n) AS n"
	}
	for _, part := range []struct {
		n                  int
		key, receiver, got string
	}{{n, "m", "i % 100 + 1001", "1"}, {1000, "open", "7", "NULL"}} {
		conn, err := s.write.Connx(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		if s.dialect.name == "mysql" {
			conn.ExecContext(t.Context(), "SET SESSION max_recursive_iterations = 10000000") // MariaDB's name
			conn.ExecContext(t.Context(), "SET SESSION cte_max_recursion_depth = 10000000")  // MySQL's name
		}
		if _, err := conn.ExecContext(t.Context(), s.sql(fmt.Sprintf(`INSERT INTO {p}messages (chat_id, sender_id, receiver_id, sender_name, receiver_name, content, sent_at, received_at)
			SELECT CONCAT('%s', i), i %% 100 + 1, %s, 'ann', 'bob', 'hello, how are you?', 1, %s FROM `+series, part.key, part.receiver, part.got, part.n))); err != nil {
			t.Fatal(err)
		}
		conn.Close()
	}
	analyze := "ANALYZE {p}messages"
	if s.dialect.name == "mysql" {
		analyze = "ANALYZE TABLE {p}messages"
	}
	if _, err := s.write.Exec(s.sql(analyze)); err != nil {
		t.Fatal(err)
	}
}

// The hot statements find their rows by index on the servers too.
func TestServerQueryPlans(t *testing.T) {
	t.Parallel()
	eachServer(t, func(t *testing.T, kind string) {
		s := openAt(t, scratch(t, kind))
		fillServer(t, s, 50_000)
		strs, ints := []string{"m1", "m2", "m30000", "open5"}, []int64{1001, 1002, 1003, 1004, 7}
		for _, c := range []struct {
			name, query, index string
			args               []any
		}{
			{"pending", s.dialect.reads.pending, "messages_pending", []any{7, 50_100, 50}},
			{"inbox", s.dialect.reads.inbox, "messages_received", []any{1005, 1000, 50}},
			{"last of a receiver", s.dialect.reads.last, "messages_received", []any{7}},
			{"last", lastOfAllSQL, "primary", nil},
			{"count pending", s.dialect.reads.count, "messages_pending", []any{7, 100}},
			{"purge, range", purgeRangeSQL, "primary", nil},
			{"purge, age", purgeOldestSQL, "primary", []any{1000, 2000}},
			{"purge", purgeSQL + "IS NOT NULL", "primary", []any{1000, 2000, 5}},
			{"purge, unconfirmed", purgeSQL + "IS NULL", "primary", []any{1000, 2000, 5}},
			{"of a user", ofUserSQL, "primary", []any{1000, 11_000, 5, 5, 100}},
			{"conversation before", s.dialect.reads.before, "messages_pair", []any{5, 1005, 40_000, 20, 1005, 5, 40_000, 20, 20}},
			{"conversation after", s.dialect.reads.after, "messages_pair", []any{5, 1005, 10_000, 20, 1005, 5, 10_000, 20, 20}},
			{"conversations", conversationsSQL(s.dialect.reads.lastOfPair), "messages_pair|primary|pkey", []any{1, 1, 1, 1 << 60, 50}},
			{"streams", streamsSQL(s.dialect.reads.firstOfPair), "messages_pair|pairs_pkey|primary", []any{0, 1, 0, 1, 0}},
			{"unread", s.union(1, 3, func(int) string { return s.dialect.reads.unread }), "messages_pair", []any{5, 1005, 10_000}},
			{"stream", s.union(1, 4, func(int) string { return s.dialect.reads.stream + "50" }), "messages_pair", []any{5, 1005, 10_000, 40_000}},
			{"markable", s.dialect.reads.markable, "messages_pair|reads_pkey|primary", []any{5, 1005, 10_000, 1005, 5}},
			{"settled", settledSQL, "primary", []any{10_000}},
			{"mysql: save again", mysqlSelect + mysqlBySender, "messages_chat", []any{strs, ints}},
			{"mysql: ids and previous", mysqlNewIDs, "messages_chat|messages_received", []any{strs, ints}},
			{"mysql: confirm by ChatID", mysqlSelect + mysqlByChat, "messages_chat", []any{strs, ints}},
			{"mysql: confirm by ChatID, candidates", mysqlCandidates, "messages_chat", []any{strs, ints}},
			{"mysql: confirm by ID", mysqlSelect + mysqlByID, "primary", []any{ints}},
			{"mysql: confirm", mysqlConfirm(2), "primary", []any{1, 1, 2, 2, ints}},
			{"look who is overdue", overdueSQL, "primary", []any{30_000, 31_000, 1000}},
			{"sweep", unconfirmedSQL, "primary", []any{50_900, 100}},
		} {
			query, args := s.sql(c.query), c.args
			if strings.HasPrefix(c.name, "mysql: ") {
				if kind != "mysql" {
					continue // TestPostgresApplyPlans
				}
				var err error
				if query, args, err = sqlx.In(query, args...); err != nil {
					t.Fatal(err)
				}
			}
			plan := explain(t, s.write, kind, query, args)
			for _, index := range plan.indexes {
				if slices.ContainsFunc(strings.Split(c.index, "|"), func(want string) bool { return strings.Contains(strings.ToLower(index), want) }) || c.index == "primary" && strings.HasSuffix(index, "_pkey") {
					continue
				}
				t.Errorf("%s uses index %q, want %s: %s", c.name, index, c.index, plan.text)
			}
			// MySQL takes a lowest or highest id from the index before it plans.
			if len(plan.indexes) == 0 && !strings.Contains(plan.text, "optimized away") || plan.scans {
				t.Errorf("%s reads the table: %s", c.name, plan.text)
			}
		}
	})
}

// A few users who leave much unread, and one of them idle for long: what is
// common on the whole says nothing about one user.
func TestPostgresQueryPlansWithFewUsers(t *testing.T) {
	t.Parallel()
	s := openAt(t, scratch(t, "postgres"))
	s.write.MustExec(s.sql(`INSERT INTO {p}messages (chat_id, sender_id, receiver_id, sender_name, receiver_name, content, sent_at, received_at)
		SELECT 'm' || i, i % 3 + 1, i / 3 % 3 + 1, 'ann', 'bob', 'hello, how are you?', 1, CASE i / 9 % 2 WHEN 0 THEN 1 END FROM generate_series(1, 50000) AS n (i)`))
	s.write.MustExec(s.sql("ANALYZE {p}messages"))
	reads := s.dialect.reads
	for _, c := range []struct {
		query, index string
		args         []any
	}{
		{reads.pending, "messages_pending", []any{2, 0, 32}},
		{reads.inbox, "messages_received", []any{2, 100, 32}},
		{reads.before, "messages_pair", []any{1, 2, 40_000, 20, 2, 1, 40_000, 20, 20}},
		{reads.after, "messages_pair", []any{1, 2, 100, 20, 2, 1, 100, 20, 20}},
		{reads.count, "messages_pending", []any{2, 100}},
		{reads.last, "messages_received", []any{2}},
		{s.union(1, 3, func(int) string { return reads.unread }), "messages_pair", []any{1, 2, 100}},
		{s.union(1, 4, func(int) string { return reads.stream + "50" }), "messages_pair", []any{1, 2, 100, 40_000}},
	} {
		plan := explain(t, s.write, "postgres", s.sql(c.query), c.args)
		for _, index := range plan.indexes {
			if !strings.HasSuffix(index, c.index) {
				t.Errorf("index %s, want %s: %s", index, c.index, c.query)
			}
		}
		if len(plan.indexes) == 0 || plan.scans || strings.Contains(plan.text, `"Bitmap`) {
			t.Errorf("%s reads more than it returns: %s", c.query, plan.text)
		}
	}
}

// The statements within the function find their rows by index, also before
// PostgreSQL knows how large the tables of a store are that was just made.
func TestPostgresApplyPlans(t *testing.T) {
	t.Parallel()
	for _, stored := range []int{0, 50_000} {
		config, err := pgx.ParseConfig(scratch(t, "postgres"))
		if err != nil {
			t.Fatal(err)
		}
		var plans []string
		config.OnNotice = func(_ *pgconn.PgConn, n *pgconn.Notice) { plans = append(plans, n.Message) }
		db := sqlx.NewDb(stdlib.OpenDB(*config), "pgx")
		defer db.Close()
		db.SetMaxOpenConns(1)
		s, err := New(db)
		if err != nil {
			t.Fatal(err)
		}
		defer s.Close()
		fillServer(t, s, max(stored, 1))
		if stored == 0 {
			db.MustExec(s.sql("TRUNCATE {p}messages"))
		}
		for _, set := range []string{"LOAD 'auto_explain'", "SET auto_explain.log_min_duration = 0", "SET auto_explain.log_nested_statements = on", "SET client_min_messages = log"} {
			if _, err := db.Exec(set); err != nil {
				t.Skipf("SKIPPED: %s: %v", set, err)
			}
		}
		mustApply(t, s, saveOp("before"))
		plans = nil
		mustApply(t, s, saveOp("before"), saveOp("1"), saveOp("2"), confirmOp("1"), confirmOp("1"), confirmOp("none"), chat.Op{Confirm: &chat.Confirmation{ReceiverID: 2, ID: 1}})
		seen := 0
		for _, plan := range plans {
			if !strings.Contains(plan, "_messages") || strings.Contains(plan, "Function Scan on fiberchat_apply") {
				continue
			}
			scans := strings.Count(plan, "Scan using") + strings.Count(plan, "Scan Backward using") + strings.Count(plan, "Bitmap Index Scan")
			seen += scans
			if strings.Contains(plan, "Seq Scan") || strings.Contains(plan, "Hash Join") || strings.Contains(plan, "Merge Join") || scans > strings.Count(plan, "Index Cond:") {
				t.Errorf("with %d messages: %s", stored, plan)
			}
		}
		if seen < 6 { // Previous, save again, two ways to confirm, confirm, confirm again
			t.Errorf("%d scans seen in %d plans", seen, len(plans))
		}
	}
}

type plan struct {
	indexes []string
	scans   bool // the whole table or a whole index
	text    string
}

func explain(t *testing.T, db sqlx.Queryer, kind, query string, args []any) plan {
	t.Helper()
	format := map[string]string{"postgres": "EXPLAIN (FORMAT JSON) ", "mysql": "EXPLAIN FORMAT=JSON "}[kind]
	var text string
	if err := db.QueryRowx(format+query, args...).Scan(&text); err != nil {
		t.Fatalf("%v: %s", err, query)
	}
	var tree any
	if err := json.Unmarshal([]byte(text), &tree); err != nil {
		t.Fatal(err)
	}
	p := plan{text: text}
	var walk func(node any)
	walk = func(node any) {
		switch node := node.(type) {
		case []any:
			for _, child := range node {
				walk(child)
			}
		case map[string]any:
			table, _ := node["table_name"].(string)
			messages := strings.Contains(table, "messages") || strings.Contains(table, "notices") || table == "m" || table == "before_it"
			if key, ok := node["key"].(string); ok && messages {
				p.indexes = append(p.indexes, key)
			}
			if name, ok := node["Index Name"].(string); ok {
				p.indexes = append(p.indexes, name)
			}
			access := node["access_type"]
			p.scans = p.scans || node["Node Type"] == "Seq Scan" || messages && (access == "ALL" || access == "index")
			for _, child := range node {
				walk(child)
			}
		}
	}
	walk(tree)
	return p
}
