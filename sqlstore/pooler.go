package sqlstore

import (
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"time"

	"github.com/jmoiron/sqlx"
)

// errPooled: the driver's prepared statements belong to a connection of the
// server's, and a pooler in transaction mode gives a client another one for
// each transaction. Nothing else here needs more than one transaction.
var errPooled = errors.New("sqlstore: PostgreSQL is behind a pooler in transaction mode, which does not keep prepared statements: " +
	"add default_query_exec_mode=exec to the database URL (PgBouncer 1.21: or set its max_prepared_statements)")

// So many connections look for a pooler: it is noticed for certain where it has
// no more than these to the server, and most often where it has more.
const pooledTries = 4

// checkPooler returns errPooled where statements that the driver prepares
// would be met by strangers, or not be met again.
func (s *Store) checkPooler(ctx context.Context) error {
	if s.dialect.name != postgresDialect.name {
		return nil
	}
	first, err := s.write.Connx(ctx)
	if err != nil {
		return fmt.Errorf("connect: %w", err)
	}
	defer first.Close()
	prepares, err := driverPrepares(ctx, first)
	if err != nil || !prepares {
		return pooled(err)
	}
	process, err := serverProcess(ctx, first)
	if err != nil {
		return pooled(err)
	}
	limit := s.write.Stats().MaxOpenConnections
	for n := 1; n <= pooledTries && (limit == 0 || n < limit); n++ {
		// A transaction keeps one of the server's connections. Sooner or later that
		// is the one that the first client had: it is not kept for it.
		other, err := s.hold(ctx)
		if err = pooled(err); errors.Is(err, errPooled) {
			return err
		} else if err != nil {
			return nil // no room for another: the check is not worth an error
		}
		defer other.rollback()
		again, err := serverProcess(ctx, first)
		if err != nil {
			return pooled(err)
		}
		if other.process == process || again != process {
			return errPooled
		}
	}
	return nil
}

// driverPrepares reports whether the driver keeps statements under names of
// its own, and the server knows them by these.
func driverPrepares(ctx context.Context, conn *sqlx.Conn) (prepares bool, err error) {
	tx, err := conn.BeginTxx(ctx, nil)
	if err != nil {
		return false, err
	}
	defer tx.Rollback() // nothing was written
	query := "SELECT '" + rand.Text() + "'"
	var text string
	if err := tx.GetContext(ctx, &text, query); err != nil {
		return false, err
	}
	err = tx.GetContext(ctx, &prepares, "SELECT EXISTS (SELECT 1 FROM pg_prepared_statements WHERE statement = $1 AND name LIKE 'stmtcache%')", query)
	return prepares, err
}

func serverProcess(ctx context.Context, conn sqlx.QueryerContext) (process int64, err error) {
	err = sqlx.GetContext(ctx, conn, &process, "SELECT pg_backend_pid()")
	return process, err
}

// held is a connection with a transaction open on it.
type held struct {
	conn    *sqlx.Conn
	tx      *sqlx.Tx
	process int64
	cancel  context.CancelFunc
}

func (s *Store) hold(ctx context.Context) (*held, error) {
	ctx, cancel := context.WithTimeout(ctx, time.Second) // a pooler in session mode may have none left
	conn, err := s.write.Connx(ctx)
	if err != nil {
		cancel()
		return nil, err
	}
	h := &held{conn: conn, cancel: cancel}
	if h.tx, err = conn.BeginTxx(ctx, nil); err == nil {
		h.process, err = serverProcess(ctx, h.tx)
	}
	if err != nil {
		h.rollback()
		return nil, err
	}
	return h, nil
}

func (h *held) rollback() {
	if h.tx != nil {
		_ = h.tx.Rollback() // nothing was written
	}
	_ = h.conn.Close()
	h.cancel()
}

// pooled adds errPooled to what says that a prepared statement is not there,
// or is there already.
func pooled(err error) error {
	switch serverCode(err) {
	case "26000", "42P05":
		return fmt.Errorf("%w: %w", errPooled, err)
	}
	return err
}
