//go:build linux

package main

import (
	"database/sql"
	"fmt"
	"net"
	"time"
)

// sqliteAlone is the disk without a network: the by-hand peer's INSERT and
// UPDATE, many exchanges a commit.
type sqliteAlone struct {
	db   *sql.DB
	next uint64
}

// perCommit is how many exchanges share a commit.
const perCommit = 64

func openSQLiteAlone(dir string) (service, error) {
	db, err := openByHandDB(dir)
	if err != nil {
		return nil, err
	}
	return &sqliteAlone{db: db}, nil
}

// Serve has nothing to answer.
func (s *sqliteAlone) Serve(ln net.Listener) error { return ln.Close() }

// Do "exchanges" runs for arg milliseconds and returns how many there were.
func (s *sqliteAlone) Do(command string, arg int) (any, error) {
	if command != "exchanges" {
		return nil, fmt.Errorf("unknown command %q", command)
	}
	insert, err := s.db.Prepare(byHandInsert)
	if err != nil {
		return nil, fmt.Errorf("prepare insert: %w", err)
	}
	defer insert.Close()
	update, err := s.db.Prepare(byHandUpdate)
	if err != nil {
		return nil, fmt.Errorf("prepare update: %w", err)
	}
	defer update.Close()
	first := s.next
	for end := time.Now().Add(time.Duration(arg) * time.Millisecond); time.Now().Before(end); {
		if err := s.commit(insert, update); err != nil {
			return nil, err
		}
	}
	return s.next - first, nil
}

func (s *sqliteAlone) commit(insert, update *sql.Stmt) error {
	tx, err := s.db.Begin()
	if err != nil {
		return fmt.Errorf("begin: %w", err)
	}
	defer tx.Rollback()
	inserts, updates := tx.Stmt(insert), tx.Stmt(update)
	now := time.Now().UnixMilli()
	msgID := make([]byte, idSize)
	for i := range perCommit {
		writeID(msgID, s.next)
		id, sender := string(msgID), 2*i
		s.next++
		if _, err := inserts.Exec(id, sender, sender+1, benchContent, now); err != nil {
			return fmt.Errorf("insert: %w", err)
		}
		if _, err := updates.Exec(now, sender+1, id); err != nil {
			return fmt.Errorf("update: %w", err)
		}
	}
	return tx.Commit()
}
