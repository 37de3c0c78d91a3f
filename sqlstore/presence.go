package sqlstore

import (
	"cmp"
	"context"
	"database/sql"
	"errors"
	"fmt"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/jmoiron/sqlx"

	"fiberchat.example/fiberchat/chat"
)

// Everything here is whole numbers, which are written into the statements: one
// has as many of them as there are users, and PostgreSQL's driver prepares
// and keeps each statement that has arguments.

// presenceSQL is what differs between the databases.
type presenceSQL struct {
	now  string // the database's clock in milliseconds: those of the nodes may differ
	beat string // what ends the insert of a node that is there
	here string // of a user who is
	seen string // of one who was seen before, which goes forward only
}

var (
	sqlitePresence = presenceSQL{
		now:  "CAST((julianday('now') - 2440587.5) * 86400000 AS INTEGER)",
		beat: "ON CONFLICT (node) DO UPDATE SET beat_at = excluded.beat_at", here: "ON CONFLICT DO NOTHING",
		seen: "ON CONFLICT (user_id) DO UPDATE SET seen_at = excluded.seen_at WHERE excluded.seen_at > {p}presence.seen_at",
	}
	postgresPresence = presenceSQL{
		now:  "CAST(EXTRACT(EPOCH FROM clock_timestamp()) * 1000 AS BIGINT)",
		beat: sqlitePresence.beat, here: sqlitePresence.here, seen: sqlitePresence.seen,
	}
	mysqlPresence = presenceSQL{
		now:  "TIMESTAMPDIFF(MICROSECOND, '1970-01-01', UTC_TIMESTAMP(3)) DIV 1000",
		beat: "ON DUPLICATE KEY UPDATE beat_at = VALUES(beat_at)", here: "ON DUPLICATE KEY UPDATE node = VALUES(node)",
		seen: "ON DUPLICATE KEY UPDATE seen_at = GREATEST(seen_at, VALUES(seen_at))",
	}
)

// presenceRows is how many users one statement has.
const presenceRows = 1000

// presenceTx carries out what may be repeated, in one transaction. Each begins
// with a write to the row of its node, which serialises those of that node.
func (s *Store) presenceTx(ctx context.Context, f func(tx presenceTx) error) error {
	return s.retry(ctx, func(ctx context.Context) error {
		begun, err := s.write.BeginTxx(ctx, &sql.TxOptions{Isolation: sql.LevelReadCommitted})
		if err != nil {
			return fmt.Errorf("begin: %w", err)
		}
		defer begun.Rollback() // no-op after a commit
		if err := f(presenceTx{begun, s}); err != nil {
			return err
		}
		if err := begun.Commit(); err != nil {
			if wasRolledBack(err) {
				return fmt.Errorf("commit: %w", err)
			}
			return fmt.Errorf("commit: %w: %w", errUnknownOutcome, err)
		}
		return nil
	})
}

type presenceTx struct {
	*sqlx.Tx
	s *Store
}

func (tx presenceTx) exec(ctx context.Context, query string) (rows int64, err error) {
	result, err := tx.ExecContext(ctx, tx.s.presenceText(query))
	if err != nil {
		return 0, err
	}
	return result.RowsAffected()
}

func (s *Store) presenceText(query string) string {
	return s.sql(strings.ReplaceAll(query, "{now}", s.dialect.presence.now))
}

// SavePresence implements chat.PresenceStore.
func (s *Store) SavePresence(ctx context.Context, node int64, changes []chat.Presence) (alive bool, err error) {
	// In one order, so that two nodes do not wait for each other.
	changes = slices.SortedFunc(slices.Values(changes), func(a, b chat.Presence) int { return cmp.Compare(a.UserID, b.UserID) })
	err = s.presenceTx(ctx, func(tx presenceTx) error {
		// A row that was not there is one that was buried.
		if _, err := tx.exec(ctx, fmt.Sprintf("INSERT INTO {p}nodes (node, beat_at, buried) VALUES (%d, {now}, 1) ", node)+s.dialect.presence.beat); err != nil {
			return fmt.Errorf("beat: %w", err)
		}
		buried, err := tx.exec(ctx, fmt.Sprintf("UPDATE {p}nodes SET buried = 0 WHERE node = %d AND buried <> 0", node))
		if err != nil {
			return fmt.Errorf("look at node: %w", err)
		}
		alive = buried == 0
		return tx.change(ctx, node, changes)
	})
	if err != nil {
		return false, fmt.Errorf("save presence: %w", err)
	}
	return alive, nil
}

