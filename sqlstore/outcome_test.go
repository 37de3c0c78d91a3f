package sqlstore

import (
	"context"
	"database/sql/driver"
	"errors"
	"fmt"
	"io"
	"net/url"
	"strings"
	"testing"

	"fiberchat.example/fiberchat/chat"
)

// A COMMIT that the database refused can be tried again; one whose answer was
// lost cannot.
func TestRolledBackCommit(t *testing.T) {
	t.Parallel()
	for err, want := range map[error]bool{
		pgError("40001"): true, pgError("40P01"): true, errors.New("Error 1213 (40001): Deadlock found"): true,
		pgError("57P01"): false, pgError("40003"): false, errors.New("invalid connection"): false, io.EOF: false,
	} {
		if got := wasRolledBack(fmt.Errorf("commit: %w", err)); got != want {
			t.Errorf("wasRolledBack(%v) is %v", err, got)
		}
	}
}

// An error of the function's call says that nothing is stored only where the
// server says so before its first row.
func TestOutcomeOfOneCall(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		err     error
		rows    int
		unknown bool
	}{
		{pgError("40P01"), 0, false}, {pgError("40001"), 3, false}, {pgError("57P01"), 0, false}, {driver.ErrBadConn, 0, false}, {pgError("55P03"), 0, false},
		{pgError("57P01"), 1, true}, {pgError("57P02"), 0, true}, {pgError("08P01"), 0, true}, {pgError("40003"), 0, true}, {pgError("26000"), 0, false}, {io.ErrUnexpectedEOF, 0, true}, {context.Canceled, 0, true},
	} {
		err := outcome(c.err, c.rows)
		if errors.Is(err, errUnknownOutcome) != c.unknown || !errors.Is(err, c.err) {
			t.Errorf("%v after %d rows: %v", c.err, c.rows, err)
		}
	}
}

// A snapshot that is older than the lock would make Previous wrong.
func TestPostgresRefusesAnotherIsolation(t *testing.T) {
	t.Parallel()
	u, err := url.Parse(scratch(t, "postgres"))
	if err != nil {
		t.Fatal(err)
	}
	query := u.Query()
	query.Set("default_transaction_isolation", "serializable")
	u.RawQuery = query.Encode()
	s := openAt(t, u.String())
	if _, err := s.Apply(t.Context(), []chat.Op{saveOp("1")}); err == nil || !strings.Contains(err.Error(), "read committed") {
		t.Errorf("Apply: %v, want an error that names the setting", err)
	}
}
