//go:build linux

package main

import (
	"cmp"
	"context"
	"database/sql"
	"errors"
	"fmt"
	"net/url"
	"os"
	"path/filepath"
	"strings"
	"time"

	"github.com/nats-io/nats.go"

	"fiberchat.example/fiberchat/chat"
	"fiberchat.example/sqlstore"
)

// subjects is how many users' subjects NATS is given.
const subjects = 100_000

// measureHints is what grows with the size of a cluster and not with one
// node's load: the sweep over the messages of the last seconds, and NATS's
// memory for a subject a user.
func measureHints(db *sql.DB, at url.URL, natsURL string, r *report) error {
	r.table("What a node's sweep costs: one in twenty messages is not confirmed", "messages of the last seconds", "one sweep")
	for _, n := range []int{10_000, 100_000} {
		took, err := timeSweep(db, at, n)
		if err != nil {
			return fmt.Errorf("sweep: %w", err)
		}
		r.row(fmt.Sprint(n), millis(took)+" ms")
	}
	each, err := subjectMemory(natsURL)
	if err != nil {
		return fmt.Errorf("subjects: %w", err)
	}
	r.table(fmt.Sprintf("NATS's memory for %d subjects of one node", subjects), "each")
	r.row(fmt.Sprintf("%d B", each))
	return nil
}

func timeSweep(db *sql.DB, at url.URL, n int) (took time.Duration, err error) {
	dsn, drop, err := createDatabase(db, at)
	if err != nil {
		return 0, err
	}
	defer func() { err = errors.Join(err, drop()) }()
	store, err := sqlstore.Open(dsn)
	if err != nil {
		return 0, err
	}
	defer store.Close()
	filler := ours{store: store}
	if _, err := filler.Do("fill", n*19/20); err != nil {
		return 0, err
	}
	ctx := context.Background()
	for i := range n / 20 {
		m := chat.Message{ChatID: fmt.Sprint("open", i), SenderID: 1, SenderName: "a", ReceiverID: 2, ReceiverName: "b", Content: benchContent, Time: time.Now()}
		if _, err := store.Apply(ctx, []chat.Op{{Save: &m}}); err != nil {
			return 0, fmt.Errorf("fill: %w", err)
		}
	}
	const times = 10
	start := time.Now()
	for range times {
		after := int64(0)
		for {
			page, err := store.Unconfirmed(ctx, after, 1000)
			if err != nil {
				return 0, err
			}
			if len(page) < 1000 {
				break
			}
			after = page[len(page)-1].ID
		}
	}
	return time.Since(start) / times, nil
}

func subjectMemory(natsURL string) (each int64, err error) {
	nc, err := nats.Connect(natsURL)
	if err != nil {
		return 0, err
	}
	defer nc.Close()
	before, err := residentOf("nats-server")
	if err != nil {
		return 0, err
	}
	hints := make(chan *nats.Msg, 1)
	for user := range subjects {
		if _, err := nc.ChanSubscribe(fmt.Sprint("fiberchat.bench.", user), hints); err != nil {
			return 0, err
		}
	}
	if err := nc.FlushTimeout(setupTimeout); err != nil {
		return 0, err
	}
	after, err := residentOf("nats-server")
	return (after - before) / subjects, err
}

// residentOf is the resident memory of all processes of a name.
func residentOf(name string) (sum int64, err error) {
	paths, err := filepath.Glob("/proc/[0-9]*/status")
	if err != nil {
		return 0, fmt.Errorf("list processes: %w", err)
	}
	for _, path := range paths {
		status, err := os.ReadFile(path)
		if err != nil || !strings.HasPrefix(string(status), "Name:\t"+name+"\n") {
			continue
		}
		_, after, _ := strings.Cut(string(status), "\nVmRSS:")
		var kib int64
		if _, err := fmt.Sscan(after, &kib); err != nil {
			return 0, fmt.Errorf("read %s: %w", path, err)
		}
		sum += kib << 10
	}
	return sum, nil
}

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
