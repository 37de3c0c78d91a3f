package sqlstore

import (
	"context"
	"database/sql/driver"
	"errors"
	"fmt"
	"io"
	"math/rand/v2"
	"net"
	"strings"
	"time"
)

const (
	// What an operation takes at most, retries and the wait for a connection
	// included.
	opTimeout    = 10 * time.Second
	firstPause   = 5 * time.Millisecond
	longestPause = 500 * time.Millisecond
)

// errUnknownOutcome: the connection was lost during COMMIT. It is not tried
// again here: the second try could not tell what the first one stored from
// what had been there before. The sender is told "not known to be stored",
// sends again, and finds its message by the msgID if it was.
var errUnknownOutcome = errors.New("sqlstore: outcome of commit not known")

// retry calls f with a time limit, and repeats it on a database server as long
// as its errors are of those that pass: a deadlock, a lost connection, a server
// that restarts.
func (s *Store) retry(ctx context.Context, f func(ctx context.Context) error) error {
	ctx, cancel := context.WithTimeout(ctx, s.timeout)
	defer cancel()
	for pause := firstPause; ; pause = min(2*pause, longestPause) {
		err := f(ctx)
		if err == nil || !s.dialect.server || !passes(err) {
			return pooled(err)
		}
		wait := time.NewTimer(pause/2 + rand.N(pause/2))
		select {
		case <-wait.C:
		case <-ctx.Done():
			wait.Stop()
			return errors.Join(ctx.Err(), err)
		}
	}
}

// get and list read one row and several.
func (s *Store) get(ctx context.Context, row any, query string, args ...any) error {
	return s.retry(ctx, func(ctx context.Context) error {
		return s.read.GetContext(ctx, row, s.sql(query), args...)
	})
}

func list[T any](ctx context.Context, s *Store, query string, args ...any) (rows []T, err error) {
	err = s.retry(ctx, func(ctx context.Context) error {
		rows = nil // of a try that broke off
		return s.read.SelectContext(ctx, &rows, s.sql(query), args...)
	})
	return rows, err
}

// exec writes what may be written twice, because the answer to the first time
// may have been lost, and returns the number of rows.
func (s *Store) exec(ctx context.Context, query string, args ...any) (rows int64, err error) {
	err = s.retry(ctx, func(ctx context.Context) error {
		res, err := s.write.ExecContext(ctx, s.sql(query), args...)
		if err == nil {
			rows, err = res.RowsAffected()
		}
		return err
	})
	return rows, err
}

// passes reports whether the same may work if tried again.
func passes(err error) bool {
	if errors.Is(err, context.Canceled) || errors.Is(err, context.DeadlineExceeded) || errors.Is(err, errUnknownOutcome) {
		return false
	}
	switch code := serverCode(err); code {
	case "": // not the server's word, so the connection's
		return isConnectionError(err)
	case "40001", "40P01", "55P03", // PostgreSQL: serialization, deadlock, lock
		"53200", "53300", // no room for locks or connections
		"57P01", "57P02", "57P03", "57P05", "25P03", // shutdown, crash, starting, idle for too long
		"25006",                                                                        // read-only until a failover has ended
		"1205", "1213", "1040", "1047", "1053", "1077", "1290", "1836", "1927", "4031": // MySQL: the same, and a cluster that is not ready
		return true
	default:
		return len(code) == 5 && code[:2] == "08" // PostgreSQL: connection
	}
}

// wasRolledBack reports whether a failed COMMIT is known to have stored nothing.
func wasRolledBack(err error) bool {
	switch serverCode(err) {
	case "40001", "40P01", "1213": // the last one from a cluster that certifies at COMMIT
		return true
	}
	return false
}

func isConnectionError(err error) bool {
	var network *net.OpError
	return errors.Is(err, driver.ErrBadConn) || errors.Is(err, io.EOF) || errors.Is(err, io.ErrUnexpectedEOF) || errors.As(err, &network) ||
		strings.Contains(err.Error(), "invalid connection") || // go-sql-driver's
		strings.Contains(err.Error(), "conn closed") // pgx's
}

// isDuplicate reports whether a unique index refused the statement.
func isDuplicate(err error) bool {
	code := serverCode(err)
	return code == "23505" || code == "1062" || isSQLiteDuplicate(err)
}

// serverCode is PostgreSQL's SQLSTATE or MySQL's number, read without
// importing either driver.
func serverCode(err error) string {
	var pg interface{ SQLState() string }
	if errors.As(err, &pg) {
		return pg.SQLState()
	}
	for ; err != nil; err = errors.Unwrap(err) {
		var number int
		if n, _ := fmt.Sscanf(err.Error(), "Error %d ", &number); n == 1 {
			return fmt.Sprint(number)
		}
	}
	return ""
}
