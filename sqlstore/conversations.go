package sqlstore

import (
	"context"
	"fmt"
	"slices"
	"strconv"
	"strings"

	"github.com/jmoiron/sqlx"

	"fiberchat.example/fiberchat/chat"
)

const (
	// The highest id of a pair's messages in one direction: one look into the
	// index. {from} and {to} are columns.
	lastOfPairSQL         = "(SELECT id FROM {p}messages {by pair} WHERE sender_id = {from} AND receiver_id = {to} ORDER BY id DESC LIMIT 1)"
	postgresLastOfPairSQL = `(SELECT id FROM {p}messages WHERE sender_id = {from} AND receiver_id >= {to} AND receiver_id <= {to}
		ORDER BY receiver_id DESC, id DESC LIMIT 1)`

	// all keeps a sub-query apart, so that what it gives is computed once.
	all = "LIMIT 9223372036854775807"

	// {1} to {3} are sender, receiver and id: see union.
	unreadSQL         = "SELECT 1 AS one FROM {p}messages {by pair} WHERE sender_id = {1} AND receiver_id = {2} AND id > {3} LIMIT 100"
	postgresUnreadSQL = `SELECT 1 AS one FROM {p}messages WHERE sender_id = {1} AND (receiver_id, id) > ({2}, {3}) AND receiver_id <= {2}
		ORDER BY receiver_id, id LIMIT 100`
)

// conversationsSQL looks at the last messages of all pairs of a user, and reads
// those of the page.
func conversationsSQL(lastOfPair string) string {
	lastOf := func(from, to string) string {
		return "COALESCE(" + strings.NewReplacer("{from}", from, "{to}", to).Replace(lastOfPair) + ", 0)"
	}
	return `SELECT c.other_id, c.got,
		COALESCE((SELECT upto FROM {p}reads WHERE reader_id = ? AND sender_id = c.other_id), 0) AS by_me,
		COALESCE((SELECT upto FROM {p}reads WHERE reader_id = c.other_id AND sender_id = ?), 0) AS by_them, ` + messageColumns + `
	FROM (SELECT * FROM (SELECT other_id, got, CASE WHEN sent > got THEN sent ELSE got END AS last FROM (
		SELECT p.other_id, ` + lastOf("p.user_id", "p.other_id") + ` AS sent, ` + lastOf("p.other_id", "p.user_id") + ` AS got
		FROM {p}pairs AS p WHERE p.user_id = ? ` + all + `) AS heads ` + all + `) AS lasts
		WHERE last > 0 AND last < ? ORDER BY last DESC LIMIT ?) AS c
	JOIN {p}messages AS m ON m.id = c.last ORDER BY c.last DESC`
}

// Conversations implements chat.Conversations.
func (s *Store) Conversations(ctx context.Context, userID, before int64, limit int) ([]chat.Summary, error) {
	if limit <= 0 {
		return nil, nil
	}
	if before == 0 {
		before = 1<<63 - 1
	}
	var found []chat.Summary
	var unread []unreadOf
	query := s.sql(conversationsSQL(s.dialect.reads.lastOfPair))
	err := s.retry(ctx, func(ctx context.Context) error {
		found, unread = nil, nil // of a try that broke off
		rows, err := s.read.QueryContext(ctx, query, userID, userID, userID, before, limit)
		if err != nil {
			return err
		}
		defer rows.Close()
		for rows.Next() {
			var c chat.Summary
			var got int64
			m, _, err := scanMessage(rows, &c.Other.ID, &got, &c.ReadByMe, &c.ReadByThem)
			if err != nil {
				return err
			}
			c.Last, c.Other.Name = *m, m.SenderName
			if m.SenderID == userID {
				c.Other.Name = m.ReceiverName
			}
			if got > c.ReadByMe {
				unread = append(unread, unreadOf{len(found), c.Other.ID, c.ReadByMe})
			}
			found = append(found, c)
		}
		return rows.Err()
	})
	if err == nil {
		err = s.countUnread(ctx, userID, found, unread)
	}
	if err != nil {
		return nil, fmt.Errorf("read conversations: %w", err)
	}
	return found, nil
}

// unreadOf asks what a user has not read of what other sent.
type unreadOf struct {
	place       int // of the Summary
	other, upTo int64
}

// countUnread sets Unread, for some in one statement: not every database can
// count up to a limit for each row of a query.
func (s *Store) countUnread(ctx context.Context, userID int64, found []chat.Summary, unread []unreadOf) error {
	for some := range slices.Chunk(unread, unionParts) {
		var args []any
		for _, u := range some {
			args = append(args, u.other, userID, u.upTo)
		}
		query := s.union(len(some), 3, func(n int) string {
			return "SELECT " + strconv.Itoa(n) + " AS n, COUNT(*) AS unread FROM (" + s.dialect.reads.unread + ") AS u"
		})
		counts, err := list[struct{ N, Unread int }](ctx, s, query, args...)
		if err != nil {
			return err
		}
		for _, c := range counts {
			found[some[c.N].place].Unread = c.Unread
		}
	}
	return nil
}

// unionParts is how many queries a union has at most.
const unionParts = 200

// union puts queries together, each of which has so many arguments, {1} and on:
// where placeholders have no numbers, each once and in this order.
func (s *Store) union(parts, args int, part func(n int) string) string {
	all := make([]string, parts)
	for n := range parts {
		all[n] = part(n)
		for i := range args {
			placeholder := "?"
			if s.dialect.bind == sqlx.DOLLAR {
				placeholder = "$" + strconv.Itoa(n*args+i+1)
			}
			all[n] = strings.ReplaceAll(all[n], "{"+strconv.Itoa(i+1)+"}", placeholder)
		}
	}
	return strings.Join(all, " UNION ALL ")
}
