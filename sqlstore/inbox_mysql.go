package sqlstore

import (
	"context"
	"slices"
	"strings"

	"fiberchat.example/fiberchat/chat"
)

// follow returns what q finds, for those who go on after the highest id of it:
// nothing below that may appear later.
//
// MariaDB takes a snapshot by looking at one transaction after the other. One
// that waited for another's lock may get it, commit and be left out of those
// still open, while that other one has been written down as open: then the later
// message is there and the earlier one is not. A second snapshot has both,
// because it begins after both commits: one look into an index shows whether the
// page must be read again, which ends with ctx.
func (s *Store) follow(ctx context.Context, q *statement, args ...any) ([]chat.Message, error) {
	for {
		page, err := s.messages(ctx, q, args...)
		if err != nil || s.dialect.name != mysqlDialect.name {
			return page, err
		}
		have := make([]int64, len(page))
		for i := range page {
			have[i] = page[i].ID
		}
		if whole, err := s.whole(ctx, q.text, messageColumns, have, args...); err != nil || whole {
			return page, err
		}
	}
}

// whole reports whether a page with these ids, which a query of columns gave, has
// no hole.
func (s *Store) whole(ctx context.Context, query, columns string, have []int64, args ...any) (bool, error) {
	if len(have) == 0 || s.dialect.name != mysqlDialect.name {
		return true, nil
	}
	var ids []int64
	err := s.retry(ctx, func(ctx context.Context) error {
		ids = nil // of a try that broke off
		return s.read.SelectContext(ctx, &ids, strings.ReplaceAll(query, columns, "id"), args...)
	})
	return complete(have, ids), err
}

// complete reports whether have has all of ids that are not above its highest.
func complete(have, ids []int64) bool {
	known, highest := make(map[int64]bool, len(have)), slices.Max(have)
	for _, id := range have {
		known[id] = true
	}
	return !slices.ContainsFunc(ids, func(id int64) bool { return id <= highest && !known[id] })
}
