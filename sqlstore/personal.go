package sqlstore

import (
	"context"
	"fmt"
	"strings"

	"github.com/jmoiron/sqlx"

	"fiberchat.example/fiberchat/chat"
)

const (
	// The ids that one step of a search looks at, and the messages that it
	// takes: at most 5 MiB of the longest texts.
	searchSpan = 10_000
	searchPage = 100
	// The rows that one step deletes, as in Purge.
	forgetRows = 500
)

// No index has all messages of a user, and one for this would be one more page
// to write for each message. So it reads along the primary key; "+ 0" keeps it
// from two others, of which it would read all of the user's in each step.
const ofUserSQL = "SELECT " + messageColumns + ` FROM {p}messages
	WHERE id > ? AND id <= ? AND (sender_id + 0 = ? OR receiver_id + 0 = ?) ORDER BY id LIMIT ?`

// Export calls each with every message from and to a user, confirmed or not,
// by ascending id, until each returns an error, which Export returns. Nothing is locked
// meanwhile, and memory is bounded; messages that come after it began may be
// missing. It looks at all messages of the store once, so it is no way to show
// a history: a million take seconds. For a user without any it calls nothing.
func (s *Store) Export(ctx context.Context, userID int64, each func(chat.Message) error) error {
	return s.pagesOf(ctx, userID, func(page []chat.Message) error {
		for _, m := range page {
			if err := each(m); err != nil {
				return err
			}
		}
		return nil
	})
}

// pagesOf calls f with all messages of a user, some at a time.
func (s *Store) pagesOf(ctx context.Context, userID int64, f func(page []chat.Message) error) error {
	if userID < 1 {
		return nil // nobody's: what SQLite's trigger leaves
	}
	var ids struct{ First, Last int64 }
	if err := s.get(ctx, &ids, purgeRangeSQL); err != nil {
		return fmt.Errorf("read range of ids: %w", err)
	}
	for after := ids.First - 1; after < ids.Last; {
		to := min(after+searchSpan, ids.Last)
		q := statement{db: s.read, text: s.sql(ofUserSQL)}
		page, err := s.messages(ctx, &q, after, to, userID, userID, searchPage)
		if err != nil {
			return fmt.Errorf("read messages of a user: %w", err)
		}
		if after = to; len(page) == searchPage {
			after = page[searchPage-1].ID
		}
		if len(page) == 0 {
			continue
		}
		if err := f(page); err != nil {
			return err
		}
	}
	return nil
}

// personal is where there is something about a user beside messages, in the
// order in which Forget deletes it: the account is what keeps new rows away, and
// is referred to by what stands before it. key names the columns of
// the primary key; each ? of condition is the user's id.
var personal = []struct{ table, key, condition string }{
	{"tokens", "hash", "user_id = ?"},
	{"notices", "id", "user_id = ?"},
	{"overdue", "receiver_id", "receiver_id = ?"},
	{"online", "node, user_id", "user_id = ?"},
	{"presence", "user_id", "user_id = ?"},
	// Found by way of the user's own pairs, which go last.
	{"reads", "reader_id, sender_id", "sender_id = ? AND reader_id IN (SELECT other_id FROM {p}pairs WHERE user_id = ?)"},
	{"reads", "reader_id, sender_id", "reader_id = ?"},
	{"pairs", "user_id, other_id", "other_id = ? AND user_id IN (SELECT other_id FROM {p}pairs WHERE user_id = ?)"},
	{"pairs", "user_id, other_id", "user_id = ?"},
	{"users", "id", "id = ?"},
}

// Forget deletes all there is about a user, and returns how many messages that
// were: the account with its names and password, its tokens, notices, marks of what
// was read, when it was last seen, and every message from and to the user, so the other side's copy of each conversation is gone too,
// and what was not confirmed never comes. No id is given again; the name is free.
//
// It works in small steps, each a transaction, so it can run beside the chat,
// and can be called again when it broke off or ctx ended; a user who is not there
// is no error. It looks at all messages of the store once: a million take seconds.
//
// It ends no session: have the Authenticator refuse the user, call
// Chat.Disconnect, then Forget; and Forget again after a minute, for as long
// others may still have written to the user, whom a node remembers. What is in
// backups, in free pages of the database until something else is written there
// (VACUUM of SQLite clears them), and on clients stays. The sender of a deleted
// message can use its msgID again. The users of an app are its own to delete.
func (s *Store) Forget(ctx context.Context, userID int64) (messages int64, err error) {
	for _, of := range personal {
		if err := s.forgetRows(ctx, of.table, of.key, of.condition, userID); err != nil {
			return 0, fmt.Errorf("delete from %s: %w", of.table, err)
		}
	}
	s.pairs.known.Purge() // who writes to the user from here on has no pair
	err = s.pagesOf(ctx, userID, func(page []chat.Message) error {
		ids := make([]int64, len(page))
		for i, m := range page {
			ids[i] = m.ID
		}
		query, args, err := sqlx.In("DELETE FROM {p}messages WHERE id IN (?)", ids)
		if err != nil {
			return fmt.Errorf("list ids: %w", err)
		}
		n, err := s.exec(ctx, query, args...)
		messages += n
		if err != nil {
			return fmt.Errorf("delete messages: %w", err)
		}
		return nil
	})
	return messages, err
}

// forgetRows deletes what a condition finds, a step at a time.
func (s *Store) forgetRows(ctx context.Context, table, key, condition string, userID int64) error {
	query := fmt.Sprintf("DELETE FROM {p}%[1]s WHERE (%[2]s) IN (SELECT %[2]s FROM (SELECT %[2]s FROM {p}%[1]s WHERE %[3]s LIMIT ?) AS chosen)", table, key, condition)
	var args []any
	for range strings.Count(condition, "?") {
		args = append(args, userID)
	}
	args = append(args, forgetRows)
	for {
		if n, err := s.exec(ctx, query, args...); err != nil || n < forgetRows {
			return err
		}
	}
}
