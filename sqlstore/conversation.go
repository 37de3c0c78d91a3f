package sqlstore

import (
	"context"
	"errors"
	"fmt"
	"strings"

	"fiberchat.example/fiberchat/chat"
)

// conversationSQL reads each direction from the index in order and cuts it on
// its own, so that no more than twice the limit is looked at. than compares
// with the id of the page.
func conversationSQL(than, order string) string {
	return strings.NewReplacer("{than}", than, "{order}", order).Replace(`SELECT ` + messageColumns + ` FROM (
	SELECT * FROM (SELECT ` + messageColumns + ` FROM {p}messages {by pair} WHERE sender_id = ? AND receiver_id = ? AND id {than} ? ORDER BY id {order} LIMIT ?) AS a
	UNION
	SELECT * FROM (SELECT ` + messageColumns + ` FROM {p}messages {by pair} WHERE sender_id = ? AND receiver_id = ? AND id {than} ? ORDER BY id {order} LIMIT ?) AS b
	) AS c ORDER BY id {order} LIMIT ?`)
}

// postgresConversationSQL is for the reason that postgresReads gives. until is
// what the pair at the other end of the range compares with.
func postgresConversationSQL(than, until, order string) string {
	return strings.NewReplacer("{than}", than, "{until}", until, "{order}", order).Replace(`SELECT ` + messageColumns + ` FROM (
	SELECT * FROM (SELECT ` + messageColumns + ` FROM {p}messages WHERE (sender_id, receiver_id, id) {than} ($1, $2, $3) AND (sender_id, receiver_id) {until} ($1, $2)
		ORDER BY sender_id {order}, receiver_id {order}, id {order} LIMIT $4) AS a
	UNION
	SELECT * FROM (SELECT ` + messageColumns + ` FROM {p}messages WHERE (sender_id, receiver_id, id) {than} ($5, $6, $7) AND (sender_id, receiver_id) {until} ($5, $6)
		ORDER BY sender_id {order}, receiver_id {order}, id {order} LIMIT $8) AS b
	) AS c ORDER BY id {order} LIMIT $9`)
}

var errBadPage = errors.New("sqlstore: page both before and after an id")

// Conversation implements chat.Store.
func (s *Store) Conversation(ctx context.Context, userID, otherID int64, page chat.Page, limit int) ([]chat.Message, error) {
	if page.Before != 0 && page.After != 0 {
		return nil, errBadPage
	}
	if limit <= 0 {
		return nil, nil
	}
	// What was sent before a message that somebody knows is there: only a page at
	// the end looks at what is being committed.
	read, q, id := s.follow, &s.q.before, int64(1<<63-1)
	if page.After != 0 {
		q, id = &s.q.after, page.After
	} else if page.Before != 0 {
		read, id = s.messages, page.Before
	}
	messages, err := read(ctx, q, userID, otherID, id, limit, otherID, userID, id, limit, limit)
	if err != nil {
		return nil, fmt.Errorf("read conversation: %w", err)
	}
	return messages, nil
}
