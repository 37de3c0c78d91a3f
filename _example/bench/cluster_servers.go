//go:build linux

package main

import (
	"cmp"
	"database/sql"
	"errors"
	"fmt"
	"net/url"
	"os"

	"github.com/nats-io/nats.go"
)

// clusterServers finds the servers that part cluster runs on.
func clusterServers() (db *sql.DB, at url.URL, natsURL string, err error) {
	natsURL = cmp.Or(os.Getenv("NATS_URL"), nats.DefaultURL)
	nc, err := nats.Connect(natsURL)
	if err != nil {
		return nil, at, "", fmt.Errorf("no NATS server at %s: %w", natsURL, err)
	}
	nc.Close()
	admin, err := url.Parse(cmp.Or(os.Getenv("SQLSTORE_TEST_POSTGRES"), "postgres://postgres@127.0.0.1:5432/postgres"))
	if err != nil {
		return nil, at, "", fmt.Errorf("read SQLSTORE_TEST_POSTGRES: %w", err)
	}
	db, err = sql.Open("pgx", admin.String())
	if err != nil {
		return nil, at, "", fmt.Errorf("open PostgreSQL: %w", err)
	}
	if err := db.Ping(); err != nil {
		return nil, at, "", errors.Join(fmt.Errorf("no PostgreSQL server at %s: %w", admin.Redacted(), err), db.Close())
	}
	return db, *admin, natsURL, nil
}

// createDatabase makes a database on the server of at, for drop to remove.
func createDatabase(db *sql.DB, at url.URL) (dsn string, drop func() error, err error) {
	at.Path = fmt.Sprintf("/fiberchat_bench_%d", os.Getpid())
	name := at.Path[1:]
	if _, err := db.Exec("CREATE DATABASE " + name); err != nil {
		return "", nil, fmt.Errorf("create database: %w", err)
	}
	return at.String(), func() error {
		_, err := db.Exec("DROP DATABASE " + name + " WITH (FORCE)")
		return err
	}, nil
}
