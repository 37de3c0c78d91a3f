package sqlstore

import (
	"context"
	"strings"
)

const (
	// A statement carries at most so much, below MySQL's limits of a packet
	// and of placeholders.
	insertRows  = 1000
	insertBytes = 4 << 20
)

// insert stores the messages of the first of the Saves at ops and returns how
// many. Their ids ascend in their order.
func (tx *mysqlTx) insert(ctx context.Context, b *batch, ops []int) (n int, err error) {
	var args []any
	for size := 0; n < len(ops) && n < insertRows; n++ {
		m := b.ops[ops[n]].Save
		if size += len(m.Content); n > 0 && size > insertBytes {
			break
		}
		args = append(args, m.ChatID, m.SenderID, m.ReceiverID, m.SenderName, m.ReceiverName, m.Content, m.Time.UnixMilli())
	}
	rows := strings.TrimSuffix(strings.Repeat("(?, ?, ?, ?, ?, ?, ?), ", n), ", ")
	_, err = tx.ExecContext(ctx, tx.s.sql("INSERT INTO {p}messages (chat_id, sender_id, receiver_id, sender_name, receiver_name, content, sent_at) VALUES "+rows), args...)
	return n, err
}

// mysqlNewIDs reads the id of each message and of the one before it to the same
// receiver, whose lock this transaction holds. LAST_INSERT_ID is the first
// row's only, and in a cluster the next ones do not follow by one.
const mysqlNewIDs = `SELECT id, chat_id, sender_id, COALESCE((SELECT before_it.id FROM {p}messages AS before_it {by received}
	WHERE before_it.receiver_id = m.receiver_id AND before_it.id < m.id ORDER BY before_it.id DESC LIMIT 1), 0)
	FROM {p}messages AS m ` + mysqlBySender

// readIDs sets the results of the Saves at ops, which were just inserted.
func (tx *mysqlTx) readIDs(ctx context.Context, b *batch, ops []int, byKey map[messageKey]int) error {
	rows, err := tx.query(ctx, mysqlNewIDs, b.keys(ops)...)
	if err != nil {
		return err
	}
	defer rows.Close()
	for rows.Next() {
		var id, previous int64
		var key messageKey
		if err := rows.Scan(&id, &key.chatID, &key.sender, &previous); err != nil {
			return err
		}
		if i, wanted := byKey[key]; wanted { // other pairs of a chat id and a sender are found too
			b.saved(i, id, previous)
		}
	}
	return rows.Err()
}

// keys are the lists of chat ids and of senders of the Saves at ops.
func (b *batch) keys(ops []int) []any {
	var chatIDs []string
	var senders []int64
	for _, i := range ops {
		chatIDs, senders = append(chatIDs, b.ops[i].Save.ChatID), append(senders, b.ops[i].Save.SenderID)
	}
	return []any{chatIDs, senders}
}

// mysqlConfirm takes n pairs of an id and a time, then the list of the ids.
func mysqlConfirm(n int) string {
	return "UPDATE {p}messages SET received_at = CASE id" + strings.Repeat(" WHEN ? THEN ?", n) +
		" END WHERE id IN (?) AND received_at IS NULL ORDER BY id"
}
