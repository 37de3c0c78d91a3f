package sqlstore

import (
	"strings"
	"testing"
)

// The hot statements find their rows by index, however many there are.
func TestSQLiteQueryPlans(t *testing.T) {
	t.Parallel()
	s := openSQLiteStore(t)
	const table, index = "SEARCH fiberchat_messages USING ", "INDEX fiberchat_messages_"
	const notices, index2 = "SEARCH fiberchat_notices USING ", "INDEX fiberchat_notices_"
	for _, c := range []struct {
		name, query string
		want        []string
	}{
		{"pending", pendingSQL, []string{table + index + "pending (receiver_id=? AND rowid>?)"}},
		{"inbox", inboxSQL, []string{table + "INTEGER PRIMARY KEY (rowid>?)"}},
		{"count pending", countSQL, []string{table + index + "pending (receiver_id=?)"}},
		{"last", lastOfAllSQL, []string{"SEARCH fiberchat_messages"}},
		{"unconfirmed", unconfirmedSQL, []string{table + "INTEGER PRIMARY KEY (rowid>?)"}},
		{"purge, range", purgeRangeSQL, []string{"SEARCH fiberchat_messages", "SEARCH fiberchat_messages"}},
		{"purge, age", purgeOldestSQL, []string{table + "INTEGER PRIMARY KEY (rowid>? AND rowid<?)"}},
		{"purge", purgeSQL + "IS NOT NULL", []string{table + "INTEGER PRIMARY KEY (rowid>? AND rowid<?)"}},
		{"purge, unconfirmed", purgeSQL + "IS NULL", []string{table + "INTEGER PRIMARY KEY (rowid>? AND rowid<?)"}},
		{"of a user", ofUserSQL, []string{table + "INTEGER PRIMARY KEY (rowid>? AND rowid<?)"}},
		{"conversation before", commonReads.before, []string{
			table + index + "pair (sender_id=? AND receiver_id=? AND rowid<?)",
			table + index + "pair (sender_id=? AND receiver_id=? AND rowid<?)",
		}},
		{"conversation after", commonReads.after, []string{
			table + index + "pair (sender_id=? AND receiver_id=? AND rowid>?)",
			table + index + "pair (sender_id=? AND receiver_id=? AND rowid>?)",
		}},
		{"pending notices", sqliteDialect.notices.pending, []string{notices + index2 + "pending (user_id=? AND rowid>?)"}},
		{"inbox of notices", sqliteDialect.notices.inbox, []string{notices + index2 + "user (user_id=? AND rowid>?)"}},
		{"last notice", sqliteDialect.notices.last, []string{notices + "COVERING " + index2 + "user (user_id=?)"}},
		{"count notices", sqliteDialect.notices.count, []string{notices + index2 + "pending (user_id=?)"}},
		{"unconfirmed notices", unconfirmedNoticesSQL, []string{notices + "INTEGER PRIMARY KEY (rowid>?)"}},
		{"confirm notice", confirmNoticeSQL, []string{notices + "INTEGER PRIMARY KEY (rowid=?)"}},
		{"purge notices", purgeNoticesSQL + "IS NOT NULL", []string{notices + "INTEGER PRIMARY KEY (rowid>? AND rowid<?)"}},
		{"find", sqliteFindSQL, []string{table + index + "chat (chat_key=? AND sender_id=?)"}},
		{"conversations", conversationsSQL(lastOfPairSQL), []string{
			table + "COVERING " + index + "pair (sender_id=? AND receiver_id=?)",
			table + "COVERING " + index + "pair (sender_id=? AND receiver_id=?)",
			"SEARCH fiberchat_reads USING PRIMARY KEY (reader_id=? AND sender_id=?)",
			"SEARCH fiberchat_reads USING PRIMARY KEY (reader_id=? AND sender_id=?)",
		}},
		{"unread", s.union(1, 3, func(int) string { return unreadSQL }), []string{table + "COVERING " + index + "pair (sender_id=? AND receiver_id=? AND rowid>?)"}},
		{"streams", streamsSQL(firstOfPairSQL), []string{
			table + "COVERING " + index + "pair (sender_id=? AND receiver_id=? AND rowid>?)",
			table + "COVERING " + index + "pair (sender_id=? AND receiver_id=? AND rowid>?)",
		}},
		{"stream", s.union(1, 4, func(int) string { return streamSQL + "50" }), []string{table + "COVERING " + index + "pair (sender_id=? AND receiver_id=? AND rowid>? AND rowid<?)"}},
		{"markable", markableSQL, []string{
			table + "COVERING " + index + "pair (sender_id=? AND receiver_id=? AND rowid<?)",
			"SEARCH fiberchat_reads USING PRIMARY KEY (reader_id=? AND sender_id=?)",
		}},
		{"save again", sqliteBySender, []string{table + index + "chat (chat_key=? AND sender_id=?)"}},
		{"confirm by ChatID", sqliteByChat, []string{table + index + "chat (chat_key=?)"}},
		{"confirm by ChatID, candidates", sqliteCandidates, []string{
			"SEARCH m USING INDEX fiberchat_messages_chat (chat_key=?)",
			"SEARCH open USING INDEX fiberchat_messages_pending (receiver_id=? AND rowid=?)",
		}},
		{"confirm by ID", sqliteByID, []string{table + "INTEGER PRIMARY KEY (rowid=?)"}},
		{"look who is overdue", overdueSQL, []string{table + "INTEGER PRIMARY KEY (rowid>? AND rowid<?)"}},
		{"queue who is overdue", queueSQL + queueAgain, []string{table + "INTEGER PRIMARY KEY (rowid>? AND rowid<?)"}},
		{"who is due", dueSQL, []string{"SEARCH fiberchat_overdue USING INDEX fiberchat_overdue_due (due_at<?)"}},
		{"older tokens", olderTokensSQL, []string{
			"SEARCH fiberchat_tokens USING PRIMARY KEY (hash=?)",
			"SEARCH fiberchat_tokens USING COVERING INDEX fiberchat_tokens_user (user_id=?)",
		}},
		{"confirm", sqliteConfirm, []string{table + "INTEGER PRIMARY KEY (rowid=?)"}},
	} {
		args := make([]any, strings.Count(c.query, "?"))
		for i := range args {
			args[i] = 1
		}
		rows, err := s.read.Query("EXPLAIN QUERY PLAN "+s.sql(c.query), args...)
		if err != nil {
			t.Fatalf("%s: %v", c.name, err)
		}
		var got []string
		for rows.Next() {
			var id, parent, unused int
			var detail string
			if err := rows.Scan(&id, &parent, &unused, &detail); err != nil {
				t.Fatal(err)
			}
			if strings.Contains(detail, "fiberchat_") {
				got = append(got, detail)
			}
			// What is sorted is the merged conversation, two pages, and the
			// receivers of a span of ids.
			if strings.Contains(detail, "TEMP B-TREE") && !strings.HasPrefix(c.name, "conversation") && c.query != queueSQL+queueAgain {
				t.Errorf("%s sorts: %s", c.name, detail)
			}
		}
		if err := rows.Err(); err != nil {
			t.Fatal(err)
		}
		if strings.Join(got, "\n") != strings.Join(c.want, "\n") {
			t.Errorf("%s:\n%s\nwant\n%s", c.name, strings.Join(got, "\n"), strings.Join(c.want, "\n"))
		}
	}
}

// To choose among many messages under one ChatID costs nothing of their
// contents: what lies behind one in a row is only reached through all of it.
func TestSQLiteChoosesWithoutContents(t *testing.T) {
	t.Parallel()
	s := openSQLiteStore(t)
	const content = 7 // its place among the columns
	columns := func(query string) (highest int) {
		var program []struct {
			Opcode string
			P2     int
		}
		if err := s.read.Unsafe().Select(&program, "EXPLAIN "+s.sql(query), 2, 1, 2, "same"); err != nil {
			t.Fatal(err)
		}
		for _, step := range program {
			if step.Opcode == "Column" {
				highest = max(highest, step.P2)
			}
		}
		return highest
	}
	if highest := columns(sqliteCandidates); highest == 0 || highest >= content {
		t.Errorf("column %d is read", highest)
	}
	if highest := columns("SELECT received_at FROM {p}messages WHERE receiver_id = ? AND chat_key = ? AND sender_id = ? AND chat_id = ?"); highest <= content {
		t.Errorf("of a query that does read what is behind the content, column %d is the last", highest)
	}
}
