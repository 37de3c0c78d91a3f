package sqlstore

import (
	"context"
	"database/sql/driver"
	"errors"
	"fmt"
	"os"
	"path/filepath"
)

var errBackupServer = errors.New("sqlstore: Backup is for SQLite: use pg_dump for PostgreSQL, mariadb-dump or mysqldump --single-transaction for MariaDB and MySQL")

// Backup writes a copy of the SQLite database to a new file at path, with mode
// 0600: consistent, complete and one file, as the database was at one moment. It
// runs beside the chat, whose writes it does not hold up, but the database's log
// grows meanwhile; it takes about as long as writing the file, and may be
// ended by ctx. The copy of a database of the app's own (New) is of all of it.
//
// There is a file at path only when Backup has returned nil; one that is there
// before is an error (errors.Is fs.ErrExist) and stays. A process that is killed meanwhile leaves
// an empty file there, and path.*.part beside it. For other databases the error
// says what to use. How to put a copy back stands in OPERATING.md.
func (s *Store) Backup(ctx context.Context, path string) (err error) {
	if s.dialect.server {
		return errBackupServer
	}
	if path, err = filepath.Abs(path); err != nil { // SQLite would take file: for a URI
		return fmt.Errorf("find backup file: %w", err)
	}
	reserved, err := os.OpenFile(path, os.O_CREATE|os.O_EXCL|os.O_WRONLY, 0o600)
	if err != nil {
		return fmt.Errorf("create backup file: %w", err)
	}
	part, err := os.CreateTemp(filepath.Dir(path), filepath.Base(path)+".*.part") // 0600 too
	if err == nil {
		if err = s.vacuumInto(ctx, part.Name()); err == nil {
			err = part.Sync() // SQLite does not promise to
		}
		if e := errors.Join(part.Close(), reserved.Close()); err == nil { // Windows renames no open files
			err = e
		}
		if err == nil {
			err = os.Rename(part.Name(), path)
		}
		if err != nil {
			_ = os.Remove(part.Name())
		}
	}
	if err != nil {
		_ = reserved.Close()
		_ = os.Remove(path)
		return fmt.Errorf("write backup file: %w", err)
	}
	if folder, err := os.Open(filepath.Dir(path)); err == nil { // where folders can be synced
		_ = folder.Sync()
		_ = folder.Close()
	}
	return nil
}

// vacuumInto writes the copy into an empty file.
func (s *Store) vacuumInto(ctx context.Context, path string) error {
	conn, err := s.read.Conn(ctx)
	if err != nil {
		return fmt.Errorf("get connection: %w", err)
	}
	defer conn.Close()
	if s.owned { // one that only reads would not write a copy either; nobody else gets it after this
		defer func() { _ = conn.Raw(func(any) error { return driver.ErrBadConn }) }()
		if _, err := conn.ExecContext(ctx, "PRAGMA query_only=0"); err != nil {
			return fmt.Errorf("prepare connection: %w", err)
		}
	}
	_, err = conn.ExecContext(ctx, "VACUUM INTO ?", path)
	return err
}
