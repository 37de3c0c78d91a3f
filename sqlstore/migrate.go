package sqlstore

import (
	"context"
	"embed"
	"errors"
	"fmt"
	"io/fs"
	"path"
	"strings"
	"time"

	"github.com/jmoiron/sqlx"
)

//go:embed migration
var migrations embed.FS

// ErrNewerDatabase: a later version of this package has written the database.
var ErrNewerDatabase = errors.New("sqlstore: database is from a newer version")

// migrateTimeout is for a migration once it has its lock: one that was broken off
// would begin anew at each start, and never end.
const migrateTimeout = time.Hour

// migrate carries out the numbered files that the database has not seen. It
// holds a lock, so that any number of processes can start at once. ctx is for the
// way there.
func (s *Store) migrate(ctx context.Context) error {
	files, err := fs.Glob(migrations, path.Join("migration", s.dialect.name, "*.sql"))
	if err != nil || len(files) == 0 {
		return fmt.Errorf("find migrations: %d files: %w", len(files), err)
	}
	conn, err := s.write.Connx(ctx)
	if err != nil {
		return fmt.Errorf("connect: %w", err)
	}
	defer conn.Close()
	for _, lock := range s.dialect.lock {
		if err == nil {
			_, err = conn.ExecContext(ctx, s.sql(lock))
		}
	}
	end := s.dialect.unlock
	if err != nil {
		err = fmt.Errorf("lock database: %w", err)
	} else if err = s.dialect.check.run(ctx, s, conn); err == nil {
		migrating, cancel := context.WithTimeout(context.WithoutCancel(ctx), migrateTimeout)
		err = s.migrateLocked(migrating, conn, files)
		cancel()
	}
	if err != nil {
		end = s.dialect.undo
	}
	// The connection goes back to the pool, so this must be done although ctx may have ended.
	if _, e := conn.ExecContext(context.WithoutCancel(ctx), s.sql(end)); e != nil && err == nil {
		err = fmt.Errorf("unlock database: %w", e)
	}
	return err
}

func (c check) run(ctx context.Context, s *Store, conn *sqlx.Conn) error {
	if c.query == "" {
		return nil
	}
	var ok bool
	if err := conn.GetContext(ctx, &ok, s.sql(c.query)); err != nil {
		return fmt.Errorf("check database: %w", err)
	}
	if !ok {
		return fmt.Errorf("check database: %s", c.problem)
	}
	return nil
}

func (s *Store) migrateLocked(ctx context.Context, conn *sqlx.Conn, files []string) error {
	if _, err := conn.ExecContext(ctx, s.sql("CREATE TABLE IF NOT EXISTS {p}migrations (version INTEGER PRIMARY KEY)")); err != nil {
		return fmt.Errorf("create table of versions: %w", err)
	}
	var version int
	if err := conn.GetContext(ctx, &version, s.sql("SELECT COALESCE(MAX(version), 0) FROM {p}migrations")); err != nil {
		return fmt.Errorf("read version: %w", err)
	}
	if version > len(files) {
		return fmt.Errorf("%w: it has %d migrations, this program knows %d", ErrNewerDatabase, version, len(files))
	}
	for ; version < len(files); version++ {
		text, err := migrations.ReadFile(files[version])
		if err != nil {
			return fmt.Errorf("read migration: %w", err)
		}
		for _, statement := range statements(string(text)) {
			if strings.TrimSpace(statement) == "" {
				continue
			}
			if _, err := conn.ExecContext(ctx, s.sql(statement)); err != nil {
				return fmt.Errorf("apply %s: %w", path.Base(files[version]), err)
			}
		}
		if _, err := conn.ExecContext(ctx, s.sql("INSERT INTO {p}migrations (version) VALUES (?)"), version+1); err != nil {
			return fmt.Errorf("write version: %w", err)
		}
	}
	return nil
}

// statements splits a migration at each semicolon that ends a line, except for
// those in a function's body, which is between two $$.
func statements(text string) (all []string) {
	var open string
	for _, part := range strings.SplitAfter(text, ";\n") {
		open += part
		if strings.Count(open, "$$")%2 == 0 {
			all, open = append(all, open), ""
		}
	}
	return append(all, open)
}
