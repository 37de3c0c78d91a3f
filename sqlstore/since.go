package sqlstore

import (
	"cmp"
	"context"
	"fmt"
	"slices"
	"strconv"
	"strings"
	"time"

	"fiberchat.example/fiberchat/chat"
)

const (
	// The first message above an id of a pair in one direction: see lastOfPairSQL.
	firstOfPairSQL         = "(SELECT id FROM {p}messages {by pair} WHERE sender_id = {from} AND receiver_id = {to} AND id > ? ORDER BY id LIMIT 1)"
	postgresFirstOfPairSQL = `(SELECT id FROM {p}messages WHERE sender_id = {from} AND (receiver_id, id) > ({to}, ?) AND receiver_id <= {to}
		ORDER BY receiver_id, id LIMIT 1)`

	// {1} to {4} are sender, receiver, and the lowest and the highest id: see union.
	streamSQL         = "SELECT id FROM {p}messages {by pair} WHERE sender_id = {1} AND receiver_id = {2} AND id >= {3} AND id <= {4} ORDER BY id LIMIT "
	postgresStreamSQL = `SELECT id FROM {p}messages WHERE sender_id = {1} AND (receiver_id, id) >= ({2}, {3}) AND (receiver_id, id) <= ({2}, {4})
		ORDER BY receiver_id, id LIMIT `
)

// stream is what one user sent to another one, from an id on.
type stream struct{ Sender, Receiver, First int64 }

// streamsSQL has a sub-query's id for all pairs of a user, both ways.
func streamsSQL(ofPair string) string {
	of := func(from, to string) string {
		return strings.NewReplacer("{from}", from, "{to}", to).Replace(ofPair)
	}
	return `SELECT sender, receiver, first FROM (
		SELECT p.user_id AS sender, p.other_id AS receiver, ` + of("p.user_id", "p.other_id") + ` AS first FROM {p}pairs AS p WHERE p.user_id = ?
		UNION ALL
		SELECT p.other_id, p.user_id, ` + of("p.other_id", "p.user_id") + ` FROM {p}pairs AS p WHERE p.user_id = ? AND p.other_id <> p.user_id
		` + all + `) AS streams WHERE first > ?`
}

// streams finds those of a user's that begin first after an id.
func (s *Store) streams(ctx context.Context, userID, afterID int64, limit int) ([]stream, error) {
	if s.dialect.name == mysqlDialect.name {
		return s.mysqlStreams(ctx, userID, afterID, limit)
	}
	return list[stream](ctx, s, streamsSQL(s.dialect.reads.firstOfPair)+" ORDER BY first LIMIT ?", afterID, userID, afterID, userID, afterID, limit)
}

// mysqlStreams is for a server that finds the first id above another one
// quickly for constants only, but the last one always: streams that end before
// are left out, and if others are not too many it does not matter where they begin.
func (s *Store) mysqlStreams(ctx context.Context, userID, afterID int64, limit int) (found []stream, err error) {
	streams, err := list[stream](ctx, s, streamsSQL(lastOfPairSQL), userID, userID, afterID)
	if err != nil || len(streams) < limit {
		for i := range streams {
			streams[i].First = afterID + 1
		}
		return streams, err
	}
	for some := range slices.Chunk(streams, unionParts) {
		var args []any
		for _, st := range some {
			args = append(args, st.Sender, st.Receiver, afterID+1, int64(1<<63-1))
		}
		first, err := list[struct {
			N     int
			First int64
		}](ctx, s, s.union(len(some), 4, func(n int) string {
			return "(SELECT " + strconv.Itoa(n) + " AS n, id AS first" + strings.TrimPrefix(streamSQL, "SELECT id") + "1)"
		}), args...)
		if err != nil {
			return nil, err
		}
		for _, f := range first {
			found = append(found, stream{some[f.N].Sender, some[f.N].Receiver, f.First})
		}
	}
	slices.SortFunc(found, func(a, b stream) int { return cmp.Compare(a.First, b.First) })
	return found[:min(len(found), limit)], nil
}

// Since implements chat.Conversations. A user's messages are as many streams as
// there are pairs and directions, each in the order of an index; those that
// begin first hold the page.
func (s *Store) Since(ctx context.Context, userID, afterID int64, limit int) ([]chat.Message, error) {
	limit = min(limit, unionParts)
	if limit <= 0 {
		return nil, nil
	}
	streams, err := s.streams(ctx, userID, afterID, limit)
	if err != nil {
		return nil, fmt.Errorf("find messages: %w", err)
	}
	if len(streams) == 0 {
		return nil, nil
	}
	last := int64(1<<63 - 1)
	if len(streams) == limit { // their first ones alone are a page
		last = streams[limit-1].First
	}
	var args []any
	for _, st := range streams {
		args = append(args, st.Sender, st.Receiver, st.First, last)
	}
	// The limit is in the text, or PostgreSQL plans for any number.
	query := "SELECT " + messageColumns + " FROM (SELECT id AS page_id FROM (" + s.union(len(streams), 4, func(n int) string {
		return "SELECT * FROM (" + s.dialect.reads.stream + strconv.Itoa(limit) + ") AS s" + strconv.Itoa(n)
	}) + ") AS streams ORDER BY id LIMIT " + strconv.Itoa(limit) + ") AS page JOIN {p}messages AS m ON m.id = page.page_id ORDER BY m.id"
	messages, err := s.messages(ctx, &statement{db: s.read, text: s.sql(query)}, args...)
	if err != nil {
		return nil, fmt.Errorf("read messages: %w", err)
	}
	return messages, nil
}

// settleTime is longer than a message takes from its Time, when a node got it,
// to being visible: the wait for the batch, the operation (opTimeout) and what
// the database finishes when nobody waits any more; and the clocks of nodes differ.
const settleTime = 2 * time.Minute

const (
	settledSQL = "SELECT id, sent_at FROM {p}messages WHERE id <= ? ORDER BY id DESC LIMIT 1"
	// settledStep is how many ids are skipped in the first step.
	settledStep = 64
)

// Settled implements chat.Conversations. On SQLite ids become visible in order.
// On a server a message is settled when all with a lower id are, which got
// their ids before: when it is old. The newest that is so is found
// from the end of the log in growing steps.
func (s *Store) Settled(ctx context.Context) (int64, error) {
	if !s.dialect.server {
		return s.Last(ctx, 0)
	}
	settled := time.Now().Add(-settleTime).UnixMilli()
	for upTo, step := int64(1<<63-1), int64(settledStep); upTo > 0; step *= 2 {
		rows, err := list[struct {
			ID     int64
			SentAt int64 `db:"sent_at"`
		}](ctx, s, settledSQL, upTo)
		if err != nil {
			return 0, fmt.Errorf("read age of messages: %w", err)
		}
		if len(rows) == 0 {
			return 0, nil
		}
		if rows[0].SentAt <= settled {
			return rows[0].ID, nil
		}
		upTo = rows[0].ID - step
	}
	return 0, nil
}
