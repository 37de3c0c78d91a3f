package sqlstore

import (
	"context"
	"database/sql"

	"github.com/jmoiron/sqlx"

	"fiberchat.example/fiberchat/chat"
)

// exec and query take lists as arguments: "IN (?)" becomes as many
// placeholders.
func (tx *mysqlTx) exec(ctx context.Context, query string, args ...any) (rows int64, err error) {
	query, args, err = sqlx.In(tx.s.sql(query), args...)
	if err != nil {
		return 0, err
	}
	res, err := tx.ExecContext(ctx, query, args...)
	if err != nil {
		return 0, err
	}
	return res.RowsAffected()
}

func (tx *mysqlTx) query(ctx context.Context, query string, args ...any) (*sql.Rows, error) {
	query, args, err := sqlx.In(tx.s.sql(query), args...)
	if err != nil {
		return nil, err
	}
	return tx.QueryContext(ctx, query, args...)
}

// each calls f for the messages that a WHERE clause names.
func (tx *mysqlTx) each(ctx context.Context, f func(m *chat.Message, confirmed bool), where string, lists ...any) error {
	rows, err := tx.query(ctx, mysqlSelect+where, lists...)
	return eachMessage(rows, err, f)
}
