package sqlstore

import (
	"context"
	"errors"
	"fmt"
	"regexp"
	"strings"
	"time"

	"github.com/jmoiron/sqlx"

	"fiberchat.example/fiberchat/chat"
)

var (
	_ chat.Store         = (*Store)(nil)
	_ chat.Unconfirmed   = (*Store)(nil)
	_ chat.Counter       = (*Store)(nil)
	_ chat.PresenceStore = (*Store)(nil)
	_ chat.Notices       = (*Store)(nil)
	_ chat.Conversations = (*Store)(nil)
	_ chat.Finder        = (*Store)(nil)
	_ chat.OverdueQueue  = (*Store)(nil)
	_ chat.Authenticator = (*Store)(nil)
	_ chat.Directory     = (*Store)(nil)
)

// Nodes that start at once wait for the one that brings the tables up to date.
const startTimeout = time.Minute

// Store keeps messages, users and tokens in one database.
type Store struct {
	cfg     Config
	dialect dialect
	// write and read are one pool, except for a SQLite file that Open opened:
	// there write is the one connection that writes, read those that only read.
	write, read *sqlx.DB
	owned       bool
	timeout     time.Duration // opTimeout, except in tests
	hashing     gate          // of all passwords
	signUps     gate          // of new ones, before that
	q           queries
	// writer is the owned SQLite connection that writes; nil, or for its holder alone.
	writer   *sqliteWriter
	previous previous // on SQLite
	pairs    pairs
}

// Open opens the database at dsn, brings its tables up to date and owns it
// until Close. dsn is one of
//
//	""                            fiberchat.db in the working directory
//	chat.db, sqlite:chat.db       a SQLite file, made with mode 0600 if missing
//	postgres://user:pw@host/db    PostgreSQL
//	mysql://user:pw@host:3306/db  MySQL or MariaDB
//
// Another address is refused; put sqlite: before a file whose name looks like
// one. It fails when the database was written by a later version of this package.
func Open(dsn string, config ...Config) (*Store, error) {
	cfg, err := withDefaults(config)
	if err != nil {
		return nil, err
	}
	s := &Store{cfg: cfg, owned: true, timeout: opTimeout, pairs: newPairs()}
	kind, place, err := parseDSN(dsn)
	if err != nil {
		return nil, err
	}
	switch kind {
	case "postgres":
		s.write, err = openServer("pgx", "github.com/jackc/pgx/v5/stdlib", place)
		s.read = s.write
	case "mysql":
		s.write, err = openServer("mysql", "github.com/go-sql-driver/mysql", place)
		s.read = s.write
	default:
		s.write, s.read, err = openSQLite(place)
	}
	if err != nil {
		return nil, err
	}
	if err := s.start(); err != nil {
		return nil, errors.Join(err, s.Close())
	}
	return s, nil
}

// New keeps its tables in the app's own database and brings them up to date.
// The drivers it knows are sqlite3, pgx and mysql. The app closes db, after
// the Store, and chooses the settings: on SQLite journal_mode=WAL,
// synchronous=FULL and a busy_timeout are advised; on PostgreSQL
// default_transaction_isolation stays at read committed, or Apply fails; on MySQL
// interpolateParams=true, a strict sql_mode, and a wait_timeout of seconds that
// the pool's SetConnMaxIdleTime stays below: it ends the locks of a node whose
// machine vanished.
func New(db *sqlx.DB, config ...Config) (*Store, error) {
	cfg, err := withDefaults(config)
	if err != nil {
		return nil, err
	}
	s := &Store{cfg: cfg, write: db, read: db, timeout: opTimeout, pairs: newPairs()}
	if err := s.start(); err != nil {
		return nil, errors.Join(err, s.Close())
	}
	return s, nil
}

func (s *Store) start() error {
	var err error
	if s.dialect, err = dialectOf(s.write.DriverName()); err != nil {
		return err
	}
	s.hashing, s.signUps = newGate(maxHashing, maxSigningIn), newGate(maxSignUps, maxSigningUp)
	ctx, cancel := context.WithTimeout(context.Background(), startTimeout)
	defer cancel()
	if err := s.checkPooler(ctx); err != nil {
		return fmt.Errorf("open %s: %w", s.dialect.name, err)
	}
	if err := s.migrate(ctx); err != nil {
		return fmt.Errorf("migrate %s: %w", s.dialect.name, err)
	}
	return s.prepare(ctx)
}

// Close ends the Store once an Apply in progress has ended; a database given
// to New stays open.
func (s *Store) Close() error {
	err := s.q.close()
	if s.owned {
		if !s.dialect.server {
			s.closeWriter()
		}
		err = errors.Join(err, s.read.Close(), s.write.Close())
	}
	return err
}

// sql puts the table prefix and the database's placeholders into a query.
// {by x} is for MySQL, which else may walk the primary key and hope to meet
// enough rows before the LIMIT.
func (s *Store) sql(query string) string {
	force := ""
	if s.dialect.name == "mysql" {
		force = "FORCE INDEX ({p}messages_$1)"
	}
	query = indexHint.ReplaceAllString(query, force)
	return sqlx.Rebind(s.dialect.bind, strings.ReplaceAll(query, "{p}", s.cfg.TablePrefix))
}

var indexHint = regexp.MustCompile(`\{by (\w+)\}`)
