package fiberchat

import (
	"context"
	"slices"

	"fiberchat.example/fiberchat/chat"
)

// Inbox implements chat.Store.
func (s *modelStore) Inbox(ctx context.Context, receiverID, afterID int64, limit int) ([]chat.Message, error) {
	return modelRead(ctx, s, "Inbox", receiverID, func() []chat.Message { return s.page(s.memory.Inbox, receiverID, afterID, limit) })
}

// Last implements chat.Store.
func (s *modelStore) Last(ctx context.Context, receiverID int64) (int64, error) {
	return modelRead(ctx, s, "Last", receiverID, func() int64 { return s.last(receiverID) })
}

// Unconfirmed implements chat.Unconfirmed; the answer may come late.
func (s *modelStore) Unconfirmed(ctx context.Context, afterID int64, limit int) ([]chat.Ref, error) {
	return modelRead(ctx, s, "Unconfirmed", 0, func() []chat.Ref {
		refs, err := s.memory.Unconfirmed(context.Background(), afterID, limit+len(s.hidden))
		if err != nil {
			panic(err)
		}
		refs = slices.DeleteFunc(refs, func(r chat.Ref) bool { return s.hidden[r.ID] })
		return refs[:min(limit, len(refs))]
	})
}

// Conversation implements chat.Store.
func (s *modelStore) Conversation(context.Context, int64, int64, chat.Page, int) ([]chat.Message, error) {
	return nil, errModel
}
