package sqlstore

// reads are the reading statements of one user's messages.
type reads struct {
	pending, received, conversation, count, newestOf string
}

var commonReads = reads{pendingSQL, receivedSQL, conversationSQL, countSQL, newestOfSQL}

// PostgreSQL may walk the primary key, or the table, and guess that it meets
// enough rows of the user soon; for one who was idle for long it then reads all
// of it. A range of users, in the order of their index, leaves it no other way.
var postgresReads = reads{
	pending: `SELECT ` + messageColumns + ` FROM {p}messages
		WHERE (receiver_id, id) > ($1, $2) AND receiver_id <= $1 AND received_at IS NULL ORDER BY receiver_id, id LIMIT $3`,
	received: `SELECT ` + messageColumns + ` FROM {p}messages
		WHERE (receiver_id, id) > ($1, $2) AND receiver_id <= $1 ORDER BY receiver_id, id LIMIT $3`,
	conversation: `SELECT ` + messageColumns + ` FROM (
		SELECT * FROM (SELECT ` + messageColumns + ` FROM {p}messages WHERE (sender_id, receiver_id, id) < ($1, $2, $3) AND (sender_id, receiver_id) >= ($1, $2)
			ORDER BY sender_id DESC, receiver_id DESC, id DESC LIMIT $4) AS a
		UNION
		SELECT * FROM (SELECT ` + messageColumns + ` FROM {p}messages WHERE (sender_id, receiver_id, id) < ($5, $6, $7) AND (sender_id, receiver_id) >= ($5, $6)
			ORDER BY sender_id DESC, receiver_id DESC, id DESC LIMIT $8) AS b
		) AS c ORDER BY id DESC LIMIT $9`,
	count: `SELECT COUNT(*) FROM (SELECT 1 AS one FROM {p}messages
		WHERE receiver_id >= $1 AND receiver_id <= $1 AND received_at IS NULL ORDER BY receiver_id, id LIMIT $2) AS pending`,
	newestOf: `SELECT COALESCE((SELECT id FROM {p}messages
		WHERE receiver_id >= $1 AND receiver_id <= $1 ORDER BY receiver_id DESC, id DESC LIMIT 1), 0)`,
}