// change carries out changes, which are in ascending order of users.
func (tx presenceTx) change(ctx context.Context, node int64, changes []chat.Presence) error {
	for changes := range slices.Chunk(changes, presenceRows) {
		var here, gone, seen []string
		for _, c := range changes {
			id := strconv.FormatInt(c.UserID, 10)
			if c.Online {
				here = append(here, fmt.Sprintf("(%d, %s)", node, id))
				continue
			}
			gone, seen = append(gone, id), append(seen, fmt.Sprintf("(%s, %d)", id, c.LastSeen.UnixMilli()))
		}
		for _, step := range []struct {
			rows        []string
			begins, end string
		}{
			{here, "INSERT INTO {p}online (node, user_id) VALUES ", tx.s.dialect.presence.here},
			{gone, fmt.Sprintf("DELETE FROM {p}online WHERE node = %d AND user_id IN (", node), ")"},
			{seen, "INSERT INTO {p}presence (user_id, seen_at) VALUES ", tx.s.dialect.presence.seen},
		} {
			if len(step.rows) == 0 {
				continue
			}
			if _, err := tx.exec(ctx, step.begins+strings.Join(step.rows, ", ")+" "+step.end); err != nil {
				return fmt.Errorf("write users: %w", err)
			}
		}
	}
	return nil
}

// readPresenceSQL takes a time-out, a node to leave out, and twice the users.
const readPresenceSQL = `SELECT user_id, MAX(online) AS online, MAX(seen_at) AS seen_at FROM (
	SELECT o.user_id, CASE WHEN n.beat_at > {now} - %d THEN 1 ELSE 0 END AS online, CASE WHEN n.beat_at > {now} - %[1]d THEN 0 ELSE n.beat_at END AS seen_at
		FROM {p}online o JOIN {p}nodes n ON n.node = o.node WHERE o.user_id IN (%[3]s) AND o.node <> %[2]d
	UNION ALL SELECT user_id, 0, seen_at FROM {p}presence WHERE user_id IN (%[3]s)
) AS known GROUP BY user_id`

type presenceRow struct {
	UserID int64 `db:"user_id"`
	Online int
	SeenAt int64 `db:"seen_at"`
}

// Presence implements chat.PresenceStore.
func (s *Store) Presence(ctx context.Context, exceptNode int64, timeout time.Duration, userIDs []int64) ([]chat.Presence, error) {
	if len(userIDs) == 0 {
		return nil, nil
	}
	ids := make([]string, len(userIDs))
	for i, id := range userIDs {
		ids[i] = strconv.FormatInt(id, 10)
	}
	rows, err := list[presenceRow](ctx, s, s.presenceText(fmt.Sprintf(readPresenceSQL, timeout.Milliseconds(), exceptNode, strings.Join(ids, ", "))))
	if err != nil {
		return nil, fmt.Errorf("read presence: %w", err)
	}
	found := make([]chat.Presence, len(rows))
	for i, row := range rows {
		found[i] = chat.Presence{UserID: row.UserID, Online: row.Online != 0}
		if row.SeenAt != 0 {
			found[i].LastSeen = fromMillis(row.SeenAt)
		}
	}
	return found, nil
}

const (
	// Takes a time-out. Nodes are few.
	deadNodeSQL = "SELECT node, beat_at FROM {p}nodes WHERE beat_at <= {now} - %d ORDER BY beat_at LIMIT 1"
	usersOfSQL  = "SELECT user_id FROM {p}online WHERE node = %d ORDER BY user_id LIMIT %d"
)

// BuryNodes implements chat.PresenceStore.
func (s *Store) BuryNodes(ctx context.Context, timeout time.Duration, limit int) (more bool, err error) {
	var dead struct {
		Node   int64
		BeatAt int64 `db:"beat_at"`
	}
	err = s.get(ctx, &dead, s.presenceText(fmt.Sprintf(deadNodeSQL, timeout.Milliseconds())))
	if errors.Is(err, sql.ErrNoRows) {
		return false, nil
	}
	if err != nil {
		return false, fmt.Errorf("find dead node: %w", err)
	}
	if err := s.presenceTx(ctx, func(tx presenceTx) error {
		n, err := tx.exec(ctx, fmt.Sprintf("UPDATE {p}nodes SET buried = buried + 1 WHERE node = %d AND beat_at = %d", dead.Node, dead.BeatAt))
		if err != nil || n == 0 { // it lives, or another node has done it
			return err
		}
		var users []int64
		if err := tx.SelectContext(ctx, &users, s.presenceText(fmt.Sprintf(usersOfSQL, dead.Node, limit))); err != nil {
			return err
		}
		changes := make([]chat.Presence, len(users))
		for i, id := range users {
			changes[i] = chat.Presence{UserID: id, LastSeen: fromMillis(dead.BeatAt)}
		}
		if err := tx.change(ctx, dead.Node, changes); err != nil || len(users) == limit {
			return err
		}
		_, err = tx.exec(ctx, fmt.Sprintf("DELETE FROM {p}nodes WHERE node = %d", dead.Node))
		return err
	}); err != nil {
		return false, fmt.Errorf("bury dead node: %w", err)
	}
	return true, nil
}
