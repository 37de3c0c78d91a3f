package sqlstore

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"unicode/utf8"

	"fiberchat.example/fiberchat/chat"
)

// Apply implements chat.Store. An Op outside chat's contract, such as a
// content that is not UTF-8, fails alone.
func (s *Store) Apply(ctx context.Context, ops []chat.Op) ([]chat.Result, error) {
	if err := ctx.Err(); err != nil {
		return nil, fmt.Errorf("apply operations: %w", err)
	}
	if len(ops) == 0 {
		return nil, nil
	}
	if s.dialect.server {
		if err := s.addPairs(ctx, ops); err != nil {
			return nil, fmt.Errorf("apply operations: %w", err)
		}
	}
	results, err := s.dialect.apply(s, ctx, ops)
	if err != nil {
		return nil, fmt.Errorf("apply operations: %w", err)
	}
	return results, nil
}

var errBadOp = errors.New("sqlstore: operation not valid")

// checkOp refuses what one database would take and another would not, or
// what would fail a whole transaction.
func checkOp(op chat.Op) error {
	switch m := op.Save; {
	case (m == nil) == (op.Confirm == nil):
		return fmt.Errorf("%w: neither or both of Save and Confirm", errBadOp)
	case m == nil:
		return checkText("ChatID", op.Confirm.ChatID, 64)
	case m.ChatID == "":
		return fmt.Errorf("%w: ChatID is empty", errBadOp)
	case !validUsers(m):
		return fmt.Errorf("%w: SenderID or ReceiverID is not 1 to %d", errBadOp, int64(chat.MaxUserID))
	default:
		return errors.Join(checkText("ChatID", m.ChatID, 64), checkText("SenderName", m.SenderName, 1024),
			checkText("ReceiverName", m.ReceiverName, 1024), checkText("Content", m.Content, 8<<20))
	}
}

func validUsers(m *chat.Message) bool {
	return min(m.SenderID, m.ReceiverID) >= 1 && max(m.SenderID, m.ReceiverID) <= chat.MaxUserID
}

func checkText(field, text string, limit int) error {
	if len(text) > limit || strings.IndexByte(text, 0) >= 0 || !utf8.ValidString(text) {
		return fmt.Errorf("%w: %s is too long or not text", errBadOp, field)
	}
	return nil
}
