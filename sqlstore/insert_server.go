package sqlstore

import (
	"context"
	"strings"

	"fiberchat.example/fiberchat/chat"
)

const (
	serverColumns = "(chat_id, sender_id, receiver_id, sender_name, receiver_name, content, sent_at)"

	// A statement carries at most so much, below MySQL's limits of a packet
	// and of placeholders.
	insertRows   = 1000
	insertOctets = 4 << 20
)

// insert stores messages and returns their ids, which ascend in their order.
func (tx *serverTx) insert(ctx context.Context, messages []*chat.Message) (map[messageKey]int64, error) {
	ids := make(map[messageKey]int64, len(messages))
	for _, m := range messages {
		ids[keyOf(m)] = 0 // readIDs takes no others
	}
	for len(messages) > 0 {
		n, octets := 0, 0
		for n < len(messages) && n < insertRows && (n == 0 || octets+len(messages[n].Content) < insertOctets) {
			octets += len(messages[n].Content)
			n++
		}
		insert := tx.insertMySQL
		if tx.s.dialect.name == "postgres" {
			insert = tx.insertPostgres
		}
		if err := insert(ctx, messages[:n], ids); err != nil {
			return nil, err
		}
		messages = messages[n:]
	}
	return ids, nil
}

func (tx *serverTx) insertPostgres(ctx context.Context, messages []*chat.Message, ids map[messageKey]int64) error {
	chatIDs, senders := keyLists(messages)
	var receivers, times []int64
	var senderNames, receiverNames, contents []string
	for _, m := range messages {
		receivers, times = append(receivers, m.ReceiverID), append(times, m.Time.UnixMilli())
		senderNames, receiverNames = append(senderNames, m.SenderName), append(receiverNames, m.ReceiverName)
		contents = append(contents, m.Content)
	}
	return tx.readIDs(ctx, ids, `INSERT INTO {p}messages `+serverColumns+`
		SELECT a, b, c, d, e, f, g
		FROM unnest(?::text[], ?::bigint[], ?::bigint[], ?::text[], ?::text[], ?::text[], ?::bigint[]) WITH ORDINALITY AS t (a, b, c, d, e, f, g, n)
		ORDER BY n RETURNING id, chat_id, sender_id`,
		chatIDs, senders, receivers, senderNames, receiverNames, contents, times)
}

func (tx *serverTx) insertMySQL(ctx context.Context, messages []*chat.Message, ids map[messageKey]int64) error {
	args := make([]any, 0, 7*len(messages))
	for _, m := range messages {
		args = append(args, m.ChatID, m.SenderID, m.ReceiverID, m.SenderName, m.ReceiverName, m.Content, m.Time.UnixMilli())
	}
	rows := strings.TrimSuffix(strings.Repeat("(?, ?, ?, ?, ?, ?, ?), ", len(messages)), ", ")
	if _, err := tx.ExecContext(ctx, tx.s.sql("INSERT INTO {p}messages "+serverColumns+" VALUES "+rows), args...); err != nil {
		return err
	}
	// LAST_INSERT_ID is the first row's only, and in a cluster the next ones do not follow by one.
	chatIDs, senders := keyLists(messages)
	return tx.readIDs(ctx, ids, "SELECT id, chat_id, sender_id FROM {p}messages "+serverBySender, chatIDs, senders)
}

// readIDs fills in the ids of the keys that are in the map. A query by lists
// also returns the other pairs of a chat id and a sender, which are older.
func (tx *serverTx) readIDs(ctx context.Context, ids map[messageKey]int64, query string, lists ...any) error {
	rows, err := tx.query(ctx, query, lists...)
	if err != nil {
		return err
	}
	defer rows.Close()
	for rows.Next() {
		var id int64
		var key messageKey
		if err := rows.Scan(&id, &key.chatID, &key.sender); err != nil {
			return err
		}
		if _, wanted := ids[key]; wanted {
			ids[key] = id
		}
	}
	return rows.Err()
}
