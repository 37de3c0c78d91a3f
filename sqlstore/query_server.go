package sqlstore

import (
	"context"
	"database/sql"
	"strings"

	"github.com/jmoiron/sqlx"

	"fiberchat.example/fiberchat/chat"
)

// lists writes a query whose arguments are lists: PostgreSQL takes each as an
// array, for MySQL "IN (?)" becomes as many placeholders.
func (tx *serverTx) lists(query string, args []any) (string, []any, error) {
	if tx.s.dialect.name == "postgres" {
		return tx.s.sql(strings.ReplaceAll(query, "IN (?)", "= ANY (?)")), args, nil
	}
	query, args, err := sqlx.In(query, args...)
	return tx.s.sql(query), args, err
}

func (tx *serverTx) exec(ctx context.Context, query string, args ...any) error {
	query, args, err := tx.lists(query, args)
	if err == nil {
		_, err = tx.ExecContext(ctx, query, args...)
	}
	return err
}

func (tx *serverTx) query(ctx context.Context, query string, args ...any) (*sql.Rows, error) {
	query, args, err := tx.lists(query, args)
	if err != nil {
		return nil, err
	}
	return tx.QueryContext(ctx, query, args...)
}

// each calls f for the messages that a WHERE clause names.
func (tx *serverTx) each(ctx context.Context, f func(m *chat.Message, confirmed bool), where string, lists ...any) error {
	rows, err := tx.query(ctx, "SELECT "+messageColumns+" FROM {p}messages "+where, lists...)
	return eachMessage(rows, err, f)
}
