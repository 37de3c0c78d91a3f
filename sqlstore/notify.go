package sqlstore

import (
	"context"
	"database/sql"
	"errors"
	"fmt"

	"fiberchat.example/fiberchat/chat"
)

const (
	insertNoticeSQL   = "INSERT INTO {p}notices (user_id, kind, body, sent_at) VALUES (?, ?, ?, ?)"
	postgresNotifySQL = "SELECT {p}notify(?, ?, ?, ?, ?)"
	mysqlSlotSQL      = "SELECT slot FROM {p}slots WHERE slot = ? FOR UPDATE"
)

// notifySQLite needs no lock: SQLite has one writer at a time.
func (s *Store) notifySQLite(ctx context.Context, n chat.Notice) (int64, error) {
	res, err := s.write.ExecContext(ctx, s.sql(insertNoticeSQL), n.UserID, n.Kind, string(n.Body), n.Time.UnixMilli())
	if err != nil {
		return 0, err
	}
	return res.LastInsertId()
}

// notifyPostgres calls a function, which is a transaction by itself.
func (s *Store) notifyPostgres(ctx context.Context, n chat.Notice) (id int64, err error) {
	conn, err := s.write.Conn(ctx)
	if err != nil {
		return 0, fmt.Errorf("get connection: %w", err) // nothing was sent, nothing is stored
	}
	defer conn.Close()
	rows, err := conn.QueryContext(ctx, s.sql(postgresNotifySQL), slotOf(n.UserID), n.UserID, n.Kind, string(n.Body), n.Time.UnixMilli())
	if err != nil {
		return 0, outcome(err, 0)
	}
	defer rows.Close()
	read := 0
	for ; rows.Next(); read++ {
		if err := rows.Scan(&id); err != nil {
			return 0, outcome(err, read+1)
		}
	}
	if err := rows.Err(); err != nil {
		return 0, outcome(err, read)
	}
	return id, nil
}

// notifyMySQL holds the user's lock from before the id is given to the commit.
func (s *Store) notifyMySQL(ctx context.Context, n chat.Notice) (int64, error) {
	tx, err := s.write.BeginTxx(ctx, &sql.TxOptions{Isolation: sql.LevelReadCommitted})
	if err != nil {
		return 0, fmt.Errorf("begin: %w", err)
	}
	defer tx.Rollback() // no-op after a commit
	var slot int32
	if err := tx.GetContext(ctx, &slot, s.sql(mysqlSlotSQL), slotOf(n.UserID)); err != nil {
		return 0, fmt.Errorf("lock user: %w", err)
	}
	res, err := tx.ExecContext(ctx, s.sql(insertNoticeSQL), n.UserID, n.Kind, string(n.Body), n.Time.UnixMilli())
	if err != nil {
		return 0, err
	}
	id, err := res.LastInsertId()
	err = errors.Join(err, commit(tx))
	return id, err
}
