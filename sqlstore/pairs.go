package sqlstore

import (
	"cmp"
	"context"
	"fmt"
	"slices"
	"strings"
	"time"

	lru "github.com/hashicorp/golang-lru/v2"

	"fiberchat.example/fiberchat/chat"
)

const (
	// maxPairs and keepPairs bound the pairs that are known to be stored: in
	// number, and in time, since rows may be deleted by SQL.
	maxPairs  = 100_000
	keepPairs = time.Hour
	// pairRows is how many are written in one statement.
	pairRows = 1000
)

// pair is a conversation from one user's side.
type pair struct{ user, other int64 }

// pairs remembers, from the sender's side and until when, which pairs are
// stored, so that a message costs one look and not one write. Safe for
// concurrent use.
type pairs struct {
	known *lru.Cache[pair, time.Time]
}

func newPairs() pairs {
	known, err := lru.New[pair, time.Time](maxPairs)
	if err != nil {
		panic(err) // only for a size of 0
	}
	return pairs{known}
}

// unknown returns the pairs of the Saves of ops that are not known to be stored.
func (p *pairs) unknown(ops []chat.Op) (unknown []pair) {
	now := time.Now()
	for _, op := range ops {
		if op.Save == nil || !validUsers(op.Save) {
			continue
		}
		of := pair{op.Save.SenderID, op.Save.ReceiverID}
		if until, ok := p.known.Get(of); !ok || now.After(until) {
			unknown = append(unknown, of)
		}
	}
	return unknown
}

// stored notes pairs that are stored.
func (p *pairs) stored(some []pair) {
	until := time.Now().Add(keepPairs)
	for _, of := range some {
		p.known.Add(of, until)
	}
}

// addPairs stores the pairs of ops on a server, before their messages are: a
// message that is there has its pair, and a pair without messages does no harm.
func (s *Store) addPairs(ctx context.Context, ops []chat.Op) error {
	unknown := s.pairs.unknown(ops)
	if len(unknown) == 0 {
		return nil
	}
	rows := make([]pair, 0, 2*len(unknown))
	for _, p := range unknown {
		rows = append(rows, p, pair{p.other, p.user})
	}
	// In ascending order, so that two nodes do not wait for each other.
	slices.SortFunc(rows, func(a, b pair) int { return cmp.Or(cmp.Compare(a.user, b.user), cmp.Compare(a.other, b.other)) })
	for some := range slices.Chunk(slices.Compact(rows), pairRows) {
		var args []any
		for _, p := range some {
			args = append(args, p.user, p.other)
		}
		if _, err := s.exec(ctx, s.insertPairsSQL(len(some)), args...); err != nil {
			return fmt.Errorf("store pairs: %w", err)
		}
	}
	s.pairs.stored(unknown)
	return nil
}

func (s *Store) insertPairsSQL(rows int) string {
	insert, orNot := "INSERT INTO", " ON CONFLICT DO NOTHING"
	if s.dialect.name == mysqlDialect.name {
		insert, orNot = "INSERT IGNORE INTO", ""
	}
	return insert + " {p}pairs (user_id, other_id) VALUES " + strings.TrimSuffix(strings.Repeat("(?, ?), ", rows), ", ") + orNot
}
