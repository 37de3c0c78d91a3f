//go:build linux

package main

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"net/url"
	"time"

	"fiberchat.example/fiberchat/chat"
	"fiberchat.example/sqlstore"
)

// measureSweep is what grows with the size of a cluster and not with one
// node's load: each node's look at the messages of the last seconds.
func measureSweep(_ options, r *report) error {
	db, at, _, err := clusterServers()
	if err != nil {
		return missing("sweep", err)
	}
	defer db.Close()
	r.table("What a node's sweep costs: one in twenty messages is not confirmed", "messages of the last seconds", "one sweep")
	for _, n := range []int{10_000, 100_000} {
		took, err := timeSweep(db, at, n)
		if err != nil {
			return err
		}
		r.row(fmt.Sprint(n), millis(took)+" ms")
	}
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
